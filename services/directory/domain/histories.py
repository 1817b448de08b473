"""The history of an object of the directory, from the events of its stream: each change with what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.directory.domain.names import key_of, user_key
from services.directory.domain.state import DirectoryRefused
from shared.events.bulk import UserHashRenewed
from shared.events.credentials import ApplicationAdded, ApplicationRemoved, ApplicationRenamed
from shared.events.directory import (
    AccountAdded,
    AccountRemoved,
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasRemoved,
    DomainAdded,
    DomainAliased,
    DomainRemoved,
    DomainValueChanged,
    SettingChanged,
    UserAdded,
    UserRemoved,
)
from shared.events.lists import ListAdded, ListRemoved
from shared.eventstore.event import HIDDEN, Event, Recorded, secret_fields

Values = Mapping[str, Any]
_BEGINNINGS: Mapping[type[Event], Values] = {
    DomainAdded: {"disabled": False, "alias_of": ""},
    UserAdded: {"disabled": False},
    AccountAdded: {"disabled": False},
    AliasAdded: {"disabled": False, "ends_at": 0, "ended": False, "owners": ()},
    ApplicationAdded: {"disabled": False},
    ListAdded: {},
}
"""The events that begin an object, and the values that they do not name."""
_ENDS = (DomainRemoved, UserRemoved, AccountRemoved, AliasRemoved, ApplicationRemoved, ListRemoved)
_CHANGES: Mapping[type[Event], Callable[[Any], Values]] = {
    DomainAliased: lambda event: {"alias_of": event.domain},
    DomainValueChanged: lambda event: {f"value {event.name}": event.value},
    AliasEndChanged: lambda event: {"ends_at": event.ends_at, "ended": False},
    AliasEnded: lambda event: {"ended": True},
    SettingChanged: lambda event: {event.name: event.value},
    UserHashRenewed: lambda event: {},
    ApplicationRenamed: lambda event: {"address": event.address},
}
"""Events whose fields are not the values that they change."""
_UPKEEP = "dkim."
"""Events about the keys of a domain are shown in its history, but are no change of the domain."""
_NAMES: Mapping[type[Event], Callable[[Any], tuple[str, str]]] = {
    DomainAdded: lambda event: ("domain", event.name),
    UserAdded: lambda event: ("user", user_key(event.name)),
    AccountAdded: lambda event: ("account", key_of(event.address)),
    ApplicationAdded: lambda event: ("account", key_of(event.address)),
    ApplicationRenamed: lambda event: ("account", key_of(event.address)),
    ListAdded: lambda event: ("list", key_of(event.address)),
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

    def shown(self, values: Values) -> dict[str, str]:
        """Values as texts, without secrets."""
        secrets = secret_fields()
        return {name: HIDDEN if name in secrets and value else _text(value) for name, value in values.items()}


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
    whole: dict[str, Any] = {}
    steps, is_gone = [], False
    for recorded in stream:
        event = recorded.event
        after = {} if ends(event) else _after(event)
        before = dict(whole) if ends(event) else {name: whole[name] for name in after if name in whole}
        whole = {} if ends(event) or begins(event) else whole
        is_gone = (is_gone or ends(event)) and not begins(event)
        if not is_gone and not event.stored_name.startswith(_UPKEEP):
            whole = {**whole, **after}
        steps.append(HistoryStep(recorded, before, after, whole))
    return steps


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
    elif not step.after or not step.after.keys() <= step.whole.keys():
        raise DirectoryRefused("invalid", f"{event.stored_name} changes nothing that can be put back")
    elif any(now.get(name) != value for name, value in step.after.items()):
        raise DirectoryRefused("not-empty", "it was changed again since")
    return step


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
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
