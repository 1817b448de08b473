"""Takes back changes of groups, mailing lists, their members, and grants: the opposites of their events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.directory.domain import groups, lists, names, send_as, signatures
from services.directory.domain.element_changes import MEMBERS, PAUSED
from services.directory.domain.groups import GroupState
from services.directory.domain.histories import HistoryStep
from services.directory.domain.lists import ListChanges, ListState
from services.directory.domain.moderators import ModerationChanges, ModerationState, set_moderation
from services.directory.domain.profiles import ProfileRequest, change_profile
from services.directory.domain.state import DirectoryRefused, UserState
from services.directory.handlers import ldap_rows, list_rows, load, load_groups
from services.directory.handlers import send_as as send_as_commands
from services.directory.handlers import signatures as signature_commands
from services.directory.handlers.bulk_memberships import MembershipLines
from services.directory.handlers.commands import append
from services.directory.handlers.former_holders import has_changed_hands
from services.directory.handlers.histories import of_stream
from services.directory.handlers.moderation_rows import moderation
from shared.events import groups as group_events
from shared.events import lists as list_events
from shared.events import send_as as send_as_events
from shared.events.moderation import ListModerationSet, ListModeratorsChanged
from shared.events.signatures import UserFieldChanged
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.routing.known_groups import group_of

Opposite = Callable[[Transaction, HistoryStep, Provenance], None]
_MODERATION = tuple(field.name for field in msgspec.structs.fields(ModerationChanges))
_SWITCHES = tuple(field.name for field in msgspec.structs.fields(ListChanges) if field.name != "owners")


class MembershipOpposites:
    """The opposites, by the type of the event."""

    def __init__(self, memberships: MembershipLines, ids: Ids) -> None:
        self._memberships = memberships
        self._ids = ids
        self.opposites: Mapping[type[Event], Opposite] = {
            group_events.GroupAdded: self._remove_group,
            group_events.GroupRenamed: self._rename_group,
            group_events.GroupJoined: self._leave_group,
            group_events.GroupLeft: self._join_group,
            group_events.GroupRemoved: self._add_group,
            group_events.UserProfileChanged: self._change_profile,
            UserFieldChanged: self._set_field,
            list_events.ListAdded: self._remove_list,
            list_events.ListChanged: self._change_list,
            list_events.ListOwnersChanged: self._change_owners,
            ListModerationSet: self._set_moderation,
            ListModeratorsChanged: self._set_moderators,
            list_events.ListMembersJoined: self._leave_list,
            list_events.ListMembersLeft: self._join_list,
            list_events.ListMemberSwitched: self._switch_member,
            list_events.ListRemoved: self._add_list,
            send_as_events.SendAsGranted: self._revoke,
            send_as_events.SendAsRevoked: self._grant,
        }

    def _remove_group(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        group = _group(tx, step)
        append(tx, step.recorded.stream, groups.remove_group(group), provenance)

    def _rename_group(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        group, name = _group(tx, step), step.before["name"]
        events = groups.rename_group(group, load_groups.group(tx, name), name)
        append(tx, step.recorded.stream, events, provenance)

    def _leave_group(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        group, user = _group(tx, step), getattr(step.recorded.event, "user", "")
        append(tx, step.recorded.stream, groups.leave_group(group, [_user(tx, user)]), provenance)

    def _join_group(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        group, user = _group(tx, step), _user(tx, getattr(step.recorded.event, "user", ""))
        events = groups.join_group(group, [user])
        if not events:
            raise DirectoryRefused("taken", f"{user.name} is a member of {group.name} again")
        append(tx, step.recorded.stream, events, provenance)

    def _add_group(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Add a removed group again, with those of its members who exist; under a new id."""
        identity, name = self._ids.new(IdKind.GROUP), step.before["name"]
        known = [load.user(tx, user) for what, user in step.elements if what == MEMBERS]
        users = [user for user in known if user is not None]
        events = groups.add_group(load_groups.group(tx, name), identity, name, users)
        append(tx, f"group:{identity}", events, provenance)

    def _change_profile(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        user = load_groups.whole_user(tx, getattr(step.recorded.event, "id", ""))
        request = ProfileRequest(**{name: value or "" for name, value in step.differing.items()})
        append(tx, step.recorded.stream, change_profile(user, request, bool), provenance)

    def _set_field(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event = step.recorded.event
        if isinstance(event, UserFieldChanged):
            present = signature_commands.fields_of(tx, event.id)
            events = signatures.set_field(event.id, event.name, event.previous, present)
            append(tx, step.recorded.stream, events, provenance)

    def _remove_list(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        append(tx, step.recorded.stream, lists.remove_list(_list(tx, step)), provenance)

    def _change_list(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        changes = ListChanges(**{name: step.differing.get(name) for name in _SWITCHES})
        append(tx, step.recorded.stream, lists.change_list(_list(tx, step), changes), provenance)

    def _change_owners(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, owners = _list(tx, step), step.before["owners"]
        given_at = value_given_at(tx, step, "owners")
        for owner in owners:
            if has_changed_hands(tx, owner, given_at):
                raise DirectoryRefused("missing", f"the owner {owner} was removed since: name the owners anew")
        changes = ListChanges(self._memberships.known_addresses(tx, owners))
        append(tx, step.recorded.stream, lists.change_list(state, changes), provenance)

    def _set_moderation(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, default = _list(tx, step), ModerationState("")
        before = {name: getattr(default, name) if value is None else value for name, value in step.differing.items()}
        events = set_moderation(moderation(tx, state.id), ModerationChanges(**before), None)
        append(tx, step.recorded.stream, events, provenance)

    def _set_moderators(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, before = _list(tx, step), step.before.get("moderators", ())
        moderators = self._moderators(tx, step, before)
        if len(moderators) < len(before):
            raise DirectoryRefused("missing", "one of the moderators was removed since: name the moderators anew")
        events = set_moderation(moderation(tx, state.id), ModerationChanges(), moderators)
        append(tx, step.recorded.stream, events, provenance)

    def _moderators(self, tx: Transaction, step: HistoryStep, moderators: Sequence[str]) -> list[str]:
        """Those of some former moderators whose addresses are still theirs. Raises DirectoryRefused."""
        given_at = value_given_at(tx, step, "moderators")
        kept = [address for address in moderators if not has_changed_hands(tx, address, given_at)]
        return list(map(str, self._memberships.known_addresses(tx, kept)))

    def _leave_list(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, event = _list(tx, step), step.recorded.event
        joined = event.members if isinstance(event, list_events.ListMembersJoined) else ()
        known = [list_rows.member(tx, state.id, member.id) for member in joined]
        events = lists.leave(state, [member for member in known if member is not None])
        if not events:
            raise DirectoryRefused("missing", f"none of them is a member of {state.address} any more")
        append(tx, step.recorded.stream, events, provenance)

    def _join_list(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Let members who left join again, unless somebody else has their address now."""
        state = _list(tx, step)
        self._join(tx, state, [(address, False) for address in step.before.get(MEMBERS, ())], step, provenance)

    def _join(
        self,
        tx: Transaction,
        state: ListState,
        members: list[tuple[str, bool]],
        step: HistoryStep,
        provenance: Provenance,
    ) -> None:
        since = step.recorded.position
        kept = {address: paused for address, paused in members if not _is_another(tx, address, since)}
        for first in range(0, len(kept), lists.JOIN_LIMIT):
            some = list(kept)[first : first + lists.JOIN_LIMIT]
            self._memberships.join_those(tx, state.id, {address: kept[address] for address in some}, provenance)
        if members and not kept:
            raise DirectoryRefused("missing", "the addresses of all of them were removed since")

    def _switch_member(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        state, event = _list(tx, step), step.recorded.event
        if isinstance(event, list_events.ListMemberSwitched):
            member = list_rows.existing_member(tx, state, event.member)
            if member.paused != event.paused:
                raise DirectoryRefused("not-empty", "it was changed again since")
            append(tx, step.recorded.stream, lists.switch_member(state, member, paused=not event.paused), provenance)

    def _add_list(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Add a removed list again, under a new id, with the owners and members whose addresses are still theirs."""
        before, steps = step.before, of_stream(tx, step.recorded.stream)
        given_at = next((other.recorded.position for other in reversed(steps) if "owners" in other.after), 0)
        owners = [owner for owner in before["owners"] if not has_changed_hands(tx, owner, given_at)]
        members = {
            text: (PAUSED, identity) in step.elements
            for (what, identity), (text, since) in step.elements.items()
            if what == MEMBERS and not _is_another(tx, text, since)
        }
        self._memberships.known_addresses(tx, [text for text in members if not group_of(text)])
        known = self._memberships.known_addresses(tx, owners)
        changes = ListChanges(**{name: before.get(name) for name in _SWITCHES})
        address = names.account_address(before["address"])
        moderators = self._moderators(tx, step, before.get("moderators", ()))
        held = ModerationChanges(**{name: before.get(name) for name in _MODERATION}), moderators or None
        state = self._memberships.add_list(tx, address, known, before["description"], changes, held, provenance)
        for first in range(0, len(members), lists.JOIN_LIMIT):
            some = list(members)[first : first + lists.JOIN_LIMIT]
            self._memberships.join_those(tx, state.id, {text: members[text] for text in some}, provenance)

    def _revoke(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event = step.recorded.event
        if isinstance(event, send_as_events.SendAsGranted):
            present = send_as_commands.accounts_granted(tx, event.user)
            if event.account not in present:
                raise DirectoryRefused("missing", "the user has this right no more")
            account = send_as_commands.granted_account(tx, event.account)
            append(tx, step.recorded.stream, send_as.revoke(event.user, account, present), provenance)

    def _grant(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event = step.recorded.event
        if isinstance(event, send_as_events.SendAsRevoked):
            present = send_as_commands.accounts_granted(tx, _user(tx, event.user).id)
            account = send_as_commands.granted_account(tx, event.account)
            events = send_as.grant(event.user, account, present)
            if not events:
                raise DirectoryRefused("taken", "the user has this right again")
            append(tx, step.recorded.stream, events, provenance)


def _group(tx: Transaction, step: HistoryStep) -> GroupState:
    """The group of a change, unless a directory elsewhere decides on it. Raises DirectoryRefused."""
    identity = step.recorded.stream.partition(":")[2]
    group = load.existing("group", identity, load_groups.group(tx, identity))
    ldap_rows.check_not_followed(tx, group.id, group.name)
    return group


def _list(tx: Transaction, step: HistoryStep) -> ListState:
    return list_rows.mailing_list(tx, step.recorded.stream.partition(":")[2])


def _user(tx: Transaction, identity: str) -> UserState:
    return load.existing("user", identity, load.user(tx, identity))


def _is_another(tx: Transaction, member: str, since: int) -> bool:
    """Whether a member would be somebody else now: the address has changed hands, or the group is gone."""
    group = group_of(member)
    if group:
        return load_groups.group(tx, group) is None
    return has_changed_hands(tx, member, since)


def value_given_at(tx: Transaction, step: HistoryStep, name: str) -> int:
    """The number of the event that gave a value which a change replaced."""
    earlier = [other for other in of_stream(tx, step.recorded.stream) if name in other.after]
    numbers = [other.recorded.position for other in earlier if other.recorded.position < step.recorded.position]
    return numbers[-1] if numbers else 0
