"""Remembers where a family of our addresses (IPv4, IPv6) is refused, so that `mailfold status` says so."""

from __future__ import annotations

from services.outbound.domain.address_family import family_of, refusal_text
from shared.clock import Clock
from shared.events.outbound import HostAttempt

_REMEMBERED = 86_400.0
"""Seconds for which a refusal is shown. The attempts of the mails record every one."""


class FamilyRefusals:
    """The last refusal of each family, for a day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, tuple[float, HostAttempt]] = {}

    def note(self, refused: HostAttempt) -> None:
        """Note a connection that was refused while the other family works."""
        self._last[family_of(refused.address)] = (self._clock.monotonic(), refused)

    def text(self) -> str:
        """What the operator has to know; empty when no family is refused."""
        since = self._clock.monotonic() - _REMEMBERED
        return "; ".join(refusal_text(host) for at, host in self._last.values() if at > since)
