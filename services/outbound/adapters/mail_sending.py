"""A mail on its way: which recipients have an outcome, and what happened at which address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from services.outbound.adapters.connection import OutgoingConnection
from services.outbound.adapters.tls_faults import result_of_session
from services.outbound.domain.address_family import family_of, is_about_our_address
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.envelope import transaction_of
from services.outbound.domain.next_hop import HopAddress
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.reply_meaning import failure_of, outcome_of, signal_of, unreachable
from services.outbound.domain.sent import HopSignal, SentMail
from services.outbound.domain.tls_demand import HostSkipped, TlsDemand
from services.outbound.handlers.messages import PreparedMessage, SignedMessage
from shared.events.outbound import HostAttempt
from shared.protocol.message.outgoing.message import Unsendable
from shared.protocol.smtp.client.events import SessionFailed, TransactionDone
from shared.protocol.smtp.client.outcome import RecipientResult, ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transaction import OutgoingTransaction
from shared.protocol.smtp.reply import Reply

_MOST_HOSTS = 20
_REPLY = 1_000
_BEFORE_MAIL = frozenset({Stage.GREETING.value, Stage.HELLO.value})


class ConnectionRecord(msgspec.Struct, frozen=True):
    """A connection for the record: to which address, with which demand, and since when."""

    address: HopAddress
    demand: TlsDemand
    tls: str = ""
    authenticated_by: str = ""
    began: float = 0.0
    """Seconds of the monotonic clock; 0: no connection was begun."""
    tls_result: str = ""
    """How the connection is counted (RFC 8460 §4.3); empty: not at all, or for an earlier mail."""


class MailSending:
    """The state of one attempt."""

    def __init__(self, mail: ReadyMail, message: PreparedMessage, on_taken: Callable[[], None]) -> None:
        self.mail = mail
        self.message = message
        self._on_taken = on_taken
        self.open_entries: list[QueueEntry] = list(mail.entries)
        """Entries without an outcome."""
        self.has_unsent = False
        """Whether some of them only need another transaction."""
        relay = mail.sending.relay
        self._most_recipients = (relay.recipients_per_mail if relay else 0) or len(mail.entries)
        self.skipped_hosts: set[str] = set()
        """Hosts that a policy forbids to use, so that it is asked once for all their addresses."""
        self.failure = unreachable("the next server has no address")
        """The outcome of entries that have none of their own."""
        self._outcomes: dict[str, RecipientOutcome] = {}
        self.broken_off_at = ""
        """The stage of the session at which the attempt was broken off."""
        self._was_turned_away = False
        """Whether a server answered that it takes no connection now."""
        self._is_about_mail = False
        """Whether the last failure is about this mail or a policy of its domain, so that others may do better."""
        self._signal = HopSignal.UNREACHABLE
        self._lines: dict[str, list[HostAttempt]] = {entry.id: [] for entry in mail.entries}
        """The connections of each entry, with the reply about its own recipient."""
        self._refusals: dict[str, RecipientOutcome] = {}
        """Entries that were refused for a reason about our address, so that the other family is tried once."""
        self._refused_family: HostAttempt | None = None
        self.transcript: tuple[str, ...] = ()
        """The lines of the last connection."""
        self._steps: dict[str, int] = {}

    def transaction(self, form: SignedMessage) -> OutgoingTransaction:
        """The transaction for the open entries, as many as the relay takes at once. Raises AddressError."""
        final = form.final
        return transaction_of(
            self.open_entries[: self._most_recipients],
            form.size,
            eight_bit=final.eight_bit,
            binary=final.binary,
            smtputf8=final.smtputf8,
        )

    def pieces(self, form: SignedMessage) -> Callable[[], Iterator[bytes]]:
        """What gives the octets of the message, when the server asks for them."""

        def begin() -> Iterator[bytes]:
            self._on_taken()
            return form.pieces()

        return begin

    def note_unsendable(self, connected: ConnectionRecord, form: Unsendable) -> None:
        """Note that a server takes no form of this message; another server may."""
        self._signal = HopSignal.TAKES_MAIL
        self.note_failed_address(connected, "form", RecipientOutcome(SendingResult.REFUSED, form.status, form.reason))

    def take(self, connection: OutgoingConnection, end: TransactionDone | SessionFailed, began: float) -> None:
        """Take the results of a transaction."""
        self.step("transaction", began)
        self.transcript = connection.transcript
        used = ConnectionRecord(
            connection.address, connection.demand, connection.tls, connection.authenticated_by, began
        )
        if connection.mails == 1:
            tls_result = result_of_session(connection.demand, bool(connection.tls))
            used = msgspec.structs.replace(used, tls_result=tls_result)
        if isinstance(end, SessionFailed):
            self.failure = failure_of(end)
            if not end.results:
                self._note(used, end.stage.value, self.failure.reason, end.reply)
        self._assign_outcomes(used, end.results)

    def note_skipped_host(self, address: HopAddress, host: HostSkipped) -> None:
        """Note that a policy forbids to use a host for this mail. It says nothing about the host itself."""
        self.skipped_hosts.add(address.host)
        self.note_failed_address(
            ConnectionRecord(address, host.demand, tls_result=host.demand.problem), "policy", host.outcome
        )

    def note_failed_address(
        self, connected: ConnectionRecord, stage: str, outcome: RecipientOutcome, reply: Reply | None = None
    ) -> None:
        """Note that an address took no mail."""
        self._note(connected, stage, outcome.reason, reply)
        self.failure = outcome
        if stage in _BEFORE_MAIL and is_about_our_address(Stage(stage), reply) and self._refused_family is None:
            self._refused_family = _line(connected, stage, outcome.reason, reply, is_refused=True)
        self._was_turned_away |= stage in _BEFORE_MAIL and reply is not None and reply.is_transient
        self._is_about_mail = stage == "policy" or (connected.demand.is_verified and not self.mail.sending.relay)

    def note_own_fault(self, reason: str) -> None:
        """Note that a fault of this server ended the attempt. It says nothing about the next hop."""
        self.failure = RecipientOutcome(SendingResult.DEFERRED, "4.3.0", reason, Cause.OURS)
        self._is_about_mail = True

    def note_time_out(self, reason: str) -> None:
        """Note that the time of the attempt is over; the server may have taken a mail whose reply did not come."""
        self.failure = unreachable(reason)
        if self.broken_off_at == Stage.END.value:
            self.failure = RecipientOutcome(SendingResult.PERHAPS_DELIVERED, "4.4.2", reason)
        elif self.broken_off_at == Stage.BODY.value:  # this message was too slow; another mail may do better
            self.failure = RecipientOutcome(SendingResult.DEFERRED, "4.4.2", reason)

    def step(self, name: str, began: float) -> None:
        """Add the time since `began` to a step."""
        self._steps[name] = self._steps.get(name, 0) + _milliseconds(began)

    def result(self) -> SentMail:
        """The outcomes of all entries; those still open share the last failure."""
        for entry in self.open_entries:
            self._outcomes[entry.id] = self._last_outcome(entry)
        is_about_mail = self._signal is HopSignal.UNREACHABLE and (
            self.failure.cause is Cause.RECIPIENT or (self.failure.cause is Cause.OURS and self._is_about_mail)
        )
        signal = HopSignal.SILENT if is_about_mail else self._signal
        if signal is HopSignal.UNREACHABLE and self._was_turned_away:
            signal = HopSignal.TURNED_AWAY
        return SentMail(
            self._outcomes,
            signal,
            {entry: tuple(lines) for entry, lines in self._lines.items()},
            self.transcript,
            self._steps,
            self._family_to_report(),
        )

    def is_refused_family(self, address: HopAddress) -> bool:
        """Whether a server refused us at an address of this family, so that only the other family is tried."""
        refused = self._refused_family
        return bool(self._refusals) and refused is not None and family_of(address.address) == family_of(refused.address)

    def _last_outcome(self, entry: QueueEntry) -> RecipientOutcome:
        """The outcome of an open entry. A refusal counts unless the other family was tried and failed for now."""
        refusal, lines = self._refusals.get(entry.id), self._lines[entry.id]
        return self.failure if refusal is None or not lines[-1].is_family_refused else refusal

    def _family_to_report(self) -> HostAttempt | None:
        """Where a family was refused while the other one works."""
        refused = self._refused_family
        if refused is None:
            return None
        taken = [
            self._lines[entry][-1]
            for entry, outcome in self._outcomes.items()
            if outcome.result is SendingResult.DELIVERED and self._lines[entry]
        ]
        return refused if any(family_of(line.address) != family_of(refused.address) for line in taken) else None

    def _assign_outcomes(self, used: ConnectionRecord, results: tuple[RecipientResult, ...]) -> None:
        """Give each recipient its outcome and its line. Those that were not sent stay open."""
        entries, self.open_entries = self.open_entries, []
        self.has_unsent = len(results) < len(entries)
        for entry, result in zip(entries, results, strict=False):
            outcome = outcome_of(result)
            is_refused_family = self._is_family_refused(entry, outcome, result)
            self._add_line(entry, used, result.stage.value, outcome.reason, result.reply, is_refused=is_refused_family)
            used = msgspec.structs.replace(used, tls_result="")  # each connection is counted once
            if is_refused_family:
                self._refusals[entry.id] = outcome
                self.open_entries.append(entry)
            elif result.kind is ResultKind.UNSENT:
                self.has_unsent = True
                self.failure = outcome
                self.open_entries.append(entry)
            elif result.kind is ResultKind.DEFERRED and result.reply is None:
                self.open_entries.append(entry)  # the session failed before the message: another address may take it
            else:
                self._outcomes[entry.id] = outcome
                self._signal = _stronger(self._signal, signal_of(outcome, result.reply))
        self.open_entries += entries[len(results) :]

    def _is_family_refused(self, entry: QueueEntry, outcome: RecipientOutcome, result: RecipientResult) -> bool:
        is_new = outcome.result is SendingResult.REFUSED and entry.id not in self._refusals
        return is_new and self.mail.sending.relay is None and is_about_our_address(result.stage, result.reply)

    def _note(self, connected: ConnectionRecord, stage: str, words: str, reply: Reply | None) -> None:
        """Add a line to all open entries."""
        for entry in self.open_entries:
            self._add_line(entry, connected, stage, words, reply)
            connected = msgspec.structs.replace(connected, tls_result="")

    def _add_line(
        self,
        entry: QueueEntry,
        connected: ConnectionRecord,
        stage: str,
        words: str,
        reply: Reply | None,
        *,
        is_refused: bool = False,
    ) -> None:
        line = _line(connected, stage, words, reply, is_refused=is_refused)
        if is_refused and self._refused_family is None:
            self._refused_family = line
        lines = self._lines[entry.id]
        if len(lines) == _MOST_HOSTS:
            lines.pop()  # the first connections are kept and the last one, which decided
        lines.append(line)


def _line(connected: ConnectionRecord, stage: str, words: str, reply: Reply | None, *, is_refused: bool) -> HostAttempt:
    return HostAttempt(
        connected.address.host,
        connected.address.address,
        connected.address.port,
        stage,
        reply.code if reply else 0,
        words[:_REPLY],
        connected.tls,
        connected.authenticated_by,
        connected.demand.policy,
        _milliseconds(connected.began) if connected.began else 0,
        connected.demand.policy_type if connected.tls_result else "",
        connected.tls_result,
        is_refused,
    )


def _stronger(known: HopSignal, heard: HopSignal) -> HopSignal:
    """The signal of a mail: one reply about limits counts more than others."""
    return known if known is HopSignal.BUSY else heard


def _milliseconds(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
