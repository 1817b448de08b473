"""Loads salts and keys of SCRAM, and what is without keys."""

from __future__ import annotations

from typing import NamedTuple

from services.directory.domain.login_name import Canonical, LoginName
from services.directory.handlers.credentials_tried import actor_id
from shared.eventstore.connection import Reader

_WITHOUT_KEYS = (
    "SELECT 1 FROM password_without_keys JOIN person ON person.id = password_without_keys.owner"
    " WHERE NOT person.disabled AND person.password_hash <> ''"
    " AND (EXISTS (SELECT 1 FROM account WHERE account.person = person.id AND NOT account.disabled)"
    " OR EXISTS (SELECT 1 FROM group_member WHERE group_member.person = person.id))"
    " UNION ALL SELECT 1 FROM password_without_keys"
    " JOIN application ON application.id = password_without_keys.owner WHERE NOT application.disabled LIMIT 1"
)
_ENDINGS = ("user.password_changed", "user.app_password_removed", "account.application_password_changed")


class StoredSalt(NamedTuple):
    """The salt of all passwords of a user or of an application, and their count."""

    salt: bytes
    iterations: int


class StoredKeys(NamedTuple):
    """The encrypted keys of a password."""

    credential: str
    keys: str


def salt_of(reader: Reader, owner: str) -> StoredSalt | None:
    """The salt of a user or of an application, by id."""
    row = reader.first_row("SELECT salt, iterations FROM scram_salt WHERE owner = ?", (owner,))
    return None if row is None else StoredSalt(bytes.fromhex(row[0]), int(row[1]))


def keys_of(reader: Reader, owner: str) -> list[StoredKeys]:
    """The keys of all passwords of a user or of an application."""
    sql = "SELECT credential, keys FROM scram_keys WHERE owner = ? ORDER BY credential"
    return [StoredKeys(credential, keys) for credential, keys in reader.all(sql, (owner,))]


def former_keys_of(reader: Reader, owner: str) -> str:
    """The keys of the password that a user had before; empty without any."""
    row = reader.first_row("SELECT keys FROM former_scram_keys WHERE owner = ?", (owner,))
    return str(row[0]) if row else ""


def has_keys(reader: Reader, credential: str) -> bool:
    """Whether a password has keys."""
    return reader.first_row("SELECT 1 FROM scram_keys WHERE credential = ?", (credential,)) is not None


def ended_since(reader: Reader, stream: str, position: int) -> bool:
    """Whether a password of this stream was changed or removed after a position of the log."""
    sql = "SELECT 1 FROM event WHERE stream = ? AND position > ? AND type IN (?, ?, ?)"
    return reader.first_row(sql, (stream, position, *_ENDINGS)) is not None


def is_elsewhere(reader: Reader, user: str) -> bool:
    """Whether the password of a user is checked in a directory elsewhere."""
    return reader.first_row("SELECT 1 FROM ldap_user WHERE person = ?", (user,)) is not None


def lacks_keys(reader: Reader) -> bool:
    """Whether anybody may log in with a password that has no keys."""
    return reader.first_row(_WITHOUT_KEYS) is not None


def count_without_keys(reader: Reader) -> int:
    """The number of passwords that have no keys yet, also of those who may not log in now."""
    row = reader.first_row("SELECT count(*) FROM password_without_keys")
    return int(row[0]) if row else 0


def offered(reader: Reader) -> tuple[str, ...]:
    """The mechanisms that services were last told to announce."""
    return tuple(name for (name,) in reader.all("SELECT name FROM offered_mechanism ORDER BY name"))


def owner_of(reader: Reader, name: LoginName, canonical: Canonical) -> str:
    """The id of the user or application whose passwords a login name may have; empty: nobody's.

    The address of a group chooses nobody: its member logs in as himself and asks for the group (RFC 5802 §5.1).
    """
    if name.actor:
        return actor_id(reader, name.actor, canonical)
    sql = "SELECT person FROM account WHERE key = ? UNION ALL SELECT id FROM application WHERE key = ?"
    row = reader.first_row(sql, (name.account, name.account))
    return str(row[0]) if row else ""
