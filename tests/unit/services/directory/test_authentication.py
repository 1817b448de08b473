"""A log-in attempt counts even when its client leaves before the reply."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain.folded_logins import FoldedLogins
from services.directory.domain.throttle import Throttle, ThrottleLimits
from services.directory.handlers.attempts import AccountNames, CountedAttempts
from services.directory.handlers.authentication import Authenticator, LoginAttempt
from services.directory.handlers.credentials_tried import CredentialsTried
from services.directory.handlers.hash_renewal import HashRenewal
from services.directory.handlers.log_in_line import LogInLine
from services.directory.handlers.protocol_switches import ProtocolSwitches
from services.directory.handlers.verified import VerifiedLogins
from shared.clock import FixedClock
from shared.eventstore.store import EventStore


class NobodyKnown:
    """A store without accounts."""

    async def read(self, _ask: Any) -> CredentialsTried:
        return CredentialsTried()


class SlowHasher:
    """Every password is wrong, after the gate was opened."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = 0

    async def verify(self, _stored: str, _password: str, _client: str = "") -> bool:
        self.asked += 1
        await self.gate.wait()
        return False


async def test_an_attempt_whose_client_leaves_counts_all_the_same() -> None:
    hasher, throttle, clock = SlowHasher(), Throttle(ThrottleLimits(10, 50, 600, 0, 5)), FixedClock()
    verified = VerifiedLogins(0, 10)
    switches = ProtocolSwitches(cast(EventStore, NobodyKnown()), pop3=False)
    names = AccountNames(cast(EventStore, NobodyKnown()), lambda _key: False, clock, 30)
    authentication = Authenticator(
        cast(EventStore, NobodyKnown()),
        cast(PasswordHasher, hasher),
        CountedAttempts(throttle, LogInLine(throttle, clock, 500), verified, FoldedLogins(), names, switches),
        verified,
        clock,
        lambda address: address,
        HashRenewal(cast(EventStore, NobodyKnown()), cast(PasswordHasher, hasher)),
    )

    def attempt(number: int) -> LoginAttempt:
        return LoginAttempt("ann@example.org", f"wrong {number}", "imap", "192.0.2.1")

    left = [asyncio.create_task(authentication.open(attempt(number))) for number in range(10)]
    while hasher.asked < 10:  # noqa: ASYNC110
        await asyncio.sleep(0)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    waiting = asyncio.create_task(authentication.open(attempt(11)))
    hasher.gate.set()
    assert (await waiting).refusal == "too-many"
    assert hasher.asked == 10
