"""Stored events outlive the code: every golden file can be read, and today's events are written in the same form.

A new event or schema version gets a new file; an existing file is never edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import msgspec
import pytest

import shared.events
from shared.eventstore.event import Event, declared, decode, encode
from tests.golden.events.examples import EXAMPLES

FOLDER = Path(__file__).parent
BY_NAME = {event.stored_name: event for event in EXAMPLES}
for _module in pkgutil.iter_modules(shared.events.__path__):
    importlib.import_module(f"shared.events.{_module.name}")


def golden(name: str, schema: int) -> Path:
    """The file of a stored name and schema version, which contains the stored bytes and a newline."""
    return FOLDER / f"{name}.{schema}.json"


def stored_types() -> dict[str, type[Event]]:
    """Every event of the product."""
    return {name: kind for name, kind in declared().items() if kind.__module__.startswith("shared.events.")}


@pytest.mark.parametrize("name", sorted(stored_types()))
def test_every_event_has_its_golden_file(name: str) -> None:
    assert name in BY_NAME, f"add an example of {name} to examples.py"
    assert golden(name, stored_types()[name].schema).exists()


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.stored_name)
def test_it_is_written_and_read_as_it_always_was(event: Event) -> None:
    data = golden(event.stored_name, event.schema).read_bytes().removesuffix(b"\n")
    assert decode(event.stored_name, event.schema, data) == event
    assert encode(event) == data


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_ever_written_still_reads(path: Path) -> None:
    name, _, schema = path.stem.rpartition(".")
    event = decode(name, int(schema), path.read_bytes())
    assert type(event) is stored_types()[name]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.stored_name)
def test_the_example_sets_every_field(event: Event) -> None:
    given = msgspec.json.decode(encode(event))
    assert set(given) == {field.encode_name for field in msgspec.structs.fields(event)}
