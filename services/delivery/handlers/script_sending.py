"""Sends what the scripts of events in mailboxes send (RFC 6785), with the limits and effects of those of deliveries.

What is sent is decided once and recorded under the key of the call; a repeat carries out what is recorded.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import msgspec

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.domain.script_effects import REDIRECT, prefix_of_redirect
from services.delivery.domain.step_order import in_order
from services.delivery.handlers.redirect_request import redirect_request
from services.delivery.handlers.script_effects import ScriptEffects
from services.delivery.handlers.script_mails import is_ascii_body
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs
from shared.events.delivery import DeliveryScriptSent, Step
from shared.events.mail import Message, Recipient
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import VersionConflict
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import Invalid
from shared.ids import IdKind, Ids
from shared.owner.addressees import Addressees
from shared.protocol.message.headers import field_lines
from shared.protocol.sieve.actions import NotifyAction, RedirectAction
from shared.routing.resolution import Target
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub
from shared.scans import scan_of

_ACTOR = Actor("service", "delivery")
_SCRIPT = "the script of a mailbox"
_MOST_KEY = 200
_OF_THE_COPY = (b"return-path", b"delivered-to", b"x-spam-")
"""How the names of fields begin that belong to the copy of the owner."""
_decoder: msgspec.json.Decoder[RedirectAction | NotifyAction] = msgspec.json.Decoder(RedirectAction | NotifyAction)


class Wish(NamedTuple):
    """What a script wants to send, and of which message."""

    account: str
    key: str
    blob: str
    prefix: bytes
    action: bytes


class ScriptSending:
    """The calls. They raise Invalid for a wish that is none, and NotFound for an account that is gone."""

    def __init__(
        self,
        store: EventStore,
        blobs: Blobs,
        effects: ScriptEffects,
        addressees: Addressees,
        outbound: Channel,
        ids: Ids,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._effects = effects
        self._addressees = addressees
        self._outbound = OutboundStub(outbound)
        self._ids = ids

    async def send(self, wish: Wish) -> tuple[tuple[str, ...], bool]:
        """Send it; returns why not all of it is sent, and whether it was sent before."""
        if not wish.account or not 0 < len(wish.key) <= _MOST_KEY:
            raise Invalid(f"a key has 1 to {_MOST_KEY} characters")
        recorded, is_repeated = await self._recorded(wish), True
        address = (await self._addressees.of_account(wish.account)).address
        mail = await self._mail(wish, address, recorded.queue_id if recorded else self._ids.new(IdKind.QUEUE))
        if recorded is None:
            is_repeated = False
            recorded = await self._decided(wish, mail, address)
            mail = msgspec.structs.replace(mail, queue_id=recorded.queue_id)
        with acting(Provenance(_ACTOR, correlation=recorded.queue_id)):
            for phase in in_order(recorded.steps):
                await asyncio.gather(*(self._carry_out(mail, step) for step in phase))
        return recorded.refusals, is_repeated

    async def _recorded(self, wish: Wish) -> DeliveryScriptSent | None:
        for recorded in await self._store.read_stream(_stream(wish), 0, 1):
            if isinstance(recorded.event, DeliveryScriptSent):
                return recorded.event
        return None

    async def _decided(self, wish: Wish, mail: AcceptedMail, address: str) -> DeliveryScriptSent:
        """Decide and record; of two calls at the same time both use what the first has recorded."""
        decision = ScriptDecision(_action(wish.action), script=_SCRIPT)
        target = Target(address, wish.account)
        state = ChainState((decision,), None)
        planned = await self._effects.steps(mail, mail.recipients[0], target, state)
        redirected = [self._local(mail, target, decision, local.target.address) for local in planned.local]
        steps = [msgspec.structs.replace(step, index=at) for at, step in enumerate((*planned.steps, *redirected))]
        refusals = (planned.reason,) if planned.reason else ()
        event = DeliveryScriptSent(mail.queue_id, wish.account, wish.key, tuple(steps), refusals)
        try:
            provenance = Provenance(_ACTOR, correlation=mail.queue_id)
            await self._store.write(
                lambda tx: tx.append(_stream(wish), [event], provenance, expected=0, owner=wish.account)
            )
        except VersionConflict:
            return await self._recorded(wish) or event
        return event

    def _local(self, mail: AcceptedMail, target: Target, decision: ScriptDecision, to: str) -> Step:
        """The step that hands over a redirect to an account here: the message itself, as a mail of its own."""
        message = mail.message
        return Step(
            mail.recipients[0].address,
            0,
            StepAction.NOTIFY,
            account=target.account,
            address=to,
            prefix=prefix_of_redirect(decision.form, message.prefix, target.address),
            blob=message.blob,
            size=message.size,
            message_id=message.message_id,
            subject=message.subject,
            generated=self._ids.new(IdKind.QUEUE),
            rule=REDIRECT,
            line=decision.action.line,
        )

    async def _mail(self, wish: Wish, address: str, queue_id: str) -> AcceptedMail:
        """The message as a mail of the owner, whose address is the return path of what is redirected."""
        blob = await self._blobs.read(BlobId(wish.blob))
        scan, is_ascii = await scan_of(self._blobs, blob), await asyncio.to_thread(is_ascii_body, blob)
        author = scan.from_[0][1] if scan.from_ else ""
        message = Message(
            wish.blob,
            blob.body_size,
            _without_copy_fields(wish.prefix),
            scan.message_id,
            scan.subject,
            author,
            eight_bit=not is_ascii,
        )
        return AcceptedMail(queue_id, address, (Recipient(address),), message)

    async def _carry_out(self, mail: AcceptedMail, step: Step) -> None:
        match StepAction(step.action):
            case StepAction.ENQUEUE:
                await self._outbound.Enqueue(redirect_request(mail, step, None))
            case _:
                await self._effects.carry_out(mail, step)


def _action(data: bytes) -> RedirectAction | NotifyAction:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"this is no redirect and no notify: {error}") from error


def _stream(wish: Wish) -> str:
    return f"sieve-sending/{wish.key}:{wish.account}"


def _without_copy_fields(prefix: bytes) -> bytes:
    """The lines of acceptance; those of the delivery and of the spam filter are the owner's."""
    return b"".join(line for name, line in field_lines(prefix) if not name.lower().startswith(_OF_THE_COPY))
