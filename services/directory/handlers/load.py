"""Loads the state that decisions and questions need."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from services.directory.domain.names import domain_name, key_of, user_key
from services.directory.domain.state import (
    AccountState,
    AliasState,
    DirectoryRefused,
    DomainState,
    GivenLimits,
    UserState,
)
from services.directory.handlers import list_rows
from shared.eventstore.connection import Reader, Row
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address

S = TypeVar("S")
_ID = re.compile(r"[adou][0-9a-hjkmnp-tv-z]{20}")
_DOMAIN = (
    "SELECT domain.id, domain.name, domain.incoming, domain.disabled,"
    " (SELECT count(*) FROM account WHERE account.domain = domain.name),"
    " (SELECT count(*) FROM alias WHERE alias.domain = domain.name), domain.alias_of, other.name"
    " FROM domain LEFT JOIN domain AS other ON other.id = domain.alias_of"
)
_USER = "SELECT id, name, password_hash, disabled FROM person"
_ACCOUNT = (
    "SELECT account.id, address, person, person.name, quota_bytes, account.disabled, quota_messages, user_group.name,"
    " size_limit.octets FROM account LEFT JOIN person ON person.id = account.person"
    " LEFT JOIN user_group ON user_group.id = account.person LEFT JOIN size_limit ON size_limit.id = account.id"
)
_ALIAS = "SELECT address, targets, disabled, ends_at, ended, owners FROM alias"
_MOST_DOMAIN_ALIASES = 100
_texts = msgspec.json.Decoder(tuple[str, ...])


def domain(reader: Reader, name: str) -> DomainState | None:
    """The domain with this id, or with this name in any of its forms."""
    row = row_of(reader, _DOMAIN, "domain", "name", name, _canonical_domain(name))
    return None if row is None else _whole_domain(reader, row)


def has_domain(reader: Reader, name: str) -> bool:
    """Whether a canonical name is one of our domains; unlike `domain`, it does not count the domain's contents."""
    return reader.first_row("SELECT 1 FROM domain WHERE name = ?", (name,)) is not None


def default_limits(reader: Reader, domain: str) -> GivenLimits:
    """The limits of new accounts of a domain."""
    sql = (
        "SELECT domain_value.name, domain_value.value FROM domain JOIN domain_value ON domain_value.domain = domain.id"
        " WHERE domain.name = ? AND domain_value.name IN ('default_quota', 'default_quota_messages')"
    )
    values: dict[str, str] = dict(reader.all(sql, (domain,)))
    return GivenLimits(int(values.get("default_quota", 0)), int(values.get("default_quota_messages", 0)))


def user(reader: Reader, name: str) -> UserState | None:
    """The user with this name or id."""
    row = row_of(reader, _USER, "person", "key", name, user_key(name))
    return None if row is None else _user(reader, row)


def user_id(reader: Reader, name: str) -> str | None:
    """The id of the user with this name or id; unlike `user`, it does not read the user's accounts."""
    row = row_of(reader, _USER, "person", "key", name, user_key(name))
    return None if row is None else str(row[0])


def account(reader: Reader, name: str) -> AccountState | None:
    """The account with this address or id."""
    return _account(row_of(reader, _ACCOUNT, "account", "key", name, key_of(name)))


def alias(reader: Reader, address: str) -> AliasState | None:
    """The alias with this address."""
    state = alias_as_stored(reader, key_of(address))
    return None if state is None else _with_owner_names(reader, state)


def alias_as_stored(reader: Reader, key: str) -> AliasState | None:
    """The alias with this lookup key; unlike `alias`, it does not read the names of its owners."""
    return _alias(reader.first_row(f"{_ALIAS} WHERE key = ?", (key,)))


def ending_aliases(reader: Reader, limit: int) -> list[tuple[str, int]]:
    """The keys of the temporary aliases that end next, with their ends."""
    sql = "SELECT key, ends_at FROM alias WHERE ended = ? AND ends_at > 0 ORDER BY ends_at LIMIT ?"
    return [(key, ends_at) for key, ends_at in reader.all(sql, (False, limit))]


def pattern_count(reader: Reader, domain: str) -> int:
    """The number of wildcard aliases of a domain."""
    row = reader.first_row("SELECT count(*) FROM alias WHERE domain = ? AND is_pattern = ?", (domain, True))
    return int(row[0]) if row else 0


def holder_of(reader: Reader, address: Address, *, archive: str = "") -> str:
    """What holds an address, as words with the command that shows it; empty when it is free.

    For the `archive` with this id its own reservation does not count.
    """
    key = lookup_key(address)
    other = reader.first_row(
        "SELECT other.name FROM domain JOIN domain AS other ON other.id = domain.alias_of WHERE domain.name = ?",
        (address.domain,),
    )
    if other is not None:
        return f"{address.domain} is an alias of the domain {other[0]}, where its addresses are"
    row = reader.first_row("SELECT address FROM account WHERE key = ?", (key,))
    if row is not None:
        return f"it is an account (`mailfold account show {row[0]}`)"
    row = reader.first_row("SELECT address, ended FROM alias WHERE key = ?", (key,))
    if row is not None:
        return f"it is {'an ended' if row[1] else 'an'} alias (`mailfold alias show {row[0]}`)"
    row = reader.first_row("SELECT address FROM application WHERE key = ?", (key,))
    if row is not None:
        return f"it is an application (`mailfold application show {row[0]}`)"
    row = reader.first_row(
        "SELECT id FROM archive WHERE key = ? AND reserved_until > 0 AND id <> ? LIMIT 1", (key, archive)
    )
    if row is not None:
        return f"it is reserved for an archived account (`mailfold archive show {row[0]}`)"
    return list_rows.holder_of(reader, key)


def aliases_to(reader: Reader, address: str) -> list[str]:
    """The aliases that have an address as a target."""
    sql = (
        "SELECT alias.address FROM alias_target JOIN alias ON alias.key = alias_target.alias WHERE target = ? ORDER "
        "BY alias.address"
    )
    return [row[0] for row in reader.all(sql, (key_of(address),))]


def domains(reader: Reader) -> list[DomainState]:
    """All domains, by name."""
    return [_domain(row) for row in reader.all(f"{_DOMAIN} ORDER BY domain.name")]


def users(reader: Reader) -> list[UserState]:
    """All users, by name."""
    owned: dict[str, list[str]] = {}
    for person, address in reader.all("SELECT person, address FROM account ORDER BY address"):
        owned.setdefault(person, []).append(address)
    return [
        UserState(identity, name, password_hash, bool(disabled), tuple(owned.get(identity, ())))
        for identity, name, password_hash, disabled in reader.all(f"{_USER} ORDER BY key")
    ]


def accounts(reader: Reader) -> list[AccountState]:
    """All accounts, by address."""
    return [state for row in reader.all(f"{_ACCOUNT} ORDER BY account.domain, account.key") if (state := _account(row))]


def aliases(reader: Reader) -> list[AliasState]:
    """All aliases, by address."""
    states = [state for row in reader.all(f"{_ALIAS} ORDER BY domain, key") if (state := _alias(row))]
    return [_with_owner_names(reader, state) for state in states]


def settings(reader: Reader) -> dict[str, str]:
    """The settings recorded in events, by name; of secrets the keyed hash."""
    return dict(reader.all("SELECT name, value FROM setting"))


def counts(reader: Reader) -> dict[str, int]:
    """The number of domains, users, accounts and aliases."""
    tables = {"domains": "domain", "users": "person", "accounts": "account", "aliases": "alias"}
    rows = {name: reader.first_row(f"SELECT count(*) FROM {table}") for name, table in tables.items()}  # noqa: S608
    return {name: int(row[0]) if row else 0 for name, row in rows.items()}


def existing(what: str, name: str, state: S | None) -> S:
    """The state, if there is one. Raises DirectoryRefused when it is None."""
    if state is None:
        raise DirectoryRefused("missing", f"there is no {what} {name}: `mailfold {what} list` shows them")
    return state


def _canonical_domain(name: str) -> str:
    try:
        return domain_name(name)
    except DirectoryRefused:
        return name


def row_of(reader: Reader, select: str, table: str, column: str, name: str, key: str) -> Row | None:
    """The row whose column has a key, or whose id is the name itself."""
    row = reader.first_row(f"{select} WHERE {table}.{column} = ?", (key,))
    if row is None and _ID.fullmatch(name):
        row = reader.first_row(f"{select} WHERE {table}.id = ?", (name,))
    return row


def _domain(row: Row) -> DomainState:
    identity, name, incoming, disabled, accounts, aliases, alias_of, other = row
    return DomainState(identity, name, bool(incoming), bool(disabled), accounts, aliases, alias_of, other or "")


def _whole_domain(reader: Reader, row: Row) -> DomainState:
    """A domain with its values, and with the names of its aliases."""
    state = _domain(row)
    sql = "SELECT name FROM domain WHERE alias_of = ? ORDER BY name LIMIT ?"
    names = tuple(name for (name,) in reader.all(sql, (state.id, _MOST_DOMAIN_ALIASES)))
    values: dict[str, str] = dict(
        reader.all("SELECT name, value FROM domain_value WHERE domain = ? ORDER BY name", (state.id,))
    )
    count = reader.first_row("SELECT count(*) FROM application WHERE domain = ?", (state.name,))
    applications = int(count[0]) if count is not None else 0
    return msgspec.structs.replace(state, domain_aliases=names, values=values, applications=applications)


def _with_owner_names(reader: Reader, state: AliasState) -> AliasState:
    """An alias with the names of its owners that still exist."""
    if not state.owners:
        return state
    rows = [reader.first_row("SELECT name FROM person WHERE id = ?", (identity,)) for identity in state.owners]
    return msgspec.structs.replace(state, owner_names=tuple(sorted(row[0] for row in rows if row is not None)))


def _user(reader: Reader, row: Row) -> UserState:
    identity, name, password_hash, disabled = row
    owned = reader.all("SELECT address FROM account WHERE person = ? ORDER BY address", (identity,))
    return UserState(identity, name, password_hash, bool(disabled), tuple(address for (address,) in owned))


def _account(row: Row | None) -> AccountState | None:
    if row is None:
        return None
    identity, address, owner, user_name, quota_bytes, disabled, quota_messages, group_name, size = row
    return AccountState(
        identity,
        address,
        owner,
        user_name or "",
        quota_bytes,
        bool(disabled),
        quota_messages,
        group_name or "",
        size or 0,
    )


def _alias(row: Row | None) -> AliasState | None:
    if row is None:
        return None
    address, targets, disabled, ends_at, ended, owners = row
    return AliasState(address, _texts.decode(targets), bool(disabled), ends_at, bool(ended), _texts.decode(owners))
