"""`mailfold trace`, `mailfold events` and `mailfold chart`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json, Misused, Option
from mailfold.commands.event_choice import NO_CHOICE, EventChoice


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
    choice: EventChoice = NO_CHOICE,
    limit: Annotated[int, Option("--limit", minimum=1, maximum=10_000, help="Number of newest events to show.")] = 100,
    oldest: Annotated[bool, Option("--oldest", help="Show the oldest of the matching events, not the newest.")] = False,
    data: Data = DATA,
    json: Annotated[bool, Option("--json", help="Print one JSON document per line.")] = False,
) -> None:
    """Show events of all services, oldest first.

    A text that is an id or an address selects the events that name it; any other text those that say it, from the
    beginning of a word. An admin of a domain (`mailfold --as USER`) must give --domain.
    """
    from mailfold.commands.event_choice import show_events
    from mailfold.operator.session import converse

    if follow and oldest:
        raise Misused("--follow shows the newest events; leave out --oldest")
    try:
        converse(
            data, lambda session: show_events(session, text, choice, limit, oldest=oldest, follow=follow, json=json)
        )
    except KeyboardInterrupt:
        raise SystemExit(0) from None


def chart(
    choice: EventChoice = NO_CHOICE,
    days: Annotated[bool, Option("--days", help="One row for each day (UTC) instead of each hour.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Count mail by hour or day: received, refused, spam, stored, sent, and how long it waited.

    Without --since: the last 24 hours or 30 days. A row without mail is shown only with --json. An admin of a domain
    (`mailfold --as USER`) must give --domain.
    """
    from mailfold.commands.event_choice import show_chart
    from mailfold.operator.session import converse

    converse(data, lambda session: show_chart(session, choice, days=days, json=json))
