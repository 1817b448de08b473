"""Events are declared once, stored as JSON, and converted from older schema versions step by step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.eventstore.event import (
    Actor,
    Event,
    UnknownEvent,
    decode,
    decode_actor,
    encode,
    encode_actor,
    stored,
    types_with_secrets,
    upcast,
    without_secrets,
)


@stored("unit.measured", schema=3)
class Measured(Event, frozen=True):
    """A thing was measured."""

    thing: str
    millimetres: int
    by: str = ""


@stored("unit.locked", schema=2, secret=("combination", "number"))
class Locked(Event, frozen=True):
    """A thing was locked; before schema version 2 the field `combination` was called `number`."""

    thing: str
    combination: str


@upcast("unit.measured", 1)
def _in_centimetres(data: dict[str, Any]) -> dict[str, Any]:
    return {"thing": data["name"], "centimetres": data["size"]}


@upcast("unit.measured", 2)
def _in_millimetres(data: dict[str, Any]) -> dict[str, Any]:
    return {"thing": data["thing"], "millimetres": data["centimetres"] * 10}


def test_defaults_are_not_written() -> None:
    assert encode(Measured("desk", 700)) == b'{"thing":"desk","millimetres":700}'


def test_an_event_comes_back_as_it_went() -> None:
    event = Measured("Tür \u0000", 2**53, "ann")
    assert decode("unit.measured", 3, encode(event)) == event


@pytest.mark.parametrize(
    ("schema", "data"), [(1, b'{"name":"desk","size":70}'), (2, b'{"thing":"desk","centimetres":70}')]
)
def test_older_shapes_are_lifted_step_by_step(schema: int, data: bytes) -> None:
    assert decode("unit.measured", schema, data) == Measured("desk", 700)


@pytest.mark.parametrize(("name", "schema"), [("unit.weighed", 1), ("unit.measured", 4), ("unit.measured", 0)])
def test_what_this_release_does_not_know(name: str, schema: int) -> None:
    with pytest.raises(UnknownEvent):
        decode(name, schema, b"{}")


def test_data_that_does_not_fit() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode("unit.measured", 3, b'{"thing":"desk"}')


def test_fields_of_a_later_release_are_passed_over() -> None:
    assert decode("unit.measured", 3, b'{"thing":"desk","millimetres":1,"colour":"red"}') == Measured("desk", 1)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        stored("unit.measured")(Measured)


def test_actors_come_back_as_they_went() -> None:
    actor = Actor("account", "a1", "app password 3", "s1", "192.0.2.7")
    assert decode_actor(encode_actor(actor)) == actor
    assert encode_actor(Actor("system")) == '{"kind":"system"}'


def test_secrets_are_for_the_owner_alone() -> None:
    event = Locked("desk Ü", "12-34")
    assert encode(event) == '{"thing":"desk Ü","combination":"12-34"}'.encode()
    shown = without_secrets("unit.locked", encode(event))
    assert decode("unit.locked", 2, shown) == Locked("desk Ü", "********")
    assert without_secrets("unit.locked", shown) == shown
    assert (
        without_secrets("unit.locked", b'{"thing":"desk","number":"12-34"}') == b'{"thing":"desk","number":"********"}'
    )
    assert "unit.locked" in types_with_secrets() and "unit.measured" not in types_with_secrets()


def test_the_repr_of_an_event_masks_its_secrets() -> None:
    shown = repr(Locked("desk", "12-34"))
    assert shown == "Locked(thing='desk', combination=********)"


@pytest.mark.parametrize("data", [b"12-34", b'{"combination":"12-34"', b'["12-34"]', b'\xff{"combination":"12-34"}'])
def test_what_cannot_be_read_and_may_hold_a_secret_is_not_shown(data: bytes) -> None:
    assert without_secrets("unit.locked", data) == b"{}"


def test_events_without_secrets_pass_as_they_are() -> None:
    assert without_secrets("unit.measured", b"not JSON") == b"not JSON"
    assert without_secrets("later.fact", b'{"combination":"12-34"}') == b'{"combination":"12-34"}'
