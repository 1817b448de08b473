"""Counts the attempts to log in, of every protocol and mechanism; a log-in that is not counted here has no limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.folded_logins import FoldedLogin, FoldedLogins
from services.directory.domain.login_name import LoginName
from services.directory.domain.throttle import AttemptOutcome, Guess, Throttle, guess
from services.directory.handlers.credentials_tried import BAD_CREDENTIALS, MEMBER_NOT_NAMED, TOO_MANY, LoginAnswer
from services.directory.handlers.log_in_line import LogInLine
from services.directory.handlers.pop3_switch import ProtocolSwitches
from services.directory.handlers.verified import VerifiedLogins
from shared.background import begin
from shared.clock import Clock

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
    again is no further mistake. Empty: the mechanism does not show it (SCRAM), and each failure is a mistake."""
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
        clock: Clock,
        switches: ProtocolSwitches,
    ) -> None:
        self._throttle = throttle
        self._line = line
        self._verified = verified
        self._folded = folded
        self._clock = clock
        self._switches = switches

    async def carry_out(self, attempt: CountedAttempt, check: Callable[[Guess], Awaitable[LoginAnswer]]) -> LoginAnswer:
        """What `check` answers, or the refusal without a check.

        A started check is finished and counted, even when the client has gone. One that raises counts nothing.
        """
        tried = self._guess(attempt)
        try:
            if not await self._line.begin(tried):
                return self._refuse(attempt, tried, TOO_MANY)
        except TooManyWaiting:
            return self._refuse(attempt, tried, TOO_MANY)
        delay = self._throttle.delay(tried, self._clock.monotonic())
        opened = await asyncio.shield(begin(self._checked(attempt, tried, check)))
        if delay:
            await asyncio.sleep(delay)
        return opened

    def _guess(self, attempt: CountedAttempt) -> Guess:
        fingerprint = self._verified.fingerprint("*".join(attempt.name), attempt.secret)
        return guess(attempt.name.account, attempt.address, fingerprint)

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
        if opened.refusal:
            return self._refuse(attempt, tried, opened.refusal)
        self._folded.note(
            FoldedLogin(opened.user, opened.account, "", attempt.protocol, attempt.address, "", opened.credential)
        )
        return opened

    def _refuse(self, attempt: CountedAttempt, tried: Guess, reason: str) -> LoginAnswer:
        self._folded.note(FoldedLogin("", "", tried.account, attempt.protocol, attempt.address, reason))
        return LoginAnswer(reason, refusals=self._throttle.refusals(tried, self._clock.monotonic()))
