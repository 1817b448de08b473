"""Events of a service, as its followers read them."""

from __future__ import annotations

import pytest

from shared.events.directory import AccountAdded
from shared.eventstore.event import Actor, Provenance, Recorded, UnknownEvent
from shared.owner.source import from_wire, to_wire
from shared.rpc.mailfold.events.v1 import events_pb2

_EVENT = AccountAdded("a1", "ann@example.org", "u1", 0)
RECORDED = Recorded(3, 7, "directory", 7, 1, Provenance(Actor("operator")), _EVENT)


def changed(**fields: object) -> events_pb2.Event:
    carried = to_wire(RECORDED)
    carried.MergeFrom(events_pb2.Event(**fields))  # type: ignore[arg-type]
    return carried


def test_an_event_arrives_as_it_was() -> None:
    assert from_wire(to_wire(RECORDED)) == RECORDED


@pytest.mark.parametrize(
    "event",
    [changed(type="account.invented"), changed(schema=99), changed(data=b'{"id": 1}'), changed(data=b"\xff")],
    ids=["a later type", "a later shape", "a shape that does not fit", "no JSON"],
)
def test_what_cannot_be_read_is_unknown(event: events_pb2.Event) -> None:
    """A follower skips what is unknown. Before, data that did not fit its type stopped all followers."""
    with pytest.raises(UnknownEvent):
        from_wire(event)
