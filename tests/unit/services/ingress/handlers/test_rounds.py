"""Rounds through the store try every reception: slowly while none is settled, at once while some are."""

from __future__ import annotations

import asyncio

import pytest

from services.ingress.handlers import rounds
from services.ingress.handlers.rounds import Rounds
from shared.background import woken_within
from shared.eventstore.connection import StoreUnavailable


class Receptions:
    """So many numbered receptions; the store cannot be read while `away` is set."""

    def __init__(self, count: int) -> None:
        self._ids = [f"q{number:04d}" for number in range(count)]
        self.pages: list[str] = []
        self.away = 0

    async def page(self, _state: str, after: str, limit: int) -> list[tuple[str, int]]:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.pages.append(after)
        return [(queue_id, 0) for queue_id in self._ids if queue_id > after][:limit]


class Turns:
    """Notes the receptions that are tried; settles each at once if told to, and fails for some."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.bad: set[str] = set()
        self.settles = True
        self.rounds: Rounds | None = None

    async def take(self, queue_id: str, _at: int) -> bool:
        self.taken.append(queue_id)
        if queue_id in self.bad:
            raise ValueError("an event that nobody can read")
        if self.settles and self.rounds is not None:
            self.rounds.settled(queue_id)
        return True


def made(receptions: Receptions, turns: Turns) -> Rounds:
    turns.rounds = Rounds(receptions, "moving", 3600.0, turns.take)  # type: ignore[arg-type]
    return turns.rounds


async def until_round(walk: Rounds, number: int) -> None:
    async with asyncio.timeout(60):
        while walk.number < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_everyone_has_a_turn_and_settled_mails_make_room_for_the_next_page() -> None:
    """At the slow rate these 2,000 would take 40 seconds."""
    receptions, turns = Receptions(2000), Turns()
    walk = made(receptions, turns)
    walk.start()
    await until_round(walk, 1)
    assert sorted(turns.taken) == [f"q{number:04d}" for number in range(2000)]
    assert walk.met == 2000
    walk.look()
    await until_round(walk, 2)
    assert len(turns.taken) == 4000
    await walk.stop()


async def test_while_nothing_is_settled_a_round_goes_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def never(_event: asyncio.Event, seconds: float) -> bool:
        rests.append(seconds)
        return await woken_within(asyncio.Event(), 0.02)

    monkeypatch.setattr(rounds, "woken_within", never)
    monkeypatch.setattr(rounds, "_SLOW_RATE", 10_000.0)
    receptions, turns = Receptions(300), Turns()
    turns.settles = False
    walk = made(receptions, turns)
    walk.start()
    await until_round(walk, 1)
    await walk.stop()
    assert len([rest for rest in rests if rest <= 0.01]) == 3  # one for each page


async def test_one_that_cannot_have_its_turn_keeps_nobody_from_theirs() -> None:
    receptions, turns = Receptions(250), Turns()
    turns.bad = {"q0000", "q0120"}
    walk = made(receptions, turns)
    walk.start()
    await until_round(walk, 1)
    await walk.stop()
    assert len(turns.taken) == 250


async def test_a_store_that_was_away_goes_on_where_the_round_was() -> None:
    receptions, turns = Receptions(250), Turns()
    walk = made(receptions, turns)
    receptions.away = 1
    walk.start()
    await until_round(walk, 1)
    await walk.stop()
    assert receptions.pages == ["", "q0099", "q0199", "q0249"]
    assert len(turns.taken) == 250
