"""`mailfold trace` and `mailfold events`"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated, Any

import msgspec
import orjson
import typer

from mailfold.commands.listener import while_somebody_reads
from mailfold.commands.options import DATA, Data, Json
from mailfold.commands.printing import as_json
from mailfold.commands.since import since as parse_since
from mailfold.operator import log
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.session import Session, converse
from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story

_DATA_WIDTH = 300
_SURROUNDINGS = " ()[].,;:'\""
"""What stands around an id where people copy it from."""


def trace(
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="A queue id, a Message-ID, or the reference at the end of a refusal.")
    ],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Tell the life of a mail from its events. Exit code 1 when nothing is known of it."""
    events, names = converse(data, lambda session: _traced(session, identity))
    if not events:
        raise CommandFailed(
            f"the event log knows nothing of {identity}; it takes a queue id, a Message-ID or a reply's reference"
        )
    if json:
        as_json([_fields(logged) for logged in events])
        return
    for line in story(events, names):
        print(line)


def events(
    text: Annotated[str, typer.Argument(help="An address, an id, or any word.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with events as they come, until Ctrl-C.")
    ] = False,
    kind: Annotated[str, typer.Option("--type", help="A type such as mail.received, or an area such as mail.")] = "",
    since: Annotated[str, typer.Option("--since", help="10m, 2h, 1d, or 2026-11-23T10:00.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The newest so many.")] = 100,
    data: Data = DATA,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")] = False,
) -> None:
    """Events of all services, oldest first."""
    now = time.time_ns() // 1000
    start = parse_since(since, now) if since else 0
    try:
        converse(data, lambda session: _events(session, (text, kind, start, limit), follow=follow, json=json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _traced(session: Session, identity: str) -> tuple[list[LoggedEvent], Names]:
    events = await log.trace(session, identity) or await log.trace(session, identity.strip(_SURROUNDINGS) or identity)
    return events, await log.names(session, events)


async def _events(session: Session, question: tuple[str, str, int, int], *, follow: bool, json: bool) -> None:
    seen: set[str] = set()
    for logged in await log.query(session, *question):
        seen.add(logged.id)
        _print(logged, json=json)
    if not seen:
        _check_type(question[1])
    if not follow:
        if not seen:
            print("mailfold: no event in the log matches", file=sys.stderr)
        return
    with while_somebody_reads():
        await _follow(session, question[0].casefold(), question[1], seen, json=json)


def _check_type(kind: str) -> None:
    """Raises CommandFailed when no event can ever be of this type."""
    from mailfold.catalogue import event_names

    names = event_names()
    area = f"{kind.removesuffix('.')}."
    if kind and kind not in names and not any(name.startswith(area) for name in names):
        areas = sorted({name.partition(".")[0] for name in names})
        raise CommandFailed(f"there is no type or area {kind}; the areas are {', '.join(areas)}", UNUSABLE)


async def _follow(session: Session, text: str, kind: str, seen: set[str], *, json: bool) -> None:
    async for logged in log.tail(session, kind, 0):
        if logged.id not in seen and _says(logged, text):
            _print(logged, json=json)
            await asyncio.sleep(0)


def _says(logged: LoggedEvent, text: str) -> bool:
    return text in f"{logged.type} {logged.actor} {logged.shown}".casefold()


def _print(logged: LoggedEvent, *, json: bool) -> None:
    if json:
        print(orjson.dumps(_fields(logged)).decode(), flush=True)
        return
    lines = [line.strip() for line in story([logged], Names())]
    details = "; ".join(lines[1:])
    print(f"{lines[0]}  {details[:_DATA_WIDTH]}", flush=True)


def _fields(logged: LoggedEvent) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(logged)
    return fields | {"actor": orjson.loads(logged.actor or "{}"), "data": orjson.loads(logged.shown or "{}")}
