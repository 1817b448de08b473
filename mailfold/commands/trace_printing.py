"""Prints the history of a mail, and events as they happen."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, NamedTuple

import msgspec
import orjson

from mailfold.commands.listener import while_somebody_reads
from mailfold.operator import log
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.session import Session
from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story

_DATA_WIDTH = 300
_SURROUNDINGS = " ()[].,;:'\""
"""Characters that often surround an id when people copy it."""


class Query(NamedTuple):
    """Selects events: about a text, of a type or area, since a time in microseconds, and only the newest of them."""

    text: str
    kind: str
    since: int
    limit: int
    chosen: log.EventFilter = log.EVERY_EVENT
    oldest: bool = False


async def life(session: Session, identity: str) -> tuple[list[LoggedEvent], Names]:
    """The events of a mail, oldest first, and the names in them. Raises CommandFailed when the log does not know it."""
    events = await log.trace(session, identity) or await log.trace(session, identity.strip(_SURROUNDINGS) or identity)
    if not events:
        raise CommandFailed(
            f"the event log knows nothing of {identity}; it takes a queue id, a Message-ID or a reply's reference"
        )
    return events, await log.names(session, events)


async def print_events(session: Session, query: Query, *, follow: bool, json: bool) -> None:
    """Print the selected events of the log, and with `follow` new ones. Raises CommandFailed for an unknown type."""
    if follow:
        with while_somebody_reads():
            await _follow(session, query, json=json)
    elif not await _print_logged(session, query, json=json):
        print("mailfold: no event in the log matches", file=sys.stderr)


def fields(event: LoggedEvent) -> dict[str, Any]:
    """An event as values for programs."""
    values: dict[str, Any] = msgspec.to_builtins(event)
    return values | {"actor": orjson.loads(event.actor or "{}"), "data": orjson.loads(event.shown or "{}")}


def _check_type(kind: str) -> None:
    """Check the type. Raises CommandFailed when no event can have it."""
    from mailfold.catalogue import event_names

    names = event_names()
    area = f"{kind.removesuffix('.')}."
    if kind and kind not in names and not any(name.startswith(area) for name in names):
        areas = sorted({name.partition(".")[0] for name in names})
        raise CommandFailed(f"there is no type or area {kind}; the areas are {', '.join(areas)}", UNUSABLE)


async def _print_logged(session: Session, query: Query, *, json: bool) -> set[str]:
    """Print the selected events that are in the log, and return their ids."""
    events, note = await log.query(
        session, query.text, query.kind, query.since, query.limit, query.chosen, oldest=query.oldest
    )
    if note:
        print(f"mailfold: {note}", file=sys.stderr)
    if not events:
        _check_type(query.kind)
    for event in events:
        _print(event, json=json)
    return {event.id for event in events}


async def _follow(session: Session, query: Query, *, json: bool) -> None:
    batches = log.tail(session, query.text, query.kind, query.chosen)
    await anext(batches)  # before the log is read: an event that is logged in between would be in neither
    seen = await _print_logged(session, query, json=json)
    async for batch in batches:
        for event in batch:
            if event.id not in seen:
                _print(event, json=json)
                await asyncio.sleep(0)


def _print(event: LoggedEvent, *, json: bool) -> None:
    if json:
        print(orjson.dumps(fields(event)).decode(), flush=True)
        return
    first, *rest = [line.strip() for line in story([event], Names())]
    print(f"{first}  {'; '.join(rest)[:_DATA_WIDTH]}", flush=True)
