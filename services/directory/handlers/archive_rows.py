"""Reads archives, and what names an address."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain.archives import MOST_REFERENCES, ArchiveState, CatchAll, References
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load
from shared.eventstore.connection import Reader, Row
from shared.routing.domain_values import rules_of

MOST_LISTED = 1_000
_ARCHIVE = (
    "SELECT archive.id, address, archive.person, coalesce(person.name, user_group.name), quota_bytes, archived_at,"
    " reserved_until, quota_messages, max_message_size FROM archive LEFT JOIN person ON person.id = archive.person"
    " LEFT JOIN user_group ON user_group.id = archive.person"
)
_STATE = (
    "SELECT account.disabled, person.disabled, domain.disabled FROM account"
    " LEFT JOIN person ON person.id = account.person LEFT JOIN domain ON domain.name = account.domain"
    " WHERE account.id = ?"
)
_LISTS = (
    "SELECT address FROM mailing_list WHERE id IN (SELECT list FROM list_member WHERE key = ? OR bare = ?"
    " UNION SELECT list FROM list_owner WHERE owner = ? UNION SELECT list FROM list_moderator WHERE key = ?) LIMIT ?"
)
_TAGGED = "SELECT DISTINCT alias FROM alias_target WHERE target{order} >= ? AND target{order} < ? LIMIT ?"


def archive(reader: Reader, name: str) -> ArchiveState:
    """The archive with this id, or the only one with this address. Raises DirectoryRefused."""
    rows = reader.all(f"{_ARCHIVE} WHERE archive.id = ?", (name,))
    rows = rows or reader.all(f"{_ARCHIVE} WHERE archive.key = ? ORDER BY archive.id LIMIT 20", (key_of(name),))
    if not rows:
        raise DirectoryRefused("missing", f"there is no archive {name}: `mailfold archive list` shows them")
    if len(rows) > 1:
        raise DirectoryRefused(
            "invalid", f"there are several archives of {name}; give an id: {', '.join(row[0] for row in rows)}"
        )
    return _archive(rows[0])


def archive_if_any(reader: Reader, identity: str) -> ArchiveState | None:
    """The archive with this id, or None."""
    row = reader.first_row(f"{_ARCHIVE} WHERE archive.id = ?", (identity,))
    return _archive(row) if row else None


def archives(reader: Reader, after: str, limit: int) -> list[ArchiveState]:
    """A page of the archives in the order of their ids, which is that in which the accounts were added."""
    sql = f"{_ARCHIVE} WHERE archive.id > ? ORDER BY archive.id LIMIT ?"
    return [_archive(row) for row in reader.all(sql, (after, min(limit or MOST_LISTED, MOST_LISTED)))]


def states_of(reader: Reader, identities: Sequence[str]) -> tuple[list[str], list[str]]:
    """The accounts among these that are off (disabled or archived), and those that are gone for good."""
    off, gone = list[str](), list[str]()
    for identity in identities:
        row = reader.first_row(_STATE, (identity,))
        row = row or reader.first_row("SELECT disabled FROM application WHERE id = ?", (identity,))
        if row is None:
            (off if archive_if_any(reader, identity) else gone).append(identity)
        elif any(row):
            off.append(identity)
    return off, gone


def next_releases(reader: Reader, limit: int) -> list[tuple[str, int]]:
    """The archives whose addresses are released next, with the times."""
    sql = "SELECT id, reserved_until FROM archive WHERE reserved_until > 0 ORDER BY reserved_until LIMIT ?"
    return [(identity, until) for identity, until in reader.all(sql, (limit,))]


def references(reader: Reader, address: str) -> References:
    """What names an address, with or without a tag; at most one more than a command may change."""
    forms = forms_of(reader, address)
    keys: set[str] = set()
    for key in forms.keys:
        keys.update(row[0] for row in reader.all("SELECT alias FROM alias_target WHERE target = ?", (key,)))
    for first, end in forms.ranges:
        sql = _TAGGED.format(order=reader.octet_order)
        keys.update(row[0] for row in reader.all(sql, (first, end, MOST_REFERENCES + 1)))
    states = [load.alias_as_stored(reader, key) for key in sorted(keys)[: MOST_REFERENCES + 1]]
    aliases = tuple(state for state in states if state is not None and any(map(forms.include, state.targets)))
    return References(aliases, _catch_alls(reader, forms), _lists(reader, key_of(address)))


class AddressForms:
    """An address with its sub-addresses, in its domain and in the aliases of that domain."""

    def __init__(self, localpart: str, domains: tuple[str, ...], separators: str) -> None:
        self._localpart = localpart
        self._domains = frozenset(domains)
        self.separators = separators
        self._beginnings = tuple(f"{localpart}{separator}" for separator in separators)
        self.keys = [f"{localpart}@{domain}" for domain in domains]
        """The lookup keys without a tag."""

    @property
    def ranges(self) -> list[tuple[str, str]]:
        """For each separator the keys between which sub-addresses are, in the order of octets."""
        return [(text, text[:-1] + chr(ord(text[-1]) + 1)) for text in self._beginnings]

    def include(self, target: str) -> bool:
        """Whether a target is one of them."""
        localpart, _, domain = key_of(target).rpartition("@")
        return domain in self._domains and (localpart == self._localpart or localpart.startswith(self._beginnings))


def forms_of(reader: Reader, address: str) -> AddressForms:
    """The forms of an address, with the separators of its domain."""
    localpart, _, domain = key_of(address).rpartition("@")
    aliases = reader.all(
        "SELECT other.name FROM domain JOIN domain AS other ON other.alias_of = domain.id WHERE domain.name = ?",
        (domain,),
    )
    sql = (
        "SELECT domain_value.value FROM domain JOIN domain_value ON domain_value.domain = domain.id"
        " WHERE domain.name = ? AND domain_value.name = 'separators'"
    )
    row = reader.first_row(sql, (domain,))
    separators = rules_of({"separators": row[0] if row else ""}).separators
    return AddressForms(localpart, (domain, *(name for (name,) in aliases)), separators)


def _catch_alls(reader: Reader, forms: AddressForms) -> tuple[CatchAll, ...]:
    sql = (
        "SELECT domain.id, domain.name, domain_value.value FROM domain_value JOIN domain ON domain.id ="
        " domain_value.domain WHERE domain_value.name = 'catch_all' ORDER BY domain.name"
    )
    return tuple(CatchAll(*row) for row in reader.all(sql) if any(map(forms.include, row[2].split())))


def _lists(reader: Reader, key: str) -> tuple[str, ...]:
    rows = reader.all(_LISTS, (key, key, key, key, MOST_REFERENCES))
    return tuple(sorted(address for (address,) in rows))


def _archive(row: Row) -> ArchiveState:
    identity, address, person, name, *values = row
    return ArchiveState(identity, address, person, name or "", *values)
