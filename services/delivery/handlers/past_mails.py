"""The mails that came to an account, from the event log: what they were, and what delivery decided about them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec

from services.delivery.domain.list_rules import as_posted
from services.delivery.domain.mail import AcceptedMail, from_classified, from_submitted
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import DeliveryListExpanded, DeliveryPlanned, Step
from shared.events.mail import MailReceived, MailSubmitted
from shared.events.mailbox import MessageDelivered
from shared.events.spam import MailClassified, RecordedVerdict
from shared.eventstore.event import Event
from shared.grpc.channel import Channel
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogStub

_TYPES: dict[str, type[Event]] = {
    kind.stored_name: kind
    for kind in (DeliveryPlanned, DeliveryListExpanded, MailReceived, MailSubmitted, MailClassified, MessageDelivered)
}
_COPIES = (StepAction.STORE, StepAction.ENQUEUE)
_E = TypeVar("_E", bound=Event)


class StoredCopy(NamedTuple):
    """A copy that the account has got: where it was put."""

    mailbox: str
    uid: int


class PastMail(NamedTuple):
    """A mail that delivery decided on for an account."""

    queue_id: str
    at: int
    """When delivery decided, in UTC microseconds."""
    mail: AcceptedMail | None
    """None when the log does not have its reception any more."""
    steps: tuple[Step, ...]
    """The steps of the account, never none."""
    stored: tuple[StoredCopy, ...]
    others: frozenset[str] = frozenset()
    """The addresses here that got the mail through the same recipients, such as those to which a script redirects."""

    @property
    def address(self) -> str:
        """The address of the account at that time; empty when no step has it."""
        own = (step.address for step in self.steps if step.action in (StepAction.STORE, StepAction.DISCARD))
        return next(own, "")


class MailsRead(NamedTuple):
    """Some mails, oldest first."""

    mails: list[PastMail]
    read_to: int
    """Every mail before this time was read."""
    log_begins: int


class PastMails:
    """Reads the event log."""

    def __init__(self, eventlog: Channel) -> None:
        self._log = EventLogStub(eventlog)

    async def of(self, account: str, since: int, until: int) -> AsyncGenerator[MailsRead]:
        """The mails of an account in a span of time, in batches. Raises ServiceError."""
        request = pb.ReadArrivalsRequest(account=account, since=since, until=until)
        async for batch in self._log.ReadArrivals(request):
            mails = (_past_mail(account, arrival) for arrival in batch.arrivals)
            yield MailsRead([mail for mail in mails if mail is not None], batch.read_to, batch.oldest)


def _past_mail(account: str, arrival: pb.Arrival) -> PastMail | None:
    """The mail of an arrival; None when the decision gave nothing to the account."""
    decision = _event(arrival.decision)
    if not isinstance(decision, DeliveryPlanned | DeliveryListExpanded):
        return None
    steps = _steps_for(account, decision.steps)
    if not steps:
        return None
    delivered = [event for event in map(_event, arrival.stored) if isinstance(event, MessageDelivered)]
    stored = tuple(StoredCopy(event.mailbox, event.entry.uid) for event in delivered if event.account == account)
    mail = _accepted([event for event in map(_event, arrival.mail) if event is not None])
    past = PastMail(decision.queue_id, arrival.decision.at, mail, steps, stored, _others(account, decision.steps))
    if isinstance(decision, DeliveryListExpanded) and mail is not None:
        return past._replace(mail=as_posted(mail, decision, steps[0].reverse_path))
    return past


def _steps_for(account: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of an account; a copy with a blob of its own is a notification, which is another mail."""
    own = (step for step in steps if step.account == account)
    return tuple(step for step in own if not (step.blob and step.action in _COPIES))


def _others(account: str, steps: Iterable[Step]) -> frozenset[str]:
    return frozenset(
        step.address.lower() for step in steps if step.account != account and step.action == StepAction.STORE
    )


def _accepted(events: Iterable[Event]) -> AcceptedMail | None:
    """The mail as delivery got it."""
    received, verdict = None, None
    for event in events:
        match event:
            case MailSubmitted():
                return from_submitted(event)
            case MailReceived():
                received = event
            case MailClassified():
                verdict = event
            case _:
                pass
    if received is None:
        return None
    if verdict is None:
        verdict = MailClassified(received.queue_id, RecordedVerdict(False, 0.0, 0.0), b"")
    return from_classified(msgspec.structs.replace(verdict, reception=received))


def _event(logged: Any) -> Event | None:
    """A logged event; None for one that this release cannot read."""
    kind = _TYPES.get(logged.type)
    return _decoded(logged.data, kind) if kind is not None else None


def _decoded(data: bytes, kind: type[_E]) -> _E | None:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError:
        return None
