"""`mailfold trace` and `mailfold events`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json, Option


def trace(
    identity: Annotated[
        str, Argument("A queue id, a Message-ID, or the reference at the end of a refusal.", metavar="ID")
    ],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show the history of a mail from its events. Exit code 1 when the event log does not know it."""
    from mailfold.commands.printing import as_json
    from mailfold.commands.trace_printing import fields, life
    from mailfold.operator.session import converse
    from mailfold.trace.story import story

    life_of_it, names = converse(data, lambda session: life(session, identity))
    if json:
        as_json([fields(event) for event in life_of_it])
        return
    for line in story(life_of_it, names):
        print(line)


def events(
    text: Annotated[str, Argument("An address, an id, or any word.")] = "",
    follow: Annotated[bool, Option("--follow", "-f", help="Continue with new events until Ctrl-C.")] = False,
    kind: Annotated[str, Option("--type", help="A type such as mail.received, or an area such as mail.")] = "",
    since: Annotated[str, Option("--since", help="10m, 2h, 1d, or 2026-11-23T10:00.")] = "",
    limit: Annotated[int, Option("--limit", minimum=1, maximum=10_000, help="Number of newest events to show.")] = 100,
    data: Data = DATA,
    json: Annotated[bool, Option("--json", help="Print one JSON document per line.")] = False,
) -> None:
    """Show events of all services, oldest first."""
    from time import time_ns

    from mailfold.commands.trace_printing import Query, print_events
    from mailfold.operator.session import converse
    from mailfold.texts import since as parse_since

    query = Query(text, kind, parse_since(since, time_ns() // 1000) if since else 0, limit)
    try:
        converse(data, lambda session: print_events(session, query, follow=follow, json=json))
    except KeyboardInterrupt:
        raise SystemExit(0) from None
