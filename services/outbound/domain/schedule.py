"""When an entry is tried again, when its sender is notified, and when it expires."""

from __future__ import annotations

import msgspec

from shared.clock import doubled

_SECOND = 1_000_000


class AttemptTime(msgspec.Struct, frozen=True):
    """How long an attempt may take: a time for its connections and commands, and more for a large message."""

    seconds: float = 1_800.0
    octets_a_second: int = 2_000
    """The slowest line over which a message is still sent."""

    def of(self, size: int) -> float:
        """The seconds for a message of so many octets."""
        return self.seconds + size / self.octets_a_second


class RetrySchedule(msgspec.Struct, frozen=True):
    """The pauses between attempts, in seconds."""

    first: float = 300.0
    longest: float = 14_400.0
    jitter: float = 0.2
    """The share by which a pause may be longer, so that entries which failed together are not tried together."""
    perhaps_delivered: float = 3_600.0
    """The least pause after a connection that broke between the message and its reply."""
    delay_notice: float = 14_400.0
    expiry: float = 432_000.0
    destination_first: float = 60.0
    """The first pause of a whole destination that cannot be reached; it doubles with each failure."""
    destination_longest: float = 3_600.0

    def next_due(self, now: int, attempts: int, chance: float, *, perhaps_delivered: bool = False) -> int:
        """The time of the next attempt in UTC microseconds, after so many attempts.

        `chance` is a random number from 0 to 1.
        """
        pause = doubled(self.first, max(0, attempts - 1), self.longest)
        if perhaps_delivered:
            pause = max(pause, self.perhaps_delivered)
        return now + int(pause * (1 + self.jitter * chance) * _SECOND)

    def destination_pause(self, failures: int, chance: float) -> float:
        """Seconds until a destination that failed so many times in a row is tried again."""
        pause = doubled(self.destination_first, max(0, failures - 1), self.destination_longest)
        return pause * (1 + self.jitter * chance)

    def last_for_notice(self, now: int) -> int:
        """Entries whose age began at this time or before have waited long enough for a notification."""
        return now - int(self.delay_notice * _SECOND)

    def last_for_expiry(self, now: int) -> int:
        """Entries whose age began at this time or before expire."""
        return now - int(self.expiry * _SECOND)

    def expires_at(self, since: int) -> int:
        """When an entry expires whose age began at `since`."""
        return since + int(self.expiry * _SECOND)
