"""Sends one mail to its next hop: address by address, until every recipient has an outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from services.outbound.adapters.connection import OutgoingConnection
from services.outbound.adapters.connections import ConnectionKey, Connections, NotOpened
from services.outbound.adapters.mail_sending import ConnectionRecord, MailSending
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.reply_meaning import failure_of, unreachable
from services.outbound.domain.schedule import AttemptTime
from services.outbound.domain.sent import SentMail, for_all
from services.outbound.domain.tls_demand import HostSkipped, TlsDemand
from services.outbound.handlers.family_refusals import FamilyRefusals
from services.outbound.handlers.messages import PreparedMessage
from shared.blobs.errors import BlobError
from shared.eventstore.connection import StoreUnavailable
from shared.protocol.address.domain import AddressError
from shared.protocol.message.outgoing.message import Unsendable
from shared.protocol.smtp.client.events import SessionFailed
from shared.protocol.smtp.client.outcome import FailureCause
from shared.protocol.smtp.client.timeouts import Stage

_TLS_FAILURES = (FailureCause.TLS_FAILED, FailureCause.TLS_REFUSED, FailureCause.TLS_NOT_OFFERED)
_MOST_TRANSACTIONS = 20
"""Transactions of one mail on one connection, where the server limits the recipients of each."""


class Demands(Protocol):
    """Decides what a connection must prove."""

    async def of(
        self, hop: NextHop, address: HopAddress, mail: ReadyMail, *, is_tls_optional: bool
    ) -> TlsDemand | HostSkipped:
        """The demand on a connection to an address, or why the address cannot be used.

        `is_tls_optional` is the wish of the sender for less than the destination publishes (RFC 8689 §5).
        """


class SmtpTransport:
    """Sends mails over SMTP."""

    def __init__(
        self, connections: Connections, demands: Demands, time_limit: AttemptTime, family_refusals: FamilyRefusals
    ) -> None:
        self._connections = connections
        self._demands = demands
        self._time_limit = time_limit
        self._family_refusals = family_refusals

    async def send(
        self, hop: NextHop, mail: ReadyMail, message: PreparedMessage, on_taken: Callable[[], None]
    ) -> SentMail:
        """The outcome for every recipient. `on_taken` is called when a server asks for the message."""
        sending = MailSending(mail, message, on_taken)
        seconds = self._time_limit.of(message.size)
        try:
            async with asyncio.timeout(seconds):
                for address in hop.addresses:
                    if sending.is_refused_family(address):
                        continue
                    await self._to_address(hop, address, sending)
                    if not sending.open_entries:
                        break
        except TimeoutError:
            sending.note_time_out(f"the attempt took longer than {seconds:g} s")
        except BlobError as error:
            sending.note_own_fault(f"the message cannot be read from the store: {error}")
        except StoreUnavailable as error:
            sending.note_own_fault(f"the database does not answer: {error}")
        except AddressError as error:
            return for_all(mail.ids, RecipientOutcome(SendingResult.REFUSED, "5.1.3", str(error)))
        sent = sending.result()
        if sent.refused_family is not None:
            self._family_refusals.note(sent.refused_family)
        return sent

    async def _to_address(self, hop: NextHop, address: HopAddress, sending: MailSending) -> None:
        if address.host in sending.skipped_hosts:
            return
        is_tls_optional = sending.message.is_tls_optional
        demand = await self._demands.of(hop, address, sending.mail, is_tls_optional=is_tls_optional)
        if isinstance(demand, HostSkipped):
            sending.note_skipped_host(address, demand)
            return
        await self._with_demand(address, demand, sending)

    async def _with_demand(self, address: HopAddress, demand: TlsDemand, sending: MailSending) -> None:
        relay = sending.mail.sending.relay
        credentials = relay.credentials if relay is not None else None
        key = ConnectionKey(address.address, address.port, demand, credentials.name if credentials else "")
        idle = self._connections.idle(key)
        if idle is not None and await self._transact(key, idle, sending, is_fresh=False):
            return
        connected = ConnectionRecord(address, demand, began=time.monotonic())
        try:
            opened = await self._connections.open(key, address, credentials)
        except (OSError, TimeoutError) as error:
            reason = f"{address.host} [{address.address}]: {_text_of(error)}"
            sending.note_failed_address(connected, "connect", unreachable(reason))
            return
        sending.step("connect", connected.began)
        if isinstance(opened, NotOpened):
            await self._not_opened(connected, opened, sending)
            return
        await self._transact(key, opened, sending, is_fresh=True)

    async def _not_opened(self, connected: ConnectionRecord, not_opened: NotOpened, sending: MailSending) -> None:
        """Note a session that failed before MAIL.

        TLS that was only an opportunity is left out in a second connection; so is a verification that was only a test.
        """
        failed = not_opened.failed
        tried = msgspec.structs.replace(
            connected,
            tls=not_opened.tls,
            authenticated_by=not_opened.authenticated_by,
            tls_result=not_opened.tls_result,
        )
        sending.note_failed_address(tried, failed.stage.value, failure_of(failed), failed.reply)
        sending.transcript = not_opened.transcript
        second_demand = connected.demand.second_demand() if failed.cause in _TLS_FAILURES else None
        if second_demand is not None:
            await self._with_demand(connected.address, second_demand, sending)

    async def _transact(
        self, key: ConnectionKey, connection: OutgoingConnection, sending: MailSending, *, is_fresh: bool
    ) -> bool:
        """Send the mail over a connection; False when an idle connection turned out to be closed."""
        try:
            form = await sending.message.form(connection.forms)
            if isinstance(form, Unsendable):
                sending.note_unsendable(ConnectionRecord(connection.address, connection.demand), form)
                self._connections.give_back(key, connection)
                return True
            for _ in range(_MOST_TRANSACTIONS):
                began = time.monotonic()
                end = await connection.transact(sending.transaction(form), sending.pieces(form))
                if not is_fresh and isinstance(end, SessionFailed) and _was_closed(end):
                    connection.abort()
                    return False
                is_fresh = True
                sending.take(connection, end, began)
                if not (sending.has_unsent and connection.is_reusable):
                    break
        except BaseException:
            sending.broken_off_at = connection.last_stage
            connection.abort()
            raise
        self._connections.give_back(key, connection)
        return True


def _was_closed(end: SessionFailed) -> bool:
    """Whether an idle connection had been closed by the other side before the mail was begun."""
    return end.cause in (FailureCause.CUT, FailureCause.CLOSING) and end.stage in (Stage.MAIL, Stage.IDLE)


def _text_of(error: OSError | TimeoutError) -> str:
    if isinstance(error, TimeoutError) and not error.strerror:
        return "no connection in time"
    return error.strerror or str(error)
