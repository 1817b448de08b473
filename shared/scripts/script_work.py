"""How much the scripts of each account have worked within the present hour; a limit for each run would be none."""

from __future__ import annotations

from shared.hourly_octets import HourlyOctets


class ScriptWork(HourlyOctets):
    """The octets that scripts have compared, copied and decoded, by account. They are counted anew each hour."""
