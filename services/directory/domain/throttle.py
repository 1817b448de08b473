"""Limits wrong passwords: of a client at an account, of a client at all accounts, and of all clients at an account.

It is pure; times are passed in, in seconds of a clock that never goes back. An attempt counts from its beginning, so
attempts in parallel are not checked more often than attempts in sequence. No client is refused for what others do: a
client that has tried too many passwords at an account is refused there, and strangers can only delay a log-in from a
client that is new to the account. A network is what counts as one client: an IPv4 address or an IPv6 /64.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection
from enum import Enum

import msgspec

from shared.network.address import is_loopback, network_of

_REMEMBERED = 20_000
"""Entries of each kind that are remembered; the oldest is forgotten first."""
_DELAY_SECONDS = 0.05
"""Seconds that each wrong password adds to the delay of an account."""


class ThrottleLimits(msgspec.Struct, frozen=True):
    """How many wrong passwords are allowed within `seconds`.

    A network that logged in to an account is trusted there for `trusted_seconds`; a log-in from another network waits
    `longest_delay` at most.
    """

    per_account: int
    per_network: int
    seconds: float
    trusted_seconds: float
    longest_delay: float


class Guess(msgspec.Struct, frozen=True):
    """One password tried at one account.

    `fingerprint` is equal for equal passwords at the same account.
    """

    account: str
    network: str
    is_many_people: bool
    """Whether the address is loopback or unknown, so that the limit of a network at all accounts does not apply."""
    fingerprint: int


def guess(account: str, address: str, fingerprint: int) -> Guess:
    """The guess of a client at this address."""
    network = network_of(address)
    return Guess(account, network, not network or is_loopback(network), fingerprint)


class ThrottleDecision(Enum):
    """The decision about an attempt."""

    GO = "go"
    """Check the password; the attempt counts from now on, and `end` must follow."""
    WAIT = "wait"
    """Ask again when a running attempt of the network has ended: the running ones may use up the limit."""
    REFUSE = "refuse"


class AttemptOutcome(Enum):
    """The result of an attempt."""

    RIGHT = "right"
    WRONG = "wrong"
    VOID = "void"
    """The password was not checked, or it is right but the account cannot be used."""


class Throttle:
    """Remembers wrong passwords in memory, up to a bound.

    The same wrong password again is not a new guess. So a device with an old password uses up the tries of that
    password, and not those of other devices in its network.
    """

    def __init__(self, limits: ThrottleLimits) -> None:
        self._limits = limits
        self._tried: OrderedDict[tuple[str, str], _Tried] = OrderedDict()
        self._networks = _Counts(limits.seconds)
        self._accounts = _Counts(limits.seconds)
        self._trusted: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._running: Counter[tuple[str, str]] = Counter()
        self._running_networks: Counter[str] = Counter()

    def begin(self, guess: Guess, now: float) -> ThrottleDecision:
        """Decide whether a password is checked."""
        used, running = self._tries(guess, now), self._running[guess.account, guess.network]
        left = self._limits.per_account - used
        if not guess.is_many_people:
            left_of_network = self._limits.per_network - self._networks.of(guess.network, now)
            if left_of_network <= 0:
                return ThrottleDecision.REFUSE
            if self._running_networks[guess.network] >= left_of_network:
                running = max(running, left)
        if left <= 0:
            return ThrottleDecision.REFUSE
        if running >= left:
            return ThrottleDecision.WAIT
        self._running[guess.account, guess.network] += 1
        self._running_networks[guess.network] += 1
        return ThrottleDecision.GO

    def end(self, guess: Guess, outcome: AttemptOutcome, now: float) -> None:
        """Note the end of an attempt that was begun."""
        _less(self._running, (guess.account, guess.network))
        _less(self._running_networks, guess.network)
        if outcome is AttemptOutcome.WRONG:
            self._note_wrong(guess, now)
        elif outcome is AttemptOutcome.RIGHT:
            self._note_right(guess, now)

    def delay(self, guess: Guess, now: float) -> float:
        """Seconds by which the reply to a log-in is delayed, right or wrong, because others guess at the account."""
        if self._is_trusted(guess, now):
            return 0.0
        excess = self._accounts.of(guess.account, now) - self._limits.per_account
        return min(max(excess, 0) * _DELAY_SECONDS, self._limits.longest_delay)

    def refusals(self, guess: Guess, now: float) -> int:
        """The recent wrong passwords of this client, by which the protocol delays its next refusal."""
        if guess.is_many_people:
            return self._tries(guess, now)
        return self._networks.of(guess.network, now)

    def suspects(self) -> set[str]:
        """The accounts at which wrong passwords were tried recently."""
        return {account for account, _ in self._tried}

    def forgive(self, accounts: Collection[str]) -> None:
        """Forget the wrong passwords at accounts that have a new password or were enabled.

        The counts of networks stay.
        """
        for pair in [pair for pair in self._tried if pair[0] in accounts]:
            del self._tried[pair]
        for account in accounts:
            self._accounts.forget(account)

    def _tries(self, guess: Guess, now: float) -> int:
        """The tries that count against this guess: those of the same password when it was tried before, else all."""
        tried = self._tried.get((guess.account, guess.network))
        if tried is None or tried.until <= now:
            return 0
        return tried.passwords.get(guess.fingerprint) or len(tried.passwords)

    def _note_wrong(self, guess: Guess, now: float) -> None:
        pair = guess.account, guess.network
        tried = self._tried.pop(pair, None)
        if tried is None or tried.until <= now:
            tried = _Tried({}, 0.0)
        is_new = guess.fingerprint not in tried.passwords
        tried.passwords[guess.fingerprint] = tried.passwords.get(guess.fingerprint, 0) + 1
        tried.until = now + self._limits.seconds
        _remember(self._tried, pair, tried)
        if is_new:
            self._networks.add(guess.network, 1, now)
            if not self._is_trusted(guess, now):
                self._accounts.add(guess.account, 1, now)

    def _note_right(self, guess: Guess, now: float) -> None:
        pair = guess.account, guess.network
        tried = self._tried.pop(pair, None)
        if tried is not None and tried.until > now:  # the user had mistyped
            self._networks.add(guess.network, -len(tried.passwords), now)
        if self._limits.trusted_seconds and guess.network:
            _remember(self._trusted, pair, now + self._limits.trusted_seconds)

    def _is_trusted(self, guess: Guess, now: float) -> bool:
        return self._trusted.get((guess.account, guess.network), 0.0) > now


class _Tried(msgspec.Struct):
    """The wrong passwords of a network at an account: how often each was tried, by fingerprint."""

    passwords: dict[int, int]
    until: float


class _Counts:
    """Counts of wrong passwords by a key; every new one restarts the time for which the count is kept."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def of(self, key: str, now: float) -> int:
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > now else 0

    def add(self, key: str, number: int, now: float) -> None:
        count = self.of(key, now) + number
        self.forget(key)
        if count > 0:
            _remember(self._counts, key, (count, now + self._seconds))

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)


def _remember(memory: OrderedDict, key: object, value: object) -> None:  # type: ignore[type-arg]
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)


def _less(counter: Counter, key: object) -> None:  # type: ignore[type-arg]
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
