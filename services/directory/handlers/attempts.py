"""Counts the attempts to log in, of every protocol and mechanism; a log-in that is not counted here has no limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import structs

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.folded_logins import FoldedLogin, FoldedLogins
from services.directory.domain.guesses import Guess, guess
from services.directory.domain.login_name import LoginName
from services.directory.domain.throttle import AttemptOutcome, Throttle
from services.directory.handlers.credentials_tried import BAD_CREDENTIALS, MEMBER_NOT_NAMED, TOO_MANY, LoginAnswer
from services.directory.handlers.lockout_rows import knows_network
from services.directory.handlers.log_in_line import LogInLine
from services.directory.handlers.protocol_switches import ProtocolSwitches
from services.directory.handlers.verified import VerifiedLogins
from shared.background import begin
from shared.clock import Clock
from shared.eventstore.store import EventStore

_DAY = 86_400_000_000
_OUTCOMES = {
    "": AttemptOutcome.RIGHT,
    BAD_CREDENTIALS: AttemptOutcome.WRONG,
    MEMBER_NOT_NAMED: AttemptOutcome.WRONG,
}
"""Other refusals count nothing: what was given is right, or it could not be checked."""


class CountedAttempt(msgspec.Struct, frozen=True):
    """An attempt to log in: who asks, for which account, and with what."""

    protocol: str
    address: str
    """The client's address."""
    name: LoginName
    secret: str = ""
    """What the client gave, such as the password or the token, of which only a keyed hash is kept: the same wrong one
    again is no further mistake. Empty: the mechanism does not show it (SCRAM). Then the failures of a client at an
    account are one mistake of its network, each is one of the account, and their number has the limit of a client."""
    cannot_be_guessed: bool = False
    """Whether it has the form of a random secret of the server, or is signed: the right one passes every limit."""

    def __repr__(self) -> str:
        return f"CountedAttempt({self.protocol!r}, {self.address!r}, {self.name!r})"


class CountedAttempts:
    """Lets attempts be checked within the limits, counts the wrong ones, and notes all for the journal."""

    def __init__(
        self,
        throttle: Throttle,
        line: LogInLine,
        verified: VerifiedLogins,
        folded: FoldedLogins,
        names: AccountNames,
        switches: ProtocolSwitches,
    ) -> None:
        self._throttle = throttle
        self._line = line
        self._verified = verified
        self._folded = folded
        self._names = names
        self._switches = switches

    async def carry_out(self, attempt: CountedAttempt, check: Callable[[Guess], Awaitable[LoginAnswer]]) -> LoginAnswer:
        """What `check` answers, or the refusal without a check.

        A started check is finished and counted, even when the client has gone. One that raises counts nothing.
        """
        tried = await self._guess(attempt)
        try:
            if not await self._line.begin(tried):
                return await self._beyond_limits(attempt, tried, check)
        except TooManyWaiting:
            return self._refuse(attempt, tried, TOO_MANY)
        delay = self._throttle.delay(tried, self._names.clock.monotonic())
        opened = await asyncio.shield(begin(self._checked(attempt, tried, check)))
        if delay:
            await asyncio.sleep(delay)
        return opened

    async def _guess(self, attempt: CountedAttempt) -> Guess:
        fingerprint = self._verified.fingerprint("*".join(attempt.name), attempt.secret)
        is_name_known = self._names.has(attempt.name.account)
        tried = guess(attempt.name.account, attempt.address, fingerprint, attempt.protocol, is_name_known=is_name_known)
        is_secret_shown, is_guessable = bool(attempt.secret), not attempt.cannot_be_guessed
        tried = structs.replace(tried, is_guessable=is_guessable, is_secret_shown=is_secret_shown)
        now = self._names.clock.monotonic()
        if self._throttle.depends_on_network(tried, now) and await self._names.knows_network(tried):
            self._throttle.known.add(structs.replace(tried, is_guessable=False), now)
        return tried

    async def _beyond_limits(
        self, attempt: CountedAttempt, tried: Guess, check: Callable[[Guess], Awaitable[LoginAnswer]]
    ) -> LoginAnswer:
        """Check what nobody can guess all the same; everything else is refused."""
        if not attempt.cannot_be_guessed:
            return self._refuse(attempt, tried, TOO_MANY)
        opened = await self._switches.judged(attempt.protocol, await check(tried))
        if opened.refusal:
            return self._refuse(attempt, tried, TOO_MANY)
        self._throttle.note_right(tried, self._names.clock.monotonic())
        return self._note(attempt, opened)

    async def _checked(
        self, attempt: CountedAttempt, tried: Guess, check: Callable[[Guess], Awaitable[LoginAnswer]]
    ) -> LoginAnswer:
        outcome = AttemptOutcome.VOID
        try:
            opened = await check(tried)
            outcome = _OUTCOMES.get(opened.refusal, AttemptOutcome.VOID)
            opened = await self._switches.judged(attempt.protocol, opened)
        except TooManyWaiting:
            opened = LoginAnswer(TOO_MANY)
        finally:
            self._line.end(tried, outcome)
        return self._refuse(attempt, tried, opened.refusal) if opened.refusal else self._note(attempt, opened)

    def _note(self, attempt: CountedAttempt, opened: LoginAnswer) -> LoginAnswer:
        self._folded.note(
            FoldedLogin(opened.user, opened.account, "", attempt.protocol, attempt.address, "", opened.credential)
        )
        return opened

    def _refuse(self, attempt: CountedAttempt, tried: Guess, reason: str) -> LoginAnswer:
        self._folded.note(FoldedLogin("", "", tried.account, attempt.protocol, attempt.address, reason))
        return LoginAnswer(reason, refusals=self._throttle.refusals(tried, self._names.clock.monotonic()))


class AccountNames:
    """Which accounts there are, and from which networks somebody logged in to them."""

    def __init__(self, store: EventStore, has: Callable[[str], bool], clock: Clock, known_days: float) -> None:
        """`has` answers for the lookup key of an address."""
        self._store = store
        self.has = has
        self.clock = clock
        self._known_for = round(known_days * _DAY)

    async def knows_network(self, tried: Guess) -> bool:
        """Whether somebody logged in to the account from this network, also before this process began."""
        since = self.clock.now() - self._known_for
        return await self._store.read(lambda reader: knows_network(reader, tried.account, tried.network, since))
