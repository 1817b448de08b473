"""The result of trying a relay without sending mail."""

from __future__ import annotations

import msgspec


class RelayTrial(msgspec.Struct, frozen=True):
    """The result of a trial."""

    works: bool
    host: str = ""
    address: str = ""
    tls: str = ""
    """Version and cipher; empty in the clear."""
    mechanism: str = ""
    """The mechanism of the log-in; empty without one."""
    text: str = ""
    """Why the relay does not work, with its own words."""
    stage: str = ""
    """The step at which the trial ended."""
