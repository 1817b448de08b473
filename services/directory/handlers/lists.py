"""Commands on mailing lists: each method is the body of a unit of work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.directory.domain import lists, names
from services.directory.domain.lists import Bounce, ListChanges, ListState, Membership, MemberState
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import list_rows, load, load_groups
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import append
from services.directory.handlers.posters import Poster, PosterKeys
from shared.clock import Clock
from shared.events.lists import JoinedMember
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.routing.known_groups import group_of

_DAY = 86_400_000_000


class ListCommands:
    """The commands."""

    def __init__(self, current: CurrentBook, clock: Clock, ids: Ids) -> None:
        self._current = current
        self._clock = clock
        self._ids = ids
        self._posters = PosterKeys(current)

    def add(
        self, tx: Transaction, text: str, owners: Sequence[str], description: str, provenance: Provenance
    ) -> ListState:
        """Add a list."""
        address = names.account_address(text)
        if not tx.answered(provenance.command):
            identity, holder = self._ids.new(IdKind.LIST), holder_of_list(tx, address)
            ours, known = load.has_domain(tx, address.domain), self.known_addresses(tx, owners)
            append(
                tx,
                f"list:{identity}",
                lists.add_list(holder, ours, identity, address, known, description.strip()),
                provenance,
            )
        return list_rows.mailing_list(tx, str(address))

    def change(
        self,
        tx: Transaction,
        name: str,
        owners: Sequence[str] | None,
        changes: ListChanges,
        provenance: Provenance,
    ) -> ListState:
        """Change a list; no event is written when nothing changes."""
        state = list_rows.mailing_list(tx, name)
        if owners is not None:
            changes = ListChanges(
                self.known_addresses(tx, owners),
                changes.description,
                changes.members_only,
                changes.skip_recipients,
                changes.rewrite_author,
                changes.disabled,
            )
        append(tx, f"list:{state.id}", lists.change_list(state, changes), provenance)
        return list_rows.mailing_list(tx, state.id)

    def remove(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a list; returns its address."""
        if tx.answered(provenance.command):
            return name
        state = list_rows.mailing_list(tx, name)
        append(tx, f"list:{state.id}", lists.remove_list(state), provenance)
        return state.address

    def join(self, tx: Transaction, name: str, texts: Sequence[str], provenance: Provenance) -> list[str]:
        """Add members; returns those that were none."""
        state = list_rows.mailing_list(tx, name)
        if answered := tx.answered(provenance.command):
            joined = [member.address for recorded in answered for member in getattr(recorded.event, "members", ())]
            return list(load_groups.with_group_names(tx, joined))
        if len(texts) > lists.JOIN_LIMIT:
            raise DirectoryRefused("invalid", f"at most {lists.JOIN_LIMIT} members join at once")
        by_key = self.joining(tx, state, texts)
        present = list_rows.member_keys(tx, state.id, list(by_key))
        joining = [address for key, address in by_key.items() if key not in present]
        identities = sorted(self._ids.new(IdKind.LIST_MEMBER) for _ in joining)  # pages are in the order of joining
        new = [JoinedMember(identity, address) for identity, address in zip(identities, joining, strict=True)]
        append(tx, f"list:{state.id}", lists.join(state, new), provenance)
        return list(load_groups.with_group_names(tx, [member.address for member in new]))

    def joining(self, tx: Transaction, state: ListState, texts: Sequence[str]) -> dict[str, str]:
        """The addresses, and groups by id, that may be members of a list, by their keys. Raises DirectoryRefused."""
        groups = dict.fromkeys(list_rows.member_key(tx, text) for text in texts if group_of(text.strip()))
        addresses = self.known_addresses(tx, [text for text in texts if not group_of(text.strip())])
        by_key = {lookup_key(address): str(address) for address in addresses}
        self._check_loops(tx, state, by_key)
        return by_key | {key: key for key in groups}

    def leave(self, tx: Transaction, name: str, texts: Sequence[str], provenance: Provenance) -> list[str]:
        """Remove members; returns their addresses. Who is no member is left out."""
        state = list_rows.mailing_list(tx, name)
        if len(texts) > lists.JOIN_LIMIT:
            raise DirectoryRefused("invalid", f"at most {lists.JOIN_LIMIT} members leave at once")
        known = [list_rows.member(tx, state.id, text) for text in dict.fromkeys(texts)]
        return self._leave(tx, state, [member for member in known if member is not None], provenance)

    def leave_by_mail(self, tx: Transaction, name: str, poster: Poster, provenance: Provenance) -> list[str]:
        """Remove the members that the proven author of a message is; returns their addresses."""
        state = list_rows.mailing_list(tx, name)
        known = list_rows.members_with(tx, state.id, self._posters.keys_of(tx, poster))
        return self._leave(tx, state, known, provenance)

    def switch(self, tx: Transaction, name: str, member: str, *, paused: bool, provenance: Provenance) -> MemberState:
        """Pause a member, or send posts to it again and forget its bounces."""
        state = list_rows.mailing_list(tx, name)
        known = list_rows.existing_member(tx, state, member)
        append(tx, f"list:{state.id}", lists.switch_member(state, known, paused=paused), provenance)
        return list_rows.existing_member(tx, state, known.id)

    def count_bounce(
        self, tx: Transaction, name: str, member: str, status: str, queue_id: str, provenance: Provenance
    ) -> tuple[bool, bool]:
        """Count a bounce; returns whether it counts and whether the member is paused now."""
        state = list_rows.mailing_list(tx, name)
        known = list_rows.member(tx, state.id, member)
        if known is None:
            return False, False
        bounce = Bounce(status, queue_id, self._clock.now() // _DAY)
        events = lists.count_bounce(state, known, bounce)
        append(tx, f"list:{state.id}", events, provenance)
        return bool(events), known.paused or len(events) > 1

    def may_post(self, reader: Reader, name: str, poster: Poster) -> Membership:
        """What a proven author may do with a list."""
        state = list_rows.mailing_list(reader, name)
        own = self._posters.keys_of(reader, poster)
        keys = own | self._posters.group_keys_of(reader, poster)
        is_member = any(
            list_rows.members_with(reader, identity, keys) for identity in list_rows.nested_lists(reader, state.id)
        )
        may_leave = is_member and bool(list_rows.members_with(reader, state.id, own))
        return Membership(is_member or not state.members_only, is_member, may_leave)

    def _leave(
        self, tx: Transaction, state: ListState, known: Sequence[MemberState], provenance: Provenance
    ) -> list[str]:
        events: list[Event] = lists.leave(state, known)
        append(tx, f"list:{state.id}", events, provenance)
        return [member.address for member in known]

    def known_addresses(self, tx: Transaction, texts: Sequence[str]) -> tuple[Address, ...]:
        """The canonical addresses, without repeats. Raises DirectoryRefused for one that is ours and does not exist."""
        addresses = [self._current.canonical(address) for address in names.addresses(texts)]
        for address in addresses:
            if not self._is_known(tx, address):
                raise DirectoryRefused(
                    "missing", f"there is no {address} here: `mailfold account add {address} --user NAME` first"
                )
        return tuple({lookup_key(address): address for address in addresses}.values())

    def _is_known(self, tx: Transaction, address: Address) -> bool:
        if not load.has_domain(tx, address.domain):
            return True
        if load.holder_of(tx, address) or load.holder_of(tx, without_subaddress(address)[0]):
            return True
        local = self._current.book.locate(address)
        return local is not None and local.holder is not None

    def _check_loops(self, tx: Transaction, state: ListState, keys: Iterable[str]) -> None:
        """Check that no new member is a list that leads back, or a service address of a list."""
        for key in keys:
            if not list_rows.holder_of(tx, key):
                continue
            inner = list_rows.mailing_list(tx, key)
            if state.id in list_rows.nested_lists(tx, inner.id):
                raise DirectoryRefused("invalid", f"posts of {inner.address} would lead back to {state.address}")


def holder_of_list(tx: Transaction, address: Address) -> str:
    """What holds the address of a new list or one of its service addresses; empty when all are free."""
    own = load.holder_of(tx, address)
    if own:
        return own
    for service in list_rows.service_addresses(str(address)):
        holder = load.holder_of(tx, parse_address(service))
        if holder:
            return f"its address {service} is held: {holder}"
    return ""
