"""Which events a command is about, and their charts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from mailfold.arguments import Option

if TYPE_CHECKING:
    from mailfold.operator.log import EventFilter
    from mailfold.operator.session import Session
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

_COUNTS = ("received", "submitted", "refused", "spam", "stored", "sent", "deferred", "bounced")


class EventChoice(NamedTuple):
    """Which events."""

    kind: Annotated[str, Option("--type", help="A type such as mail.received, or an area such as mail.")] = ""
    since: Annotated[str, Option("--since", help="10m, 2h, 1d, or 2026-11-23T10:00.")] = ""
    until: Annotated[str, Option("--until", help="Only what was before: 2h (ago), or 2026-11-23T10:00.")] = ""
    domain: Annotated[str, Option("--domain", help="A domain of an address in the event.")] = ""
    account: Annotated[str, Option("--account", help="The address of an account here.")] = ""
    address: Annotated[str, Option("--address", help="An address in the event, here or elsewhere.")] = ""
    remote: Annotated[str, Option("--remote", help="The IP address or name of a host.")] = ""
    message_id: Annotated[str, Option("--message-id", help="A Message-ID.")] = ""
    queue_id: Annotated[str, Option("--queue-id", help="A queue id.")] = ""
    result: Annotated[
        str,
        Option("--result", help="delivered, deferred, spam, ham, 'spf fail', 4.4.1, or 'rcpt 550 5.1.1' of a refusal."),
    ] = ""
    rule: Annotated[str, Option("--rule", help="The rule of a script or plan, or a test of a verdict.")] = ""


NO_CHOICE = EventChoice()


async def show_events(
    session: Session, text: str, choice: EventChoice, limit: int, *, oldest: bool, follow: bool, json: bool
) -> None:
    """Print the chosen events."""
    from mailfold.commands.trace_printing import Query, print_events

    since, chosen = await _chosen(session, choice)
    query = Query(text, choice.kind, since, limit, chosen, oldest)
    await print_events(session, query, follow=follow, json=json)


async def show_chart(session: Session, choice: EventChoice, *, days: bool, json: bool) -> None:
    """Print the counts and waits of the chosen events."""
    from mailfold.commands.printing import as_json
    from mailfold.operator import log

    since, chosen = await _chosen(session, choice)
    reply = await log.chart(session, choice.kind, since, chosen, days=days)
    if reply.note:
        print(f"mailfold: {reply.note}", file=sys.stderr)
    if json:
        as_json([_values(bar) for bar in reply.bars])
    else:
        _print_chart(reply)


async def _chosen(session: Session, choice: EventChoice) -> tuple[int, EventFilter]:
    """The time from which on, and the other values, with the id of the account."""
    from time import time_ns

    from mailfold.operator.log import EventFilter
    from mailfold.operator.queue_choice import account_id
    from mailfold.texts import since as time_of

    now = time_ns() // 1000
    values = choice._replace(account=await account_id(session, choice.account) if choice.account else "")._asdict()
    since, until = (time_of(text, now) if text else 0 for text in (choice.since, choice.until))
    return since, EventFilter(until=until, **{name: values[name] for name in EventFilter._fields if name != "until"})


def _values(bar: eventlog_pb2.Bar) -> dict[str, Any]:
    return {
        "at": bar.at,
        **{name: getattr(bar, name) for name in _COUNTS},
        "refused_by_reason": {row.reason: row.sessions for row in bar.refused_by_reason},
        "milliseconds_until_stored": _wait(bar.until_stored),
        "milliseconds_until_sent": _wait(bar.until_sent),
    }


def _wait(wait: eventlog_pb2.Wait) -> dict[str, float]:
    return {"count": wait.count, "p50": wait.half, "p90": wait.nine_tenths, "p99": wait.nearly_all}


def _print_chart(reply: eventlog_pb2.ChartReply) -> None:
    from mailfold.commands.printing import table
    from mailfold.texts import moment

    bars = [bar for bar in reply.bars if bar.refused_by_reason or any(_counts(bar))]
    rows = [(moment(bar.at)[:16], *_counts(bar), _short(bar.until_stored), _short(bar.until_sent)) for bar in bars]
    table(("since", *_COUNTS, "stored after", "sent after"), rows, "no mail in this time")
    reasons: dict[str, int] = {}
    for bar in bars:
        for row in bar.refused_by_reason:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.sessions
    if reasons:
        print()
        table(
            ("refused", "sessions"),
            [(text, reasons[text]) for text in sorted(reasons, key=reasons.__getitem__, reverse=True)],
        )


def _counts(bar: eventlog_pb2.Bar) -> list[int]:
    return [getattr(bar, name) for name in _COUNTS]


def _short(wait: eventlog_pb2.Wait) -> str:
    """Half of the mails, and 99 of 100 of them."""
    return f"{wait.half:g} / {wait.nearly_all:g} ms" if wait.count else ""
