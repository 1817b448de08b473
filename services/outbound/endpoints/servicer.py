"""Serves the Outbound contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from services.outbound.domain.entry import EntryState, QueueEntry, entry_of
from services.outbound.domain.filter import Condition, QueueSelection, condition_of
from services.outbound.domain.relay_trial import RelayTrial
from services.outbound.handlers.commands import ChangeResult, QueueCommands
from services.outbound.handlers.enqueue import Enqueuer
from services.outbound.handlers.holds import HoldRule, Holds
from services.outbound.handlers.runner import Runner
from shared.events.outbound import EarlierSets, OutboundQueued
from shared.events.signatures import ChosenSignature
from shared.eventstore.connection import Row
from shared.eventstore.event import encode
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid, NotFound
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundServicer

_LISTED = 1000
_PATTERN = 512
_PAUSE = "SELECT reason FROM pause WHERE name = 'all'"
_RULES = "SELECT rule, sender, recipient, reason, at FROM hold_rule ORDER BY at, rule"


class Probe(Protocol):
    """Tries relays."""

    async def probe(self, domain: str) -> RelayTrial:
        """Try the relay of a domain."""


class OutboundEndpoint(OutboundServicer):
    """Enqueues copies, lists them, and carries out the operator's commands."""

    def __init__(
        self,
        store: EventStore,
        enqueuer: Enqueuer,
        commands: QueueCommands,
        holds: Holds,
        runner: Runner,
        probe: Probe,
        expiry_days: float,
    ) -> None:
        self._store = store
        self._enqueuer = enqueuer
        self._commands = commands
        self._holds = holds
        self._runner = runner
        self._probe = probe
        self._expiry = int(expiry_days * 86_400_000_000)

    async def Enqueue(self, request: pb.EnqueueRequest, context: Any) -> pb.EnqueueReply:
        entry, repeated = await self._enqueuer.enqueue(_queued(request), current_provenance())
        return pb.EnqueueReply(queue_entry=entry, repeated=repeated)

    async def List(self, request: pb.ListQueueRequest, context: Any) -> pb.QueueList:
        limit = min(request.limit or _LISTED, 10 * _LISTED)
        rows = await self._commands.page(_condition(request.filter), request.after, limit)
        # Read from the store, because an operator's command also hosts this service without starting it.
        switch = await self._store.read(lambda reader: reader.first_row(_PAUSE))
        return pb.QueueList(
            entries=[self._listed(row) for row in rows],
            total=self._enqueuer.open_entries or await self._counted(),
            next=rows[-1][0] if len(rows) == limit else "",
            paused=switch is not None,
            pause_reason=switch[0] if switch else "",
        )

    async def Show(self, request: pb.EntryRequest, context: Any) -> pb.EntryHistory:
        history = await self._store.read_stream(request.id)
        entry = entry_of(history)
        if entry is None:
            raise NotFound(f"there is no entry {request.id}; `mailfold queue list` shows them")
        events = [
            pb.EntryEvent(
                at=recorded.at,
                name=recorded.event.stored_name,
                json=encode(recorded.event).decode("utf-8", "replace"),
                actor=recorded.provenance.actor.id or recorded.provenance.actor.kind,
            )
            for recorded in history
        ]
        return pb.EntryHistory(entry=self._shown(entry), events=events)

    async def Retry(self, request: pb.ChangeRequest, context: Any) -> pb.ChangeReply:
        return _reply(await self._commands.retry(_chosen(request), current_provenance()))

    async def Hold(self, request: pb.ChangeRequest, context: Any) -> pb.ChangeReply:
        return _reply(await self._commands.hold(_chosen(request), request.reason[:_PATTERN], current_provenance()))

    async def Release(self, request: pb.ChangeRequest, context: Any) -> pb.ChangeReply:
        return _reply(await self._commands.release(_chosen(request), current_provenance()))

    async def Cancel(self, request: pb.ChangeRequest, context: Any) -> pb.ChangeReply:
        return _reply(await self._commands.cancel(_chosen(request), request.reason[:_PATTERN], current_provenance()))

    async def Bounce(self, request: pb.ChangeRequest, context: Any) -> pb.ChangeReply:
        return _reply(await self._commands.bounce(_chosen(request), request.reason[:_PATTERN], current_provenance()))

    async def Pause(self, request: pb.PauseRequest, context: Any) -> pb.SwitchReply:
        await self._holds.pause(request.reason[:_PATTERN], current_provenance())
        return pb.SwitchReply(paused=True, reason=self._holds.pause_reason or "")

    async def Resume(self, request: pb.ResumeRequest, context: Any) -> pb.SwitchReply:
        await self._holds.resume(current_provenance())
        return pb.SwitchReply(paused=False)

    async def AddHoldRule(self, request: pb.HoldRule, context: Any) -> pb.HoldRule:
        if not (request.sender or request.recipient):
            raise Invalid("a hold rule needs a sender or a recipient; `mailfold queue pause` stops all mail")
        sender, recipient, reason = request.sender[:_PATTERN], request.recipient[:_PATTERN], request.reason[:_PATTERN]
        rule = await self._holds.add_rule(sender, recipient, reason, current_provenance())
        return pb.HoldRule(id=rule, sender=sender, recipient=recipient, reason=reason)

    async def RemoveHoldRule(self, request: pb.HoldRule, context: Any) -> pb.HoldRule:
        await self._holds.remove_rule(request.id, current_provenance())
        return request

    async def ListHoldRules(self, request: pb.ListHoldRulesRequest, context: Any) -> pb.HoldRuleList:
        rows = await self._store.read(lambda reader: reader.all(_RULES))
        return pb.HoldRuleList(rules=[_rule(HoldRule(*row)) for row in rows])

    async def _counted(self) -> int:
        row = await self._store.read(lambda reader: reader.first_row("SELECT count(*) FROM queue"))
        return row[0] if row else 0

    async def TestRelay(self, request: pb.TestRelayRequest, context: Any) -> pb.TestRelayReply:
        trial = await self._probe.probe(request.domain)
        return pb.TestRelayReply(
            works=trial.works,
            host=trial.host,
            address=trial.address,
            tls=trial.tls,
            mechanism=trial.mechanism,
            text=trial.text,
            stage=trial.stage,
        )

    def _listed(self, row: Row) -> pb.QueueEntry:
        entry, queue_id, sender, recipient, size, at, since, due, state, attempts, status, reason = row
        return pb.QueueEntry(
            id=entry,
            queue_id=queue_id,
            recipient=recipient,
            sender=sender,
            at=at,
            state=state,
            size=size,
            due=due if due < 1 << 62 else 0,
            attempts=attempts,
            status=status,
            reason=reason,
            in_hand=self._runner.is_claimed(entry),
            expires=since + self._expiry if state == EntryState.WAITING else 0,
        )

    def _shown(self, entry: QueueEntry) -> pb.QueueEntry:
        queued = entry.queued
        return pb.QueueEntry(
            id=entry.id,
            queue_id=queued.queue_id,
            recipient=queued.forward_path,
            sender=queued.reverse_path,
            at=entry.at,
            state=entry.state.value,
            size=queued.size,
            due=entry.due if entry.is_open else 0,
            attempts=entry.attempts,
            status=entry.status,
            reason=entry.reason,
            in_hand=self._runner.is_claimed(entry.id),
            expires=entry.since + self._expiry if entry.state is EntryState.WAITING else 0,
        )


def _queued(request: pb.EnqueueRequest) -> OutboundQueued:
    return OutboundQueued(
        entry="",
        queue_id=request.queue_id,
        recipient=request.recipient,
        index=request.index,
        blob=request.blob,
        prefix=request.prefix,
        size=request.size,
        reverse_path=request.reverse_path,
        forward_path=request.forward_path,
        notify=request.notify,
        orcpt=request.orcpt,
        ret=request.ret,
        envid=request.envid,
        eight_bit=request.eight_bit,
        smtputf8=request.smtputf8,
        message_id=request.message_id,
        sending_domain=request.sending_domain,
        account=request.account,
        release_at=request.release_at,
        require_tls=request.require_tls,
        signature=_signature(request.signature) if request.HasField("signature") else None,
        seals=_seals(request.seals) if request.HasField("seals") else None,
    )


def _seals(earlier: pb.EarlierSets) -> EarlierSets:
    return EarlierSets(earlier.status, earlier.instance, earlier.is_ended)


def _signature(chosen: pb.Signature) -> ChosenSignature:
    return ChosenSignature(chosen.id, dict(chosen.values), chosen.signs_automatic)


def _chosen(request: pb.ChangeRequest) -> Condition:
    """The condition of a command. Raises Invalid when nothing is chosen and `all` is not set."""
    if not request.all and _selection(request.filter).is_empty:
        raise Invalid("which entries? Give ids or a filter, or choose all")
    return _condition(request.filter)


def _selection(given: pb.QueueFilter) -> QueueSelection:
    texts: Sequence[str] = (given.domain, given.sender, given.recipient, given.reason, given.account)
    if any(len(text) > _PATTERN for text in texts):
        raise Invalid(f"a filter has at most {_PATTERN} characters")
    return QueueSelection(
        tuple(given.ids),
        given.domain,
        given.sender,
        given.recipient,
        given.state,
        given.before,
        given.reason,
        given.account,
    )


def _condition(given: pb.QueueFilter) -> Condition:
    try:
        return condition_of(_selection(given))
    except ValueError as error:
        raise Invalid(str(error)) from error


def _reply(changed: ChangeResult) -> pb.ChangeReply:
    return pb.ChangeReply(changed=changed.changed, in_hand=changed.in_hand, entries=changed.entries)


def _rule(rule: HoldRule) -> pb.HoldRule:
    return pb.HoldRule(id=rule.rule, sender=rule.sender, recipient=rule.recipient, reason=rule.reason, at=rule.at)
