"""Limits wrong passwords: of a client at an account, of a client at all accounts, and of all clients at an account.

It is pure; times are passed in, in seconds of a clock that never goes back. An attempt counts from its beginning, so
attempts in parallel are not checked more often than attempts in sequence. A network is what counts as one client: an
IPv4 address or an IPv6 /64. Nobody is refused for what others do at an account where his network is known, because
somebody logged in from it: the limits of the account and of the network do not hold there, and within the network the
password that was right lately is still checked. A name that nobody has here has the same limits, apart from the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from enum import Enum

import msgspec

from services.directory.domain.guesses import Guess
from services.directory.domain.known_networks import KnownNetworks
from services.directory.domain.lockouts import ACCOUNT, CLIENT, NETWORK, Lockout, Lockouts
from services.directory.domain.mistakes import Mistakes

_REMEMBERED = 100_000
"""Wrong secrets of each kind that are remembered; two threads hash 60,000 in the ten minutes for which they count."""
_DELAY_SECONDS = 0.05
"""Seconds that each wrong password adds to the delay of an account."""


class ThrottleLimits(msgspec.Struct, frozen=True):
    """How many wrong passwords are allowed within `seconds`.

    A network that logged in to an account is known there for `trusted_seconds`; a log-in from another network waits
    `longest_delay` at most, and is refused after `everywhere` wrong passwords of such networks together (0: never).
    """

    per_account: int
    per_network: int
    seconds: float
    trusted_seconds: float
    longest_delay: float
    everywhere: int = 0


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


class _OfNames:
    """What is remembered about names: those of accounts, or those that nobody has."""

    def __init__(self, limits: ThrottleLimits) -> None:
        self.tried: Mistakes[tuple[str, str]] = Mistakes(limits.seconds, limits.per_account, _REMEMBERED)
        """By account and network."""
        self.accounts: Mistakes[str] = Mistakes(limits.seconds, limits.everywhere or _REMEMBERED, _REMEMBERED)
        """Of networks that are not known there."""


class Throttle:
    """Remembers wrong passwords in memory, up to a bound.

    The same wrong password again is not a new guess. So a device with an old password uses up the tries of that
    password, and not those of other devices in its network.
    """

    def __init__(self, limits: ThrottleLimits, lockouts: Lockouts | None = None) -> None:
        self._limits = limits
        self._accounts, self._strangers = _OfNames(limits), _OfNames(limits)
        self._networks: Mistakes[str] = Mistakes(limits.seconds, limits.per_network, _REMEMBERED)
        self.known = KnownNetworks(limits.trusted_seconds)
        self._running: Counter[tuple[str, str]] = Counter()
        self._running_networks: Counter[str] = Counter()
        self.lockouts = lockouts or Lockouts()

    def begin(self, guess: Guess, now: float) -> ThrottleDecision:
        """Decide whether a password is checked."""
        left, running = self._left(guess, now)
        if left <= 0 and not self.known.was_right(guess, now):
            return ThrottleDecision.REFUSE
        if running >= left > 0:
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
            self.note_right(guess, now)

    def note_right(self, guess: Guess, now: float) -> None:
        """Note a right secret: the network is known at the account from now on."""
        pair = guess.account, guess.network
        tried = self._of(guess).tried
        mistakes = tried.of(pair, now)
        # A device that logs in again and again says nothing about the mistakes that are made beside it.
        is_typed = guess.is_guessable and not self.known.was_right(guess, now)
        if is_typed and 0 < mistakes < self._limits.per_account:
            tried.forget(pair)
            self._networks.remove(guess.network, mistakes, now)
        self.known.add(guess, now)

    def depends_on_network(self, guess: Guess, now: float) -> bool:
        """Whether it matters for this guess that its network is known at the account, which is not in memory."""
        return guess.is_name_known and not self.known.has(guess, now) and self._is_watched(guess, now)

    def _is_watched(self, guess: Guess, now: float) -> bool:
        """Whether there are mistakes by which a network that is new to the account may be refused or delayed."""
        of_network = 0 if guess.is_many_people else self._networks.of(guess.network, now)
        return of_network > 0 or self._of(guess).accounts.of(guess.account, now) > 0

    def delay(self, guess: Guess, now: float) -> float:
        """Seconds by which the reply to a log-in is delayed, right or wrong, because others guess at the account."""
        if self.known.has(guess, now):
            return 0.0
        excess = self._of(guess).accounts.of(guess.account, now) - self._limits.per_account
        return min(max(excess, 0) * _DELAY_SECONDS, self._limits.longest_delay)

    def refusals(self, guess: Guess, now: float) -> int:
        """The recent wrong passwords of this client, by which the protocol delays its next refusal."""
        if guess.is_many_people:
            return self._tries(guess, now)
        return self._networks.of(guess.network, now)

    def suspects(self) -> set[str]:
        """The accounts at which wrong passwords were tried recently."""
        return {account for account, _ in self._accounts.tried}

    def forgive(self, accounts: Collection[str]) -> None:
        """Forget the wrong passwords at accounts that have a new password or were enabled.

        The counts of networks stay.
        """
        for names in self._names():
            for pair in [pair for pair in names.tried if pair[0] in accounts]:
                names.tried.forget(pair)
            for account in accounts:
                names.accounts.forget(account)
        self.lockouts.end_of_accounts(accounts)

    def lift(self, lockout: Lockout) -> None:
        """End a lockout: the mistakes that led to it are forgotten."""
        self._accounts.tried.forget((lockout.account, lockout.network))
        if lockout.kind == ACCOUNT:
            self._accounts.accounts.forget(lockout.account)
        elif lockout.kind == NETWORK:
            self._networks.forget(lockout.network)
        self.lockouts.drop(lockout)

    def resume(self, lockout: Lockout) -> None:
        """Go on with a lockout that began before the process did."""
        if lockout.kind == ACCOUNT:
            self._accounts.accounts.fill(lockout.account, lockout.mistakes, lockout.until)
        elif lockout.kind == NETWORK:
            self._networks.fill(lockout.network, lockout.mistakes, lockout.until)
        else:
            self._accounts.tried.fill((lockout.account, lockout.network), lockout.mistakes, lockout.until)
        self.lockouts.resume(lockout)

    def _left(self, guess: Guess, now: float) -> tuple[int, int]:
        """The tries that are left, and the attempts that are running, by the limit that is nearest."""
        left = self._limits.per_account - self._tries(guess, now)
        running = self._running[guess.account, guess.network]
        if self.known.has(guess, now):
            return left, running
        if self._limits.everywhere and self._of(guess).accounts.of(guess.account, now) >= self._limits.everywhere:
            return 0, running
        if not guess.is_many_people:
            of_network = self._limits.per_network - self._networks.of(guess.network, now)
            if of_network <= 0 or self._running_networks[guess.network] >= of_network:
                return min(left, of_network), max(running, of_network)
        return left, running

    def _tries(self, guess: Guess, now: float) -> int:
        """The tries that count against this guess: those of the same password when it was tried before, else all."""
        pair, tried = (guess.account, guess.network), self._of(guess).tried
        return tried.times(pair, guess.fingerprint, now) or tried.of(pair, now)

    def _note_wrong(self, guess: Guess, now: float) -> None:
        pair, names = (guess.account, guess.network), self._of(guess)
        times = names.tried.times(pair, guess.fingerprint, now)
        if names.tried.add(pair, guess.fingerprint, now):
            self._lock_out(CLIENT, guess, names.tried.until(pair, now), names.tried.of(pair, now), now)
        if not times:
            self._note_network(guess, now)
        if guess.is_guessable and not self.known.has(guess, now) and not (times and guess.is_secret_shown):
            mistake = guess.fingerprint if guess.is_secret_shown else hash((*pair, times))
            is_full = names.accounts.add(guess.account, mistake, now)
            if is_full and self._limits.everywhere:
                of_account = names.accounts.of(guess.account, now)
                self._lock_out(ACCOUNT, guess, names.accounts.until(guess.account, now), of_account, now)

    def _note_network(self, guess: Guess, now: float) -> None:
        is_full = self._networks.add(guess.network, hash((guess.account, guess.fingerprint)), now)
        if is_full and not guess.is_many_people:
            of_network = self._networks.of(guess.network, now)
            self._lock_out(NETWORK, guess, self._networks.until(guess.network, now), of_network, now)

    def _lock_out(self, kind: str, guess: Guess, until: float, mistakes: int, now: float) -> None:
        """Note a lockout. A name that nobody has may be anything that was typed there, so it is not noted."""
        if kind == NETWORK:
            self.lockouts.begin(Lockout(kind, "", guess.network, guess.protocol, mistakes, now, until))
        elif guess.is_name_known:
            network = guess.network if kind == CLIENT else ""
            self.lockouts.begin(Lockout(kind, guess.account, network, guess.protocol, mistakes, now, until))

    def _names(self) -> tuple[_OfNames, _OfNames]:
        return self._accounts, self._strangers

    def _of(self, guess: Guess) -> _OfNames:
        return self._accounts if guess.is_name_known else self._strangers


def _less(counter: Counter, key: object) -> None:  # type: ignore[type-arg]
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
