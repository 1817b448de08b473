"""The live tail shows every matching event in order, and ends instead of leaving a gap."""

from __future__ import annotations

import pytest

from services.eventlog.adapters.log_writer import Incoming
from services.eventlog.adapters.logged_event import Filter
from services.eventlog.domain.log_id import FOLLOWED, origin_number
from services.eventlog.handlers.tail import Tail
from shared.grpc.errors import LimitReached
from shared.rpc.mailfold.events.v1 import events_pb2 as pb


def incoming(*types: str, service: str = "ingress") -> list[Incoming]:
    number = origin_number(FOLLOWED.index(service), 0)
    return [(number, pb.Event(position=position, type=kind)) for position, kind in enumerate(types, 1)]


async def test_only_what_is_wanted_is_shown() -> None:
    tail = Tail(10)
    with tail.reading(Filter("mail.")) as onlooker:
        tail.arrived(incoming("mail.received", "login.refused", "mail.settled"))
        batch = await anext(onlooker.batches())
    assert [event.type for _, event in batch] == ["mail.received", "mail.settled"]


async def test_a_slow_reader_gets_what_waits_and_then_an_end() -> None:
    tail, seen = Tail(3), []
    with tail.reading(Filter()) as onlooker:
        tail.arrived(incoming("a", "b"))
        # no room: nothing is shown after this, because events would be missing in between
        tail.arrived(incoming("c", "d"))
        tail.arrived(incoming("e"))
        with pytest.raises(LimitReached):
            async for batch in onlooker.batches():
                seen += [event.type for _, event in batch]
    assert seen == ["a", "b"]


async def test_who_comes_later_is_shown_what_comes_later() -> None:
    tail = Tail(1)
    tail.arrived(incoming("a", "b", "c"))
    with tail.reading(Filter()) as onlooker:
        tail.arrived(incoming("d"))
        batch = await anext(onlooker.batches())
    assert [event.type for _, event in batch] == ["d"]


@pytest.mark.parametrize(
    ("expected", "passes"),
    [
        (Filter(), True),
        (Filter("mail.settled"), True),
        (Filter("mail."), True),
        (Filter("mail"), True),
        (Filter("mai"), False),
        (Filter("mail.settled.later"), False),
        (Filter("", "ingress"), True),
        (Filter("", "delivery"), False),
    ],
)
def test_filters(expected: Filter, passes: bool) -> None:
    assert expected.passes("mail.settled", "ingress") is passes
