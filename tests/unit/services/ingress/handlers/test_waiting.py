"""Waiting submissions in the store: who waits, in which order, how many of an account, and that each ends once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy

from services.ingress.domain.waiting_filter import WaitingSelection
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.waiting import NoRoomToWait, WaitingLimits, WaitingSubmissions
from services.ingress.projections.receptions import MOVING, WAITING, ReceptionProjection
from services.ingress.projections.waiting import WaitingProjection
from shared.clock import FixedClock
from shared.events.mail import Client, MailSubmitted, Message
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import VersionConflict
from shared.protocol.smtp.commands import HoldFor

BY = Provenance(Actor("operator", "root"), command="c1")
HOUR = 3_600_000_000
MOST = 3
LIMITS = WaitingLimits(31, MOST, 1000)


class World(NamedTuple):
    """A store with its clock and handlers."""

    clock: FixedClock
    store: EventStore
    receptions: Receptions
    waiting: WaitingSubmissions

    async def accept(
        self,
        queue_id: str,
        hours: float,
        account: str = "a1",
        sender: str = "ann@example.org",
        size: int = 10,
        *,
        asked: bool = True,
    ) -> None:
        """Accept a mail that waits for so many hours."""
        release_at = self.clock.now() + int(hours * HOUR)
        event = MailSubmitted(
            queue_id,
            sender,
            (),
            Message(f"g1/{queue_id}", size),
            Client(""),
            "u1",
            account,
            release_at=release_at,
            hold_requested=asked,
        )
        await self.receptions.accept(event, BY, self.waiting.check_of(event))

    async def listed(self, account: str = "", sender: str = "", ids: tuple[str, ...] = ()) -> list[str]:
        """The queue ids of those that fit."""
        return [row.queue_id for row in await self.waiting.page(WaitingSelection(ids, account, sender), "", 100)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    metadata, clock = sqlalchemy.MetaData(), FixedClock()
    projections = (ReceptionProjection(metadata), WaitingProjection(metadata))
    store = EventStore(SqliteBackend(tmp_path / "i.sqlite"), metadata, projections, clock)
    await store.open()
    yield World(clock, store, Receptions(store, 1.0), WaitingSubmissions(store, clock, 0.0, LIMITS))
    assert not (await store.verify()).differences
    await store.close()


async def test_the_soonest_comes_first_and_waits_in_its_own_state(world: World) -> None:
    for queue_id, hours in (("q1", 3), ("q2", 1), ("q3", 2)):
        await world.accept(queue_id, hours)
    assert [queue_id for queue_id, _ in await world.waiting.soonest(2)] == ["q2", "q3"]
    assert await world.receptions.count() == {"moving": 0, "held": 0, "waiting": 3}
    assert await world.receptions.acceptance_of("q1") is None


async def test_a_release_happens_once_and_the_age_counts_from_it(world: World) -> None:
    await world.accept("q1", 24)
    world.clock.advance(86_400)
    assert await world.waiting.release(["q1", "q-unknown"], BY) == ["q1"]
    assert await world.waiting.release(["q1"], BY) == await world.waiting.cancel(["q1"], "late", BY) == []
    assert await world.receptions.page(MOVING, "", 10) == [("q1", world.clock.now())]
    assert await world.receptions.last_begun("q1") == world.clock.now()
    assert await world.waiting.soonest(10) == []
    history = await world.receptions.history("q1")
    assert [recorded.event.stored_name for recorded in history] == ["mail.submitted", "mail.released"]
    assert history[-1].provenance == Provenance(Actor("operator", "root"), "", "q1", "c1")


async def test_a_cancelled_mail_is_gone_with_its_blob(world: World) -> None:
    await world.accept("q1", 1)
    await world.accept("q2", 1)
    assert await world.waiting.cancel(["q1"], "wrong list", BY) == ["q1"]
    assert await world.waiting.cancel(["q1"], "again", BY) == await world.waiting.release(["q1"], BY) == []
    assert [page async for page in world.receptions.blobs("g1")] == [["g1/q2"]]
    assert (await world.receptions.listed(10))[0][::2] == ("q2", WAITING)


async def test_filters(world: World) -> None:
    await world.accept("q1", 1, "a1", "ann@example.org")
    await world.accept("q2", 1, "a2", "a_n@example.org")
    assert await world.listed() == ["q1", "q2"]
    assert await world.listed(account="a2") == ["q2"]
    assert await world.listed(sender="A*@EXAMPLE.org") == ["q1", "q2"]
    assert await world.listed(sender="a_n@*") == ["q2"]
    assert await world.listed(ids=("q1", "q3"), sender="ann@example.org") == ["q1"]


async def test_an_account_has_a_limited_number_of_what_it_asked_for(world: World) -> None:
    for number in range(MOST):
        await world.accept(f"q{number}", 1)
    with pytest.raises(NoRoomToWait):
        await world.accept("q8", 1)
    refusal = await world.waiting.refusal_of(HoldFor(60), "a1")
    assert refusal is not None and (refusal.code, refusal.enhanced) == (452, "4.3.0")
    await world.accept("q9", 1, "a2")  # others have places of their own
    assert await world.waiting.refusal_of(HoldFor(60), "a2") is None
    await world.waiting.cancel(["q0"], "", BY)
    assert await world.waiting.refusal_of(HoldFor(60), "a1") is None
    await world.accept("q8", 1)


async def test_an_account_has_limited_octets_of_what_it_asked_for(world: World) -> None:
    await world.accept("q1", 1, size=600)
    with pytest.raises(NoRoomToWait):
        await world.accept("q2", 1, size=401)
    assert await world.waiting.refusal_of(HoldFor(60), "a1", 401) is not None
    assert await world.waiting.refusal_of(HoldFor(60), "a1", 400) is None
    await world.accept("q2", 1, "a2", size=1000)
    await world.accept("q3", 1, size=400)
    await world.accept("q4", 1, size=5000, asked=False)


async def test_the_time_to_undo_takes_no_place(world: World) -> None:
    for number in range(2 * MOST):
        await world.accept(f"q{number}", 1, asked=False)
    await world.accept("q9", 1)


async def test_a_doubtful_commit_of_the_last_place_is_no_further_mail(world: World) -> None:
    """The event is written again to find out whether it was stored; the mail itself must not fill the account."""
    for number in range(MOST):
        await world.accept(f"q{number}", 1)
    with pytest.raises(VersionConflict):
        await world.accept(f"q{MOST - 1}", 1)


async def test_more_than_is_offered_is_refused(world: World) -> None:
    refusal = await world.waiting.refusal_of(HoldFor(31 * 86_400 + 1), "a1")
    assert refusal is not None and (refusal.code, refusal.enhanced) == (501, "5.5.4")
    assert await world.waiting.refusal_of(HoldFor(31 * 86_400), "a1") is None
