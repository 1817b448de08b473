"""Takes back changes of applications, relays and lists of senders, and brings a removed domain back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.directory.domain import applications, domains, names
from services.directory.domain.applications import ApplicationChange, ApplicationState
from services.directory.domain.blocking import remove_entries, sender_list
from services.directory.domain.histories import HistoryStep
from services.directory.domain.state import DirectoryRefused, DomainState, GivenLimits
from services.directory.handlers import load
from services.directory.handlers.applications import shown_application
from services.directory.handlers.blocking import lists_of_patterns, put_on_list
from services.directory.handlers.commands import append
from services.directory.handlers.former_holders import has_changed_hands
from services.directory.handlers.histories import of_stream
from services.directory.handlers.reverting_memberships import Opposite
from services.directory.handlers.reverting_sharing import former_rule
from services.directory.handlers.sending import own_domain
from shared.events import credentials
from shared.events import sending as sending_events
from shared.events.account_limits import ApplicationQuotaChanged
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.directory import DomainAdded, DomainRemoved, DomainValueChanged
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction

_VALUE = "value "
_DELETED = "which is decrypted by no key any more"


class SendingOpposites:
    """The opposites, by the type of the event. `can_open` says whether the key of a sealed secret is there."""

    def __init__(self, can_open: Callable[[str], bool]) -> None:
        self._can_open = can_open
        self.opposites: Mapping[type[Event], Opposite] = {
            credentials.ApplicationRenamed: self._rename_application,
            credentials.ApplicationSwitched: self._change_application,
            credentials.ApplicationReceivingSwitched: self._change_application,
            credentials.ApplicationLimited: self._change_application,
            ApplicationQuotaChanged: self._change_application,
            sending_events.RelaySet: self._set_relay,
            sending_events.RelayRemoved: self._set_relay,
            BlockingEntriesAdded: self._remove_patterns,
            BlockingEntriesRemoved: self._put_patterns,
            DomainRemoved: self._add_domain,
        }

    def _rename_application(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, address = _application(tx, step), applications.application_address(step.before["address"])
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
        events = applications.rename_application(state, holder, ours, address)
        append(tx, step.recorded.stream, events, provenance)

    def _change_application(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        before = {name: value or 0 for name, value in step.differing.items()}
        change = ApplicationChange(
            bool(before["receives"]) if "receives" in before else None,
            bool(before["disabled"]) if "disabled" in before else None,
            before.get("mails_an_hour"),
            GivenLimits(before.get("quota_bytes"), before.get("quota_messages")),
        )
        events = applications.change_application(_application(tx, step), change)
        append(tx, step.recorded.stream, events, provenance)

    def _set_relay(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Set the relay that was there before, or remove one that was the first."""
        domain, _ = own_domain(tx, step.recorded.stream.partition(":")[2])
        if not step.before:
            append(tx, step.recorded.stream, [sending_events.RelayRemoved(domain)], provenance)
            return
        relay = sending_events.RelaySet(**{**step.before, "domain": domain})
        if relay.password and not self._can_open(relay.password):
            raise DirectoryRefused("invalid", f"{relay.host} had a password, {_DELETED}: `mailfold relay set` sets it")
        append(tx, step.recorded.stream, [relay], provenance)

    def _remove_patterns(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event = step.recorded.event
        if isinstance(event, BlockingEntriesAdded):
            present = lists_of_patterns(tx, event.account, event.patterns)
            left = [pattern for pattern in event.patterns if present.get(pattern) == event.list]
            if not left:
                raise DirectoryRefused("missing", "none of them is on the list any more")
            events = remove_entries(event.account, sender_list(event.list), left, present)
            append(tx, step.recorded.stream, events, provenance)

    def _put_patterns(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event = step.recorded.event
        if isinstance(event, BlockingEntriesRemoved):
            if event.account and load.account(tx, event.account) is None:
                raise DirectoryRefused("missing", "the account was removed since")
            present = lists_of_patterns(tx, event.account, event.patterns)
            absent = [pattern for pattern in event.patterns if pattern not in present]
            if not absent:
                raise DirectoryRefused("taken", "all of them are on a list again")
            put_on_list(tx, event.account, sender_list(event.list), absent, provenance)

    def _add_domain(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Bring a domain back under its own id, with its keys that were in use, its values and its relay."""
        before, identity = step.before, getattr(step.recorded.event, "id", "")
        name = names.domain_name(before["name"])
        steps = of_stream(tx, step.recorded.stream)
        earlier = [other for other in steps if other.recorded.position < step.recorded.position]
        keys, relay = self._keys(earlier), self._relay(tx, identity)
        events: list[Event] = [*domains.add_domain(load.domain(tx, name), identity, name, before["incoming"]), *keys]
        state = DomainState(identity, name, before["incoming"], False, 0, 0)
        events += domains.change_domain(state, None, before["disabled"])
        if before["alias_of"]:
            other = load.existing("domain", before["alias_of"], load.domain(tx, before["alias_of"]))
            events += domains.alias_domain(state, other)
        for value_name, value in before.items():
            if value_name.startswith(_VALUE) and value:
                _check_catch_all(tx, earlier, value_name, value)
                events.append(DomainValueChanged(identity, value_name.removeprefix(_VALUE), value, ""))
        events += former_rule(identity, before)
        append(tx, step.recorded.stream, events, provenance)
        append(tx, f"relay:{identity}", relay, provenance)

    def _keys(self, steps: Sequence[HistoryStep]) -> list[Event]:
        """The DKIM keys that a domain had, apart from those that signed no more. Raises DirectoryRefused."""
        keys: dict[str, sending_events.DkimKeyAdded] = {}
        former = set[str]()
        for step in steps:
            event = step.recorded.event
            match event:
                case DomainAdded():
                    keys, former = {}, set()
                case sending_events.DkimKeyAdded(id=key):
                    keys[key] = event
                case sending_events.DkimKeyActivated(id=key, replaced=replaced) if key in keys:
                    keys[key] = msgspec.structs.replace(keys[key], signs=True)
                    former |= set(replaced)
                case sending_events.DkimKeyRetired(id=key):
                    keys.pop(key, None)
                case sending_events.DkimKeyResealed(id=key, private_key=sealed) if key in keys:
                    keys[key] = msgspec.structs.replace(keys[key], private_key=sealed)
        kept = [key for identity, key in keys.items() if identity not in former]
        if any(not self._can_open(key.private_key) for key in kept):
            raise DirectoryRefused("invalid", f"the domain had a DKIM key, {_DELETED}: add the domain again")
        return list(kept)

    def _relay(self, tx: Transaction, domain: str) -> list[Event]:
        """The relay that a domain had. Raises DirectoryRefused."""
        steps = of_stream(tx, f"relay:{domain}")
        if not steps or not steps[-1].whole:
            return []
        relay = sending_events.RelaySet(**steps[-1].whole)
        if relay.password and not self._can_open(relay.password):
            raise DirectoryRefused("invalid", f"its relay had a password, {_DELETED}: add the domain again")
        return [relay]


def _check_catch_all(tx: Transaction, steps: Sequence[HistoryStep], name: str, value: str) -> None:
    """Check that a catch-all would lead to the accounts to which it led. Raises DirectoryRefused."""
    if name != f"{_VALUE}catch_all":
        return
    given_at = next((step.recorded.position for step in reversed(steps) if name in step.after), 0)
    for target in value.split():
        if not load.holder_of(tx, names.parsed_address(target)) or has_changed_hands(tx, target, given_at):
            raise DirectoryRefused("missing", f"its catch-all led to {target}, which was removed since: add it again")


def _application(tx: Transaction, step: HistoryStep) -> ApplicationState:
    return shown_application(tx, step.recorded.stream.partition(":")[2])
