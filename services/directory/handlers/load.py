"""Loads the state that decisions and questions need."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from services.directory.domain.names import domain_name, key_of, user_key
from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, DomainState, UserState
from shared.eventstore.connection import Reader, Row

S = TypeVar("S")
_ID = re.compile(r"[adu][0-9a-hjkmnp-tv-z]{20}")
_DOMAIN = (
    "SELECT id, name, incoming, disabled, (SELECT count(*) FROM account WHERE account.domain = domain.name),"
    " (SELECT count(*) FROM alias WHERE alias.domain = domain.name) FROM domain"
)
_USER = "SELECT id, name, password_hash, disabled FROM person"
_ACCOUNT = (
    "SELECT account.id, address, person, person.name, quota_bytes, account.disabled FROM account LEFT JOIN "
    "person ON person.id = account.person"
)
_ALIAS = "SELECT address, targets, disabled FROM alias"


def domain(reader: Reader, name: str) -> DomainState | None:
    """The domain with this id, or with this name in any of its forms."""
    return _domain(_row_of(reader, _DOMAIN, "domain", "name", name, _canonical_domain(name)))


def has_domain(reader: Reader, name: str) -> bool:
    """Whether a canonical name is one of our domains; unlike `domain`, it does not count the domain's contents."""
    return reader.first_row("SELECT 1 FROM domain WHERE name = ?", (name,)) is not None


def user(reader: Reader, name: str) -> UserState | None:
    """The user with this name or id."""
    row = _row_of(reader, _USER, "person", "key", name, user_key(name))
    return None if row is None else _user(reader, row)


def user_id(reader: Reader, name: str) -> str | None:
    """The id of the user with this name or id; unlike `user`, it does not read the user's accounts."""
    row = _row_of(reader, _USER, "person", "key", name, user_key(name))
    return None if row is None else str(row[0])


def account(reader: Reader, name: str) -> AccountState | None:
    """The account with this address or id."""
    return _account(_row_of(reader, _ACCOUNT, "account", "key", name, key_of(name)))


def alias(reader: Reader, address: str) -> AliasState | None:
    """The alias with this address."""
    return _alias(reader.first_row(f"{_ALIAS} WHERE key = ?", (key_of(address),)))


def is_taken(reader: Reader, key: str) -> bool:
    """Whether an address is an account or an alias."""
    return (
        reader.first_row("SELECT 1 FROM account WHERE key = ? UNION ALL SELECT 1 FROM alias WHERE key = ?", (key, key))
        is not None
    )


def targets_of(reader: Reader, key: str) -> tuple[str, ...] | None:
    """The lookup keys of an alias's targets."""
    rows = reader.all("SELECT target FROM alias_target WHERE alias = ?", (key,))
    return tuple(row[0] for row in rows) or None


def aliases_to(reader: Reader, address: str) -> list[str]:
    """The aliases that have an address as a target."""
    sql = (
        "SELECT alias.address FROM alias_target JOIN alias ON alias.key = alias_target.alias WHERE target = ? ORDER "
        "BY alias.address"
    )
    return [row[0] for row in reader.all(sql, (key_of(address),))]


def domains(reader: Reader) -> list[DomainState]:
    """All domains, by name."""
    return [state for row in reader.all(f"{_DOMAIN} ORDER BY name") if (state := _domain(row))]


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
    return [state for row in reader.all(f"{_ALIAS} ORDER BY domain, key") if (state := _alias(row))]


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


def _row_of(reader: Reader, select: str, table: str, column: str, name: str, key: str) -> Row | None:
    row = reader.first_row(f"{select} WHERE {table}.{column} = ?", (key,))
    if row is None and _ID.fullmatch(name):
        row = reader.first_row(f"{select} WHERE {table}.id = ?", (name,))
    return row


def _domain(row: Row | None) -> DomainState | None:
    if row is None:
        return None
    identity, name, incoming, disabled, accounts, aliases = row
    return DomainState(identity, name, bool(incoming), bool(disabled), accounts, aliases)


def _user(reader: Reader, row: Row) -> UserState:
    identity, name, password_hash, disabled = row
    owned = reader.all("SELECT address FROM account WHERE person = ? ORDER BY address", (identity,))
    return UserState(identity, name, password_hash, bool(disabled), tuple(address for (address,) in owned))


def _account(row: Row | None) -> AccountState | None:
    if row is None:
        return None
    identity, address, user, user_name, quota_bytes, disabled = row
    return AccountState(identity, address, user, user_name or "", quota_bytes, bool(disabled))


def _alias(row: Row | None) -> AliasState | None:
    if row is None:
        return None
    address, targets, disabled = row
    return AliasState(address, msgspec.json.decode(targets, type=tuple[str, ...]), bool(disabled))
