"""The built-in script of delivery as a value, and the few commands and tests that it has (RFC 5228 §2 to §5).

The whole language is in `compiler.py` and `execution.py`; delivery does not run compiled scripts yet.
"""

from __future__ import annotations

import msgspec

JUNK = "\\Junk"


class IsSpam(msgspec.Struct, frozen=True, tag=True):
    """True when the classifier's verdict is spam."""


class Not(msgspec.Struct, frozen=True, tag=True):
    """True when the inner test is false."""

    test: Test


Test = IsSpam | Not


class Keep(msgspec.Struct, frozen=True, tag=True):
    """File into INBOX (RFC 5228 §4.3)."""


class Discard(msgspec.Struct, frozen=True, tag=True):
    """Cancel the implicit keep (RFC 5228 §4.4)."""


class FileInto(msgspec.Struct, frozen=True, tag=True):
    """File into a mailbox (RFC 5228 §4.1), by name or by special use (RFC 8579)."""

    mailbox: str = ""
    special_use: str = ""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End the script (RFC 5228 §3.3)."""


class If(msgspec.Struct, frozen=True, tag=True):
    """Run the block when the test holds (RFC 5228 §3.1)."""

    test: Test
    then: tuple[Command, ...]


Command = Keep | Discard | FileInto | Stop | If


class Script(msgspec.Struct, frozen=True):
    """A named script."""

    name: str
    commands: tuple[Command, ...]


FILE_SPAM = Script("file spam", (If(IsSpam(), (FileInto(special_use=JUNK), Stop())),))
"""The script of every account until it has its own."""
