"""The history of an object of the directory, from the events of its stream: each change with what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.directory.domain.element_changes import ElementTrack, element_change
from services.directory.domain.names import key_of, user_key
from services.directory.domain.state import DirectoryRefused
from shared.events.account_limits import ApplicationQuotaChanged
from shared.events.all_mail import AccountAllMailChanged
from shared.events.bulk import UserHashRenewed
from shared.events.credentials import ApplicationAdded, ApplicationRemoved, ApplicationRenamed
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountRemoved,
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasRemoved,
    DomainAdded,
    DomainAliased,
    DomainChanged,
    DomainRemoved,
    DomainValueChanged,
    SettingChanged,
    UserAdded,
    UserRemoved,
)
from shared.events.groups import GroupAdded, GroupRemoved, GroupRenamed, UserProfileChanged
from shared.events.lists import JoinedMember, ListAdded, ListChanged, ListMemberBounced, ListRemoved
from shared.events.moderation import ListModerationSet
from shared.events.pop3 import AccountPop3Changed
from shared.events.quota import QuotaEased, QuotaNotified, QuotaWarned
from shared.events.rights import RightRefused
from shared.events.sending import RelayPasswordResealed, RelayRemoved, RelaySet
from shared.events.sharing import SharingRuleChanged
from shared.events.signatures import UserFieldChanged
from shared.eventstore.event import HIDDEN, Event, Recorded, secret_fields

Values = Mapping[str, Any]
_BEGINNINGS: Mapping[type[Event], Values] = {
    DomainAdded: {"disabled": False, "alias_of": ""},
    UserAdded: {"disabled": False},
    AccountAdded: {"disabled": False},
    AliasAdded: {"disabled": False, "ends_at": 0, "ended": False, "owners": ()},
    ApplicationAdded: {"disabled": False},
    GroupAdded: {},
    ListAdded: {"members_only": True, "skip_recipients": False, "rewrite_author": False, "disabled": False},
    RelaySet: {},
}
"""The events that begin an object, and the values that they do not name."""
_ENDS = (
    *(DomainRemoved, UserRemoved, AccountRemoved, AliasRemoved, ApplicationRemoved, ListRemoved),
    *(GroupRemoved, RelayRemoved),
)
_CHANGES: Mapping[type[Event], Callable[[Any], Values]] = {
    DomainAliased: lambda event: {"alias_of": event.domain},
    DomainValueChanged: lambda event: {f"value {event.name}": event.value},
    AliasEndChanged: lambda event: {"ends_at": event.ends_at, "ended": False},
    AliasEnded: lambda event: {"ended": True},
    SettingChanged: lambda event: {event.name: event.value},
    UserFieldChanged: lambda event: {f"field {event.name}": event.value},
    UserHashRenewed: lambda event: {},
    ApplicationRenamed: lambda event: {"address": event.address},
    GroupRenamed: lambda event: {"name": event.name},
    AccountAllMailChanged: lambda event: {"all_mail": event.value},
    AccountPop3Changed: lambda event: {"pop3": event.value},
    SharingRuleChanged: lambda event: {
        "sharing": event.visible,
        "sharing_domains": event.domains,
        "sharing_anyone": event.anyone,
    },
}
"""Events whose fields are not the values that they change."""
_UPKEEP = "dkim."
"""Events about the keys of a domain are shown in its history, but are no change of the domain."""
_NO_CHANGES = (RightRefused, QuotaWarned, QuotaEased, QuotaNotified, ListMemberBounced, RelayPasswordResealed)
"""Further events that are shown, and change nothing that people gave."""
_WITH_ALL_VALUES = (
    DomainChanged,
    AccountChanged,
    ApplicationQuotaChanged,
    ListChanged,
    ListModerationSet,
    UserProfileChanged,
    SharingRuleChanged,
)
"""Events that have values which they do not change."""
_MARK = "elements"
"""The value that stands for all elements of an object."""
_NAMES: Mapping[type[Event], Callable[[Any], tuple[str, str]]] = {
    DomainAdded: lambda event: ("domain", event.name),
    UserAdded: lambda event: ("user", user_key(event.name)),
    AccountAdded: lambda event: ("account", key_of(event.address)),
    ApplicationAdded: lambda event: ("account", key_of(event.address)),
    ApplicationRenamed: lambda event: ("account", key_of(event.address)),
    ListAdded: lambda event: ("list", key_of(event.address)),
    GroupAdded: lambda event: ("group", user_key(event.name)),
    GroupRenamed: lambda event: ("group", user_key(event.name)),
}
"""The kind and key under which the stream of an object is found, after it was removed too."""


class HistoryStep(msgspec.Struct, frozen=True):
    """One change of an object."""

    recorded: Recorded
    before: Values
    """The values that it changed, as they were; what it removed."""
    after: Values
    """The values that it gave."""
    whole: Values
    """All values after it; empty when the object is gone."""
    elements: Mapping[tuple[str, str], tuple[str, int]] = {}
    """For the end of an object: its elements, as `ElementTrack` has them."""

    def shown(self, values: Values) -> dict[str, str]:
        """Values as texts, without secrets."""
        secrets = secret_fields()
        return {name: HIDDEN if name in secrets and value else _text(value) for name, value in values.items()}

    @property
    def differing(self) -> Values:
        """The values before it, of those that it made others; None for one that was not there."""
        before = {name: self.before.get(name) for name in self.after}
        return {name: value for name, value in before.items() if value != self.after[name]}


def name_of(event: Event) -> tuple[str, str] | None:
    """The kind and key of the object that an event begins or renames; None for other events."""
    name = _NAMES.get(type(event))
    return None if name is None else name(event)


def begins(event: Event) -> bool:
    """Whether an event begins an object."""
    return type(event) in _BEGINNINGS


def ends(event: Event) -> bool:
    """Whether an event ends an object."""
    return isinstance(event, _ENDS)


def steps_of(stream: Iterable[Recorded]) -> list[HistoryStep]:
    """The history from all events of a stream, in order."""
    recorded = list(stream)
    folding = _Folding(_present_secrets(recorded))
    return [folding.step(entry) for entry in recorded]


class _Folding:
    """Follows an object from event to event."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._whole: dict[str, Any] = {}
        self._is_gone = False
        self._elements = ElementTrack()

    def step(self, recorded: Recorded) -> HistoryStep:
        """The step of the next event."""
        event = recorded.event
        change = element_change(event)
        if change is not None:
            removed, added = self._elements.apply(change, recorded.position)
            if not self._is_gone:
                self._whole = {**self._whole, _MARK: self._elements.mark}
            before, after = ({change.what: texts} if texts else {} for texts in (removed, added))
            return HistoryStep(recorded, before, after, self._whole)
        return self._end(recorded) if ends(event) else self._value_step(recorded)

    def _end(self, recorded: Recorded) -> HistoryStep:
        elements = dict(self._elements.present)
        before = {name: value for name, value in self._whole.items() if name != _MARK}
        for (what, _), (text, _) in elements.items():
            before[what] = (*before.get(what, ()), text)
        self._whole, self._is_gone = {}, True
        self._elements.clear()
        return HistoryStep(recorded, before, {}, {}, elements)

    def _value_step(self, recorded: Recorded) -> HistoryStep:
        event, whole = recorded.event, self._whole
        after = _after(event)
        if isinstance(event, RelaySet):
            after = {**after, "password": self._secrets.get(event.password, event.password)}
        before = {name: whole[name] for name in after if name in whole}
        if begins(event):
            whole, self._is_gone = {}, False
            self._elements.clear()
        if not self._is_gone and not event.stored_name.startswith(_UPKEEP) and not isinstance(event, _NO_CHANGES):
            whole = {**whole, **after}
        self._whole = whole
        return HistoryStep(recorded, before, after, whole)


def _present_secrets(stream: Sequence[Recorded]) -> Mapping[str, str]:
    """The sealed passwords of a relay as they were sealed last, by each of their earlier forms."""
    last: dict[str, str] = {}
    sealed = ""
    for recorded in stream:
        event = recorded.event
        if isinstance(event, RelaySet):
            sealed = event.password
        elif isinstance(event, RelayPasswordResealed) and sealed:
            last = {form: event.password if now == sealed else now for form, now in last.items()}
            last[sealed] = event.password
            sealed = event.password
    return last


def check_still_fits(steps: Sequence[HistoryStep], place: int) -> HistoryStep:
    """The change at a place of a history, if what it made is still so. Raises DirectoryRefused.

    An object can be taken away only as the command that added it left it.
    """
    step, later, now = steps[place], steps[place + 1 :], steps[-1].whole
    event = step.recorded.event
    if any(ends(further.recorded.event) for further in later) or (not now and not ends(event)):
        raise DirectoryRefused("missing", "it was removed since")
    if ends(event):
        if now:
            raise DirectoryRefused("taken", "there is another of this name now")
    elif begins(event):
        if _as_left(steps, place) != now:
            raise DirectoryRefused("not-empty", f"it was changed since: revert {later[-1].recorded.position} first")
    elif element_change(event) is not None:
        pass  # whether they are still so is a question for the tables
    elif not step.differing or not step.after.keys() <= step.whole.keys():
        raise DirectoryRefused("invalid", f"{event.stored_name} changes nothing that can be put back")
    elif any(now.get(name) != step.after[name] for name in _decided(step)):
        raise DirectoryRefused("not-empty", "it was changed again since")
    return step


def _decided(step: HistoryStep) -> Values:
    """The values that a change was about, among those that its event has."""
    return step.differing if isinstance(step.recorded.event, _WITH_ALL_VALUES) else step.after


def _as_left(steps: Sequence[HistoryStep], place: int) -> Values:
    """All values as the command of a change left them."""
    command = steps[place].recorded.provenance.command
    left = steps[place].whole
    for step in steps[place + 1 :]:
        if not command or step.recorded.provenance.command != command:
            break
        left = step.whole
    return left


def _after(event: Event) -> Values:
    special = _CHANGES.get(type(event))
    if special is not None:
        return special(event)
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "id"}
    return {**_BEGINNINGS.get(type(event), {}), **fields}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, JoinedMember):
        return value.address
    return ", ".join(map(_text, value)) if isinstance(value, tuple | list) else str(value)
