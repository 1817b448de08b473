"""About which mails it is said before their acceptance that scripts refuse them; whatever is in doubt is not."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from services.delivery.domain.plan import Route
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.handlers.recipient_routes import RecipientRoutes
from services.delivery.handlers.refusal_forecast import MOST_AT_ONCE, RefusalForecast, Undecided
from services.delivery.handlers.script_runs import DecidedMail, ScriptRuns
from shared.blobs.memory import MemoryBlobs
from shared.events.mail import Client, MailReceived, Message, Recipient
from shared.grpc.errors import Unavailable
from shared.protocol.sieve.actions import ErejectAction
from shared.protocol.sieve.environment import NotKnownYet
from shared.routing.resolution import Resolution, ResolutionKind, Target
from tests.harness.waiting import until_true

ANN = Recipient("ann@example.org", account="a1")
TO_ANN = Resolution(ResolutionKind.ACCOUNTS, (Target("ann@example.org", "a1"),))
MAIL = MailReceived("q1", "carl@honest.example", (ANN,), Message("g1/x", 10), Client("192.0.2.1"))
REFUSES = ChainState((ScriptDecision(ErejectAction("no", 3), script='script "rules"'),), None)


class FakeRoutes:
    """The recipients resolve as the test says."""

    def __init__(self, *routes: Route) -> None:
        self.routes = list(routes)

    async def of(self, _mail: object) -> list[Route]:
        return self.routes


class FakeRuns:
    """The scripts decide what the test says; a run lasts until `go` is set."""

    def __init__(self, outcome: ChainState | Exception = REFUSES) -> None:
        self.outcome = outcome
        self.judged: list[bool] = []
        self.known = True
        self.go = asyncio.Event()
        self.go.set()

    def has_scripts(self, _account: str) -> bool:
        return self.known

    async def decide(self, _mail: object, _got: object, _contents: object, *, is_judged: bool) -> DecidedMail:
        self.judged.append(is_judged)
        await self.go.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return DecidedMail(self.outcome, {})


def forecast(runs: Any, *routes: Route) -> RefusalForecast:
    fake = FakeRoutes(*(routes or ((ANN, TO_ANN),)))
    return RefusalForecast(cast(RecipientRoutes, fake), cast(ScriptRuns, runs), MemoryBlobs())


async def test_a_refusal_is_foreseen_before_the_mail_is_judged() -> None:
    runs = FakeRuns()
    refusal = await forecast(runs).refusal(MAIL)
    assert refusal is not None and (refusal.kind, refusal.reason, refusal.line) == ("ereject", "no", 3)
    assert runs.judged == [False]


async def test_a_mail_that_is_kept_is_not_refused() -> None:
    assert await forecast(FakeRuns(ChainState())).refusal(MAIL) is None


async def test_an_account_that_has_lost_its_script_is_not_refused() -> None:
    runs = FakeRuns()
    runs.known = False
    assert await forecast(runs).refusal(MAIL) is None and runs.judged == []


@pytest.mark.parametrize(
    "routes",
    [
        [(ANN, Resolution(ResolutionKind.UNKNOWN))],
        [(ANN, Resolution(ResolutionKind.DISABLED))],
        [(ANN, Resolution(ResolutionKind.REMOTE, (Target("x@other.example"),)))],
        [(ANN, Resolution(ResolutionKind.ACCOUNTS, (*TO_ANN.targets, Target("b@example.org", "a2")), "all@x"))],
        [(ANN, Resolution(ResolutionKind.ACCOUNTS, (Target("list@example.org", list_id="l1"),)))],
        [(ANN, Resolution(ResolutionKind.ACCOUNTS, (Target("ann@example.org", "a9"),)))],
        [(ANN, TO_ANN), (Recipient("b@example.org"), TO_ANN)],
    ],
)
async def test_another_recipient_than_this_account_is_undecided(routes: list[Route]) -> None:
    runs = FakeRuns()
    with pytest.raises(Undecided):
        await forecast(runs, *routes).refusal(MAIL)
    assert runs.judged == []


async def test_a_test_of_the_verdict_is_undecided() -> None:
    with pytest.raises(Undecided, match="the verdict"):
        await forecast(FakeRuns(NotKnownYet("the verdict"))).refusal(MAIL)


async def test_what_is_unavailable_is_raised_and_frees_its_place() -> None:
    runs = FakeRuns(Unavailable("not now"))
    foreseen = forecast(runs)
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(Unavailable):
            await foreseen.refusal(MAIL)


async def test_runs_at_once_are_bounded() -> None:
    runs = FakeRuns()
    runs.go.clear()
    foreseen = forecast(runs)
    waiting = [asyncio.ensure_future(foreseen.refusal(MAIL)) for _ in range(MOST_AT_ONCE)]
    await until_true(lambda: len(runs.judged) == MOST_AT_ONCE)
    with pytest.raises(Undecided, match="being decided"):
        await foreseen.refusal(MAIL)
    waiting[0].cancel()
    runs.go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 1
    assert await foreseen.refusal(MAIL) is not None
