"""What an import does with lines about groups, mailing lists, their members, and grants to send as an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.directory.domain import groups, lists, names, send_as
from services.directory.domain import moderators as moderators_of_lists
from services.directory.domain.bulk_lines import PreparedLine, words_of
from services.directory.domain.line_kinds import GrantLine, GroupLine, ListLine, MembersLine
from services.directory.domain.lists import ListChanges, ListState
from services.directory.domain.moderators import ModerationChanges, ModerationState
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import list_rows, load, load_groups, moderation_rows
from services.directory.handlers import send_as as send_as_commands
from services.directory.handlers.commands import append, user_id
from services.directory.handlers.groups import users_named
from services.directory.handlers.lists import ListCommands, holder_of_list
from services.directory.handlers.present_objects import LineDecision, check_same
from shared.events.lists import JoinedMember, ListMemberSwitched
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address
from shared.routing.known_groups import GROUP_TARGET


class MembershipLines:
    """Decides on these lines."""

    def __init__(self, list_commands: ListCommands, ids: Ids) -> None:
        self._lists = list_commands
        self._ids = ids
        self.kinds: Mapping[type, LineDecision] = {
            GroupLine: self._group,
            ListLine: self._list,
            MembersLine: self._members,
            GrantLine: self._grant,
        }

    def _group(self, tx: Transaction, _prepared: PreparedLine, line: GroupLine, provenance: Provenance) -> None:
        name, words = names.group_name(line.name), words_of(line.members, ",")
        users = users_named(tx, words) if words else []
        present = load_groups.group(tx, name)
        if present is not None:
            members = {user.id for user in users} if users else None
            check_same(f"the group {name}", members=(members, set(present.members)))
            return
        identity = self._ids.new(IdKind.GROUP)
        append(tx, f"group:{identity}", groups.add_group(None, identity, name, users), provenance)

    def _list(self, tx: Transaction, _prepared: PreparedLine, line: ListLine, provenance: Provenance) -> None:
        address, words = names.account_address(line.address), words_of(line.owners, ",")
        owners = self._lists.known_addresses(tx, words[: lists.OWNERS_LIMIT + 1])
        moderators = words_of(line.moderators, ",")[: moderators_of_lists.MODERATORS_LIMIT + 1]
        known = tuple(map(str, self._lists.known_addresses(tx, moderators))) or None
        present = list_rows.list_at(tx, lookup_key(address))
        if present is not None:
            check_same(
                f"the list {address}",
                owners=(set(map(lookup_key, owners)) or None, set(map(names.key_of, present.owners))),
                description=(line.description.strip() or None, present.description),
                members_only=(line.members_only, present.members_only),
                skip_recipients=(line.skip_recipients, present.skip_recipients),
                rewrite_author=(line.rewrite_author, present.rewrite_author),
                disabled=(line.disabled, present.disabled),
            )
            _check_same_moderation(moderation_rows.moderation(tx, present.id), line, known)
            return
        changes = ListChanges(None, None, line.members_only, line.skip_recipients, line.rewrite_author, line.disabled)
        moderation = ModerationChanges(line.moderate or None, line.most_posts, line.most_bytes, line.days), known
        self.add_list(tx, address, owners, line.description.strip(), changes, moderation, provenance)

    def add_list(
        self,
        tx: Transaction,
        address: Address,
        owners: tuple[Address, ...],
        description: str,
        changes: ListChanges,
        moderation: tuple[ModerationChanges, Sequence[str] | None],
        provenance: Provenance,
    ) -> ListState:
        """Add a list with its switches and moderators; returns it. Raises DirectoryRefused."""
        identity, ours = self._ids.new(IdKind.LIST), load.has_domain(tx, address.domain)
        events = lists.add_list(holder_of_list(tx, address), ours, identity, address, owners, description)
        events += lists.change_list(ListState(identity, str(address), (), description), changes)
        events += moderators_of_lists.set_moderation(ModerationState(identity), *moderation)
        append(tx, f"list:{identity}", events, provenance)
        return list_rows.mailing_list(tx, identity)

    def _members(self, tx: Transaction, _prepared: PreparedLine, line: MembersLine, provenance: Provenance) -> None:
        state, words = list_rows.mailing_list(tx, line.list), words_of(line.members, ",")
        if not 0 < len(words) <= lists.JOIN_LIMIT:
            raise DirectoryRefused("invalid", f"a line has 1 to {lists.JOIN_LIMIT} members of a list")
        self.join_those(tx, state.id, dict.fromkeys(words, line.paused), provenance)

    def join_those(
        self, tx: Transaction, identity: str, texts: Mapping[str, bool | None], provenance: Provenance
    ) -> None:
        """Add those who are no members of a list yet, each with whether it is paused. Raises DirectoryRefused."""
        state = list_rows.mailing_list(tx, identity)
        by_key = self._lists.joining(tx, state, list(texts))
        paused = {list_rows.member_key(tx, text): is_paused for text, is_paused in texts.items()}
        for member in list_rows.members_at(tx, state.id, list(by_key)):
            key = f"{GROUP_TARGET}{member.group}" if member.group else names.key_of(member.address)
            check_same(f"the member {member.address} of {state.address}", paused=(paused.get(key), member.paused))
            del by_key[key]
        identities = sorted(self._ids.new(IdKind.LIST_MEMBER) for _ in by_key)
        joined = {
            key: JoinedMember(member, address)
            for member, (key, address) in zip(identities, by_key.items(), strict=True)
        }
        events: list[Event] = lists.join(state, list(joined.values()))
        events += [ListMemberSwitched(state.id, member.id, True) for key, member in joined.items() if paused.get(key)]
        append(tx, f"list:{state.id}", events, provenance)

    def known_addresses(self, tx: Transaction, texts: Sequence[str]) -> tuple[Address, ...]:
        """The canonical addresses. Raises DirectoryRefused for one that is ours and does not exist."""
        return self._lists.known_addresses(tx, texts)

    def _grant(self, tx: Transaction, _prepared: PreparedLine, line: GrantLine, provenance: Provenance) -> None:
        user, account = user_id(tx, line.user), send_as_commands.granted_account(tx, line.address)
        present = send_as_commands.accounts_granted(tx, user)
        append(tx, f"user:{user}", send_as.grant(user, account, present), provenance)


def _check_same_moderation(present: ModerationState, line: ListLine, moderators: Sequence[str] | None) -> None:
    """Check that a line says of a list how it is moderated. Raises DirectoryRefused."""
    check_same(
        f"the list {line.address}",
        moderate=(line.moderate or None, present.moderate.value),
        moderators=(moderators, present.moderators),
        most_posts=(line.most_posts, present.most_posts),
        most_bytes=(line.most_bytes, present.most_bytes),
        days=(line.days, present.days),
    )
