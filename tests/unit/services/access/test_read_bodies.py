"""Reads of bodies are counted in memory, and reported in few calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from services.access.adapters.reads import ReadsClient
from services.access.session.read_bodies import ReadBodies, Reading
from shared.clock import FixedClock
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting, current_provenance
from shared.grpc.errors import Unavailable
from shared.ids import Ids


class Reported:
    """A mailstore that may be away."""

    def __init__(self) -> None:
        self.calls: list[dict[Reading, int]] = []
        self.commands: set[str] = set()
        self.is_away = False

    async def note(self, counted: Mapping[Reading, int]) -> None:
        if self.is_away:
            raise Unavailable("away")
        self.calls.append(dict(counted))
        self.commands.add(current_provenance().command)


@pytest.fixture
def mailstore() -> Reported:
    return Reported()


@pytest.fixture
def counts(mailstore: Reported) -> ReadBodies:
    return ReadBodies(cast(ReadsClient, mailstore), Ids(FixedClock()), 300)


def read(counts: ReadBodies, messages: int, mailbox: str = "m1", address: str = "192.0.2.1") -> None:
    with acting(Provenance(Actor("user", "u1", "a1", "s1", address))):
        counts.note("a1", mailbox, "imap", messages)


async def test_what_a_user_reads_in_a_mailbox_is_one_entry(mailstore: Reported, counts: ReadBodies) -> None:
    for _ in range(1000):
        read(counts, 2)
    read(counts, 5, "m2")
    await counts.report()
    assert mailstore.calls == [
        {
            Reading("a1", "m1", "imap", "u1", "a1", "192.0.2.1"): 2000,
            Reading("a1", "m2", "imap", "u1", "a1", "192.0.2.1"): 5,
        }
    ]
    await counts.report()
    assert len(mailstore.calls) == 1


async def test_what_could_not_be_reported_is_reported_later(mailstore: Reported, counts: ReadBodies) -> None:
    read(counts, 2)
    mailstore.is_away = True
    with pytest.raises(Unavailable):
        await counts.report()
    read(counts, 3)
    mailstore.is_away = False
    await counts.report()
    assert [list(call.values()) for call in mailstore.calls] == [[5]]


async def test_the_memory_and_the_calls_are_bounded(mailstore: Reported, counts: ReadBodies) -> None:
    for number in range(100_000):
        read(counts, 1, f"m{number}", f"2001:db8::{number:x}")
    await counts.report()
    assert sum(len(call) for call in mailstore.calls) == 20_001
    assert max(len(call) for call in mailstore.calls) == 500
    assert sum(sum(call.values()) for call in mailstore.calls) == 100_000
    assert len(mailstore.commands) == len(mailstore.calls)
