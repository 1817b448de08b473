"""How much is kept of what would grow without end."""

from __future__ import annotations

import msgspec


class KeptRows(msgspec.Struct, frozen=True):
    """How much the tables keep."""

    sent_days: float = 30.0
    """Days for which the mails and recipients of an account are kept after they counted."""
    known_recipients: int = 20_000
    """Recipients of an account."""
    tls_result_days: int = 60
    sts_days: float = 30.0
    """Days for which an MTA-STS policy is kept after its end, and a failure to fetch one."""
