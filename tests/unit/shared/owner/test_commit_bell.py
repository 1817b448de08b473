"""The bell rings at a commit, and again when an event that was hidden at its commit becomes visible."""

from __future__ import annotations

from typing import Any

from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.owner.commit_bell import CommitBell
from tests.harness.waiting import until_true


class Rings:
    """Counts rings."""

    def __init__(self) -> None:
        self.number = 0

    def ring(self, _subject: str, *, batched: bool) -> None:
        self.number += 1


class Log:
    """A store whose head is visible only after so many looks."""

    shows_commits_late = True

    def __init__(self, hidden_looks: int) -> None:
        self._hidden_looks = hidden_looks
        self.looks = 0

    async def heads(self) -> dict[int, int]:
        self.looks += 1
        return {3: 7} if self.looks > self._hidden_looks else {3: 6}


def commit_on(log: Log) -> Rings:
    rings = Rings()
    bus: Any = rings
    store: Any = log
    recorded = Recorded(3, 7, "s", 1, 1, Provenance(Actor("system")), Event())
    CommitBell(bus, "delivery", store).committed([recorded])
    return rings


async def test_an_event_that_is_visible_at_its_commit_rings_once() -> None:
    log = Log(hidden_looks=0)
    rings = commit_on(log)
    await until_true(lambda: log.looks == 1)
    assert rings.number == 1


async def test_a_hidden_event_rings_again_when_it_is_visible() -> None:
    log = Log(hidden_looks=3)
    rings = commit_on(log)
    await until_true(lambda: rings.number == 2)
    assert log.looks == 4


async def test_a_store_that_shows_commits_at_once_is_not_looked_at() -> None:
    log = Log(hidden_looks=0)
    log.shows_commits_late = False
    assert (commit_on(log).number, log.looks) == (1, 0)
