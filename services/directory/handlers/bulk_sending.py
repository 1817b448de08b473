"""What an import does with lines about applications, blocked and allowed senders, relays and mail signatures."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.directory.domain import applications, signatures
from services.directory.domain.applications import ApplicationChange, ApplicationState
from services.directory.domain.blocking import canonical_patterns, sender_list
from services.directory.domain.bulk_lines import PreparedLine, words_of
from services.directory.domain.line_kinds import ApplicationLine, FieldLine, RelayLine, SendersLine, SignatureLine
from services.directory.domain.relays import RequestedRelay, with_preset
from services.directory.domain.signatures import SignatureRequest
from services.directory.domain.state import DirectoryRefused, GivenLimits
from services.directory.handlers import credential_rows, load, sending_rows
from services.directory.handlers import signatures as signature_commands
from services.directory.handlers.blocking import account_of_lists, put_on_list
from services.directory.handlers.commands import append
from services.directory.handlers.present_objects import LineDecision, check_same
from services.directory.handlers.sending import own_domain
from shared.events.credentials import ApplicationAdded
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids


class SendingLines:
    """Decides on these lines."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.kinds: Mapping[type, LineDecision] = {
            ApplicationLine: self._application,
            SendersLine: self._senders,
            RelayLine: self._relay,
            SignatureLine: self._signature,
            FieldLine: self._field,
        }

    def _application(
        self, tx: Transaction, _prepared: PreparedLine, line: ApplicationLine, provenance: Provenance
    ) -> None:
        """Add an application. Its password has no hash, so nothing fits it until one is made."""
        address = applications.application_address(line.address)
        present = credential_rows.application(tx, str(address))
        if present is not None:
            check_same(
                f"the application {address}",
                receives=(line.receives, present.receives),
                mails_an_hour=(line.mails_an_hour, present.mails_an_hour),
                quota_bytes=(line.quota_bytes, present.quota_bytes),
                quota_messages=(line.quota_messages, present.quota_messages),
                max_message_size=(line.max_message_size, present.max_message_size),
                disabled=(line.disabled, present.disabled),
            )
            return
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
        given = GivenLimits(line.quota_bytes, line.quota_messages, line.max_message_size)
        limits = given.or_else(load.default_limits(tx, address.domain))
        identity, limit, octets = self._ids.new(IdKind.ACCOUNT), line.mails_an_hour or 0, limits.octets or 0
        added = ApplicationAdded(identity, str(address), "", bool(line.receives), limit, octets)
        events = applications.add_application(holder, ours, added, limits.messages or 0)
        state = ApplicationState(identity, str(address), added.receives, False, limit, octets, limits.messages or 0)
        change = ApplicationChange(disabled=line.disabled, limits=limits)
        append(tx, f"account:{identity}", events + applications.change_application(state, change), provenance)

    def _senders(self, tx: Transaction, _prepared: PreparedLine, line: SendersLine, provenance: Provenance) -> None:
        account, chosen = account_of_lists(tx, line.address), sender_list(line.list)
        patterns = canonical_patterns(words_of(line.patterns, ","))
        put_on_list(tx, account, chosen, patterns, provenance)

    def _relay(self, tx: Transaction, _prepared: PreparedLine, line: RelayLine, provenance: Provenance) -> None:
        domain, name = own_domain(tx, line.domain)
        requested = RequestedRelay(
            line.preset,
            host=line.host,
            port=line.port,
            tls=line.tls if line.preset != "direct" else "",
            user=line.user,
            signatures=line.signatures,
            connections=line.connections,
            messages_per_minute=line.messages_per_minute,
            recipients_per_message=line.recipients_per_message,
            accepts_null_reverse_path=line.accepts_null_reverse_path,
        )
        relay, present = with_preset(domain, requested), sending_rows.relay_as_given(tx, domain)
        whose = name or "default"
        if present is not None:
            pairs = {field: (getattr(relay, field), getattr(present, field)) for field in _COMPARED}
            check_same(f"the relay of {whose}", **pairs)
        elif relay.user:
            raise DirectoryRefused(
                "invalid",
                f"{relay.host} wants the password of {relay.user}, which no file has: set it by hand, `mailfold relay "
                f"set {whose} {relay.preset} --host {relay.host} --user {relay.user}`",
            )
        else:
            append(tx, f"relay:{domain}", [relay], provenance)

    def _signature(self, tx: Transaction, _prepared: PreparedLine, line: SignatureLine, provenance: Provenance) -> None:
        request = SignatureRequest(signature_commands.as_signature(line.text, line.html))
        signature_commands.set_signature(tx, line.domain, request, provenance)

    def _field(self, tx: Transaction, _prepared: PreparedLine, line: FieldLine, provenance: Provenance) -> None:
        user = load.existing("user", line.user, load.user_id(tx, line.user))
        present = signature_commands.fields_of(tx, user)
        append(tx, f"user:{user}", signatures.set_field(user, line.name, line.value, present), provenance)


_COMPARED = tuple(field.name for field in msgspec.structs.fields(RelayLine) if field.name != "domain")
"""What a line says of a relay."""
