"""Refuses a mail whose only recipient's scripts refuse it, before it is accepted (RFC 5429 §2.1.1).

After the 250 such a refusal could only be a report to the sender, who may be forged. Delivery is asked, and only for
accounts whose scripts can refuse: mail to all others costs nothing. Where delivery does not answer in time, or cannot
decide yet, the mail is accepted, and the scripts run at its delivery. The mail of users is never asked about: it may
still wait for its release, and its sender is known, so that a report reaches who wrote it.
"""

from __future__ import annotations

import structlog

from services.ingress.domain.accepted import Accepted
from services.ingress.domain.refusal_text import refusal_reply
from shared.events.mail import MailReceived
from shared.events.scripts import SERVER
from shared.eventstore.event import encode
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError, Unavailable
from shared.protocol.smtp.codes import POSTMASTER
from shared.protocol.smtp.reply import Reply, with_cause
from shared.rpc.mailfold.delivery.v1.refusals_pb2 import WouldRefuseReply, WouldRefuseRequest
from shared.rpc.mailfold.delivery.v1.refusals_pb2_grpc import RefusalsStub
from shared.scripts.active import ActiveScripts

log = structlog.get_logger("ingress")
_CAN_REFUSE = frozenset({"reject", "ereject", "include", "ihave"})
"""What a script requires that can refuse: an included script requires for itself (RFC 6609 §3.1), and `ihave` takes the
place of `require` (RFC 5463 §4)."""


class DialogueRefusals:
    """Asks delivery what the scripts of an account decide."""

    def __init__(self, scripts: ActiveScripts, delivery: Channel, seconds: float) -> None:
        self._scripts = scripts
        self._delivery = RefusalsStub(delivery)
        self._seconds = seconds

    async def refusal(self, event: Accepted, account: str) -> Reply | None:
        """The refusal of a mail that is about to be accepted for one account; None: it is accepted.

        `account` is empty where the mail has another recipient than one account here.
        """
        if not account or not self._seconds or not isinstance(event, MailReceived) or not self._can_refuse(account):
            return None
        if event.recipients[0].address.rpartition("@")[0].lower() == POSTMASTER:
            return None  # RFC 5321 §4.5.1: its mail is accepted with every reasonable effort
        decided = await self._ask(event)
        if decided is None or not decided.kind:
            return None
        reply = refusal_reply(decided.kind, decided.reason, smtputf8=event.message.smtputf8)
        return None if reply is None else with_cause(reply, _cause(event, decided))

    def _can_refuse(self, account: str) -> bool:
        """Whether a script for an account can refuse mail, as far as it is known here. The server's scripts count."""
        try:
            places = (self._scripts.of(SERVER), self._scripts.of(account))
        except Unavailable:
            return False
        return any(not script.requires.isdisjoint(_CAN_REFUSE) for owned in places for script in owned.values())

    async def _ask(self, event: MailReceived) -> WouldRefuseReply | None:
        try:
            request = WouldRefuseRequest(reception=encode(event))
            decided = await self._delivery.WouldRefuse(request, timeout=self._seconds)
        except ServiceError as error:
            log.info("ingress.script_unasked", queue_id=event.queue_id, error=str(error))
            return None
        if decided.undecided:
            log.info("ingress.script_undecided", queue_id=event.queue_id, reason=decided.undecided)
        return decided


def _cause(event: MailReceived, decided: WouldRefuseReply) -> str:
    script = decided.script or "the script"
    return f"{decided.kind} in line {decided.line} of {script}, for {event.recipients[0].address}"
