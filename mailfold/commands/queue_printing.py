"""Prints the outbound queue, and the way of a mail through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mailfold.commands.printing import table
from mailfold.texts import moment, printable
from mailfold.trace.names import Names
from mailfold.trace.outbound_lines import attempt_lines, handed_over
from mailfold.trace.story import LoggedEvent, story
from shared.events.outbound import OutboundBounced, OutboundDeferred, OutboundDelivered, OutboundExpired
from shared.eventstore.event import Event

if TYPE_CHECKING:
    from mailfold.operator.outbound_queue import MailHistories
    from shared.rpc.mailfold.outbound.v1 import outbound_pb2

_FIELDS = (
    "id",
    "queue_id",
    "recipient",
    "sender",
    "at",
    "state",
    "size",
    "due",
    "attempts",
    "status",
    "reason",
    "in_hand",
    "expires",
)
_COLUMNS = ("id", "queue id", "sender", "recipient", "state", "next attempt", "attempts", "last reply")
_REASON_WIDTH = 120
_FAILURES = (OutboundDeferred, OutboundBounced, OutboundExpired)


def listed(page: outbound_pb2.QueueList) -> Mapping[str, Any]:
    """A page of the queue as values for programs."""
    return {
        "entries": [_values(entry) for entry in page.entries],
        "total": page.total,
        "next": page.next,
        "paused": page.paused,
        "pause_reason": page.pause_reason,
    }


def fields(history: outbound_pb2.EntryHistory) -> Mapping[str, Any]:
    """An entry with its events as values for programs."""
    import orjson

    events = [
        {"at": event.at, "name": event.name, "actor": event.actor, "data": orjson.loads(event.json)}
        for event in history.events
    ]
    return {**_values(history.entry), "events": events}


def print_list(page: outbound_pb2.QueueList) -> None:
    """Print a page of the queue for people."""
    if page.paused:
        print(printable(f"sending is paused{f': {page.pause_reason}' if page.pause_reason else ''}"))
        print("`mailfold queue resume` resumes it\n")
    rows = [_row(entry) for entry in page.entries]
    empty = f"no entry fits, of {page.total} in the queue" if page.total else "the queue is empty"
    table(_COLUMNS, rows, empty)
    if page.next:
        print(f"\n{page.total} entries in the queue; the next page: --after {page.next}")


def print_changed(reply: outbound_pb2.ChangeReply, done: str) -> None:
    """Print the effect of a change."""
    print(f"{reply.changed} {'entry' if reply.changed == 1 else 'entries'} {done}")
    if reply.in_hand:
        print(f"{reply.in_hand} not changed, because they are being sent at this moment; repeat the command")


def print_histories(histories: MailHistories, *, transcript: bool) -> None:
    """Print the way of a mail for each recipient."""
    for number, history in enumerate(histories.entries):
        for line in history_lines(history, transcript=transcript):
            print(("\n" if number and line and not line.startswith(" ") else "") + line)
    if histories.more:
        print(f"\n{histories.more} more recipients: `mailfold queue list QUEUE_ID` lists those that wait")
    if not histories.is_complete:
        print("\nrecipients whose entries have ended are not among these, because the event log does not run")


def history_lines(history: outbound_pb2.EntryHistory, *, transcript: bool = False, whole: bool = True) -> Iterator[str]:
    """The lines for one recipient: where the mail is now, and its history, or without `whole` its last attempt."""
    entry = history.entry
    yield printable(f"{entry.recipient}  ({entry.id}, mail {entry.queue_id} from <{entry.sender}>)")
    logged = [LoggedEvent("", event.name, event.at, "{}", "", event.json.encode()) for event in history.events]
    yield from (f"  {printable(line)}" for line in _whereabouts(entry, logged))
    if not whole:
        yield from (f"  {printable(line)}" for line in _last_attempt(logged))
        return
    for event, recorded in zip(logged, history.events, strict=True):
        head, *rest = story([event], Names())
        by = f"by {recorded.actor}" if recorded.actor not in ("", "outbound", "delivery") else ""
        yield f"    {head.strip()}  {printable(by)}".rstrip()
        yield from (f"    {line}" for line in rest)
        if transcript:
            yield from _transcript(event)


def _whereabouts(entry: outbound_pb2.QueueEntry, logged: Sequence[LoggedEvent]) -> Iterator[str]:
    last = f"{entry.status} {entry.reason}".strip()
    match entry.state:
        case "waiting":
            tries = f"after {entry.attempts} attempt(s)" if entry.attempts else "for its first attempt"
            yield "is being sent now" if entry.in_hand else f"waits {tries}; the next attempt is {moment(entry.due)}"
            yield f"is given up {moment(entry.expires)}"
        case "held":
            until = f"until {moment(entry.due)}" if entry.due else "until `mailfold queue release`"
            yield f"held {until}: {entry.reason or 'no reason was given'}"
            last = ""
        case "delivered":
            yield from (_delivery(recorded.event) for recorded in logged[-1:])
            last = ""
        case state:
            yield {"expired": "given up"}.get(state, state)
    if last:
        yield f"last: {last}"


def _delivery(event: Event | None) -> str:
    """To whom the mail was handed, with which TLS and reply."""
    if not isinstance(event, OutboundDelivered):
        return "delivered to the next server"
    hosts = event.attempt.hosts
    return f"delivered {handed_over(event.attempt)}" + (f"; it replied: {hosts[-1].reply}" if hosts else "")


def _last_attempt(logged: Sequence[LoggedEvent]) -> Iterator[str]:
    """The last attempt that failed, if there was any."""
    events = [recorded.event for recorded in logged]
    attempts = [event.attempt for event in events if isinstance(event, _FAILURES) and event.attempt is not None]
    if attempts and not isinstance(events[-1], OutboundDelivered):
        yield from attempt_lines(attempts[-1])


def _transcript(logged: LoggedEvent) -> Iterator[str]:
    attempt = getattr(logged.event, "attempt", None)
    lines = attempt.transcript if attempt is not None else ()
    yield from (f"        {printable(line)}" for line in lines)


def _row(entry: outbound_pb2.QueueEntry) -> tuple[object, ...]:
    state = "being sent" if entry.in_hand else entry.state
    last = f"{entry.status} {entry.reason}".strip()[:_REASON_WIDTH]
    sender = entry.sender or "<>"
    due = moment(entry.due)[:19]
    return entry.id, entry.queue_id, sender, entry.recipient, state, due, entry.attempts, last


def _values(entry: outbound_pb2.QueueEntry) -> dict[str, Any]:
    return {field: getattr(entry, field) for field in _FIELDS}
