"""Loads mailing lists and their members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import msgspec

from services.directory.domain.lists import ListState, MemberState
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load_groups
from shared.events.lists import ListAdded, ListChanged
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event
from shared.routing.known_groups import GROUP_TARGET, group_of
from shared.routing.known_lists import SERVICES, list_of_service, service_address

NESTED_LISTS = 20
"""Lists in lists that are looked through."""
PAGE = 1_000
_KEYS_AT_ONCE = 200
_LIST = (
    "SELECT id, address, owners, description, members_only, skip_recipients, rewrite_author, disabled,"
    " (SELECT count(*) FROM list_member WHERE list = mailing_list.id),"
    " (SELECT count(*) FROM list_member WHERE list = mailing_list.id AND paused = ?) FROM mailing_list"
)
_MEMBER = "SELECT id, address, paused, bounces, bounced_on, last_post, last_status FROM list_member"
_texts = msgspec.json.Decoder(tuple[str, ...])
BOOK_SQL = (
    "SELECT id, address, owners, description, members_only, skip_recipients, rewrite_author, disabled"
    " FROM mailing_list WHERE id > ? ORDER BY id LIMIT ?"
)
"""The lists as the address book needs them, a page at a time."""


def book_rows(row: Row) -> list[Event]:
    """The events that would create a list in the address book."""
    identity, address, owners, description, *switches = row
    values = tuple(map(bool, switches))
    added = ListAdded(identity, address, _texts.decode(owners), description)
    return [added] if values == (True, False, False, False) else [added, ListChanged(identity, description, *values)]


def mailing_list(reader: Reader, name: str) -> ListState:
    """The list with this address or id. Raises DirectoryRefused."""
    row = reader.first_row(f"{_LIST} WHERE key = ?", (True, key_of(name))) or reader.first_row(
        f"{_LIST} WHERE id = ?", (True, name)
    )
    if row is None:
        raise DirectoryRefused("missing", f"there is no mailing list {name}: `mailfold list list` shows them")
    return _state(row)


def list_at(reader: Reader, key: str) -> ListState | None:
    """The list with an address by its lookup key."""
    row = reader.first_row(f"{_LIST} WHERE key = ?", (True, key))
    return None if row is None else _state(row)


def address_of(reader: Reader, name: str) -> str:
    """The address of the list with this address or id; a name that is none stays as it is."""
    row = reader.first_row("SELECT address FROM mailing_list WHERE id = ?", (name,))
    return name if row is None else str(row[0])


def mailing_lists(reader: Reader) -> list[ListState]:
    """All lists, by domain and address."""
    return [_state(row) for row in reader.all(f"{_LIST} ORDER BY domain, key", (True,))]


def member(reader: Reader, identity: str, name: str) -> MemberState | None:
    """The member of a list with this address or id."""
    row = reader.first_row(f"{_MEMBER} WHERE list = ? AND key = ?", (identity, member_key(reader, name)))
    row = row or reader.first_row(f"{_MEMBER} WHERE list = ? AND id = ?", (identity, name))
    return None if row is None else _member(reader, row)


def member_key(reader: Reader, name: str) -> str:
    """The lookup key of a member: of an address, or of a group, which has a name for people (`group:sales`) and an id.

    Raises DirectoryRefused for a group that does not exist.
    """
    group = group_of(name.strip())
    return f"{GROUP_TARGET}{load_groups.group_id(reader, group)}" if group else key_of(name)


def existing_member(reader: Reader, state: ListState, name: str) -> MemberState:
    """The member of a list. Raises DirectoryRefused."""
    known = member(reader, state.id, name)
    if known is None:
        raise DirectoryRefused(
            "missing", f"{name} is no member of {state.address}: `mailfold list members {state.address}` shows them"
        )
    return known


def members(reader: Reader, identity: str, after: str, limit: int, paused: bool | None) -> list[MemberState]:
    """A page of members in the order of their ids; `paused` None: all of them."""
    chosen, values = ("", ()) if paused is None else (" AND paused = ?", (paused,))
    sql = f"{_MEMBER} WHERE list = ? AND id > ?{chosen} ORDER BY id LIMIT ?"
    return [_member(reader, row) for row in reader.all(sql, (identity, after, *values, limit))]


def member_keys(reader: Reader, identity: str, keys: Sequence[str]) -> set[str]:
    """Those of the lookup keys that are members already."""
    return {row[0] for row in _among(reader, "SELECT key FROM list_member WHERE list = ? AND key", identity, keys)}


def members_at(reader: Reader, identity: str, keys: Sequence[str]) -> list[MemberState]:
    """The members of a list with one of these lookup keys."""
    return [_member(reader, row) for row in _among(reader, f"{_MEMBER} WHERE list = ? AND key", identity, keys)]


def members_with(reader: Reader, identity: str, keys: Set[str]) -> list[MemberState]:
    """The members of a list with one of these lookup keys, whatever the tags of their addresses."""
    return [
        _member(reader, row) for row in _among(reader, f"{_MEMBER} WHERE list = ? AND bare", identity, sorted(keys))
    ]


def nested_lists(reader: Reader, identity: str) -> list[str]:
    """The ids of a list and of the lists in it, the list itself first; a bounded number."""
    inner = [identity]
    for known in inner:
        sql = (
            "SELECT mailing_list.id FROM mailing_list JOIN list_member ON list_member.key = mailing_list.key"
            " WHERE list_member.list = ? ORDER BY mailing_list.id LIMIT ?"
        )
        inner += [row[0] for row in reader.all(sql, (known, NESTED_LISTS)) if row[0] not in inner]
        if len(inner) > NESTED_LISTS:
            return inner[:NESTED_LISTS]
    return inner


def holder_of(reader: Reader, key: str) -> str:
    """The list that holds an address as its own or as a service address, in words; empty when none does."""
    base, suffix = list_of_service(key)
    row = reader.first_row("SELECT address FROM mailing_list WHERE key = ?", (key,))
    if row is not None:
        return f"it is a mailing list (`mailfold list show {row[0]}`)"
    row = reader.first_row("SELECT address FROM mailing_list WHERE key = ?", (base,)) if suffix else None
    return f"it belongs to the mailing list {row[0]} (`mailfold list show {row[0]}`)" if row is not None else ""


def service_addresses(address: str) -> Iterator[str]:
    """The service addresses of a list."""
    return (service_address(address, suffix) for suffix in SERVICES)


def check_no_lists(reader: Reader, domain: str) -> None:
    """Check that a domain has no lists. Raises DirectoryRefused."""
    row = reader.first_row("SELECT address FROM mailing_list WHERE domain = ? ORDER BY key LIMIT 1", (domain,))
    if row is not None:
        raise DirectoryRefused(
            "not-empty", f"{domain} still has mailing lists, such as {row[0]}: `mailfold list remove {row[0]}` first"
        )


def _among(reader: Reader, sql: str, identity: str, keys: Sequence[str]) -> Iterator[Row]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        yield from reader.all(f"{sql} IN ({', '.join('?' * len(some))})", (identity, *some))


def _state(row: Row) -> ListState:
    identity, address, owners, description, members_only, skip, rewrite, disabled, count, paused = row
    return ListState(
        identity,
        address,
        _texts.decode(owners),
        description,
        bool(members_only),
        bool(skip),
        bool(rewrite),
        bool(disabled),
        count,
        paused,
    )


def _member(reader: Reader, row: Row) -> MemberState:
    identity, address, paused, bounces, bounced_on, last_post, last_status = row
    group = group_of(address)
    (shown,) = load_groups.with_group_names(reader, (address,)) if group else (address,)
    return MemberState(identity, shown, bool(paused), bounces, bounced_on, last_post, last_status, group)
