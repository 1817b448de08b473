"""Questions to the event log."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from mailfold.operator.session import Session
from mailfold.trace.names import Names
from mailfold.trace.story import Told
from shared.eventstore.event import Event
from shared.grpc.errors import ServiceError

_NAMED = (("account", "account.added"), ("account", "mailbox."), ("user", "user.added"))
_NAME_FACTS = 500


async def trace(session: Session, identity: str) -> list[Told]:
    """The life of a mail, oldest first."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    return [_told(fact) for fact in (await (await _stub(session)).Trace(eventlog_pb2.TraceRequest(id=identity))).facts]


async def query(session: Session, text: str, kind: str, since: int, limit: int) -> list[Told]:
    """Facts that match, oldest first; of many the newest."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    request = eventlog_pb2.QueryRequest(text=text, type=kind, since=since, limit=limit)
    return [_told(fact) for fact in reversed((await (await _stub(session)).Query(request)).facts)]


async def tail(session: Session, kind: str, backlog: int) -> AsyncIterator[Told]:
    """The latest facts, then each as it comes."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    async for batch in (await _stub(session)).Tail(eventlog_pb2.TailRequest(type=kind, backlog=backlog)):
        for fact in batch.facts:
            yield _told(fact)


async def names(session: Session, facts: Iterable[Told]) -> Names:
    """Names for the accounts, mailboxes and users that these facts speak of."""
    known = Names()
    for text, kind in sorted(_wanted([event for fact in facts if (event := fact.event) is not None])):
        with contextlib.suppress(ServiceError):  # a name is a comfort: without it the id stands
            for fact in await query(session, text, kind, 0, _NAME_FACTS):
                if (event := fact.event) is not None:
                    known.learn(event)
    return known


def _wanted(events: Iterable[Event]) -> set[tuple[str, str]]:
    return {(identity, kind) for event in events for field, kind in _NAMED if (identity := _identity(event, field))}


def _identity(event: Event, field: str) -> str:
    value = getattr(event, field, "")
    return value if isinstance(value, str) else ""


async def _stub(session: Session) -> Any:
    from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogStub

    return EventLogStub(await session.running("eventlog"))


def _told(fact: Any) -> Told:
    return Told(fact.id, fact.type, fact.at, fact.actor, fact.cause, fact.data)
