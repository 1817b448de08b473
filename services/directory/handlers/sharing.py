"""Who may share mailboxes with whom: commands, and the questions of the services that keep mailboxes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from services.directory.domain.names import key_of
from services.directory.domain.sharing import set_rule
from services.directory.domain.state import DirectoryRefused, DomainState
from services.directory.handlers import load, sharing_rows
from services.directory.handlers.commands import append
from services.directory.projections.sharing import SERVER, SWITCHED_ON
from services.directory.settings import SharingSettings
from shared.events.sharing import SharingSwitched
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.routing.address_book import AddressBook
from shared.routing.sharing import Identifier, visible_domains

MOST_LISTED = 500
_MOST_DOMAINS_READ = 100
"""Domains that a page looks into; a page may have less than it was asked for, or nothing, and a next one."""
_MOST_PREFIX = 320
_SETTINGS = Provenance(Actor("system", id="settings"))
_END = b"\xff"
"""An octet that is above all octets of UTF-8."""
_NAMES = (
    "SELECT visible_name.name, account.id, account.address, user_group.id FROM visible_name"
    " JOIN account ON account.id = visible_name.account LEFT JOIN user_group ON user_group.id = account.person"
    " WHERE visible_name.domain = ? AND visible_name.name > ? AND visible_name.name >= ? AND visible_name.name < ?"
    " AND account.disabled = ? ORDER BY visible_name.name LIMIT ?"
)


class IdentifierPage(NamedTuple):
    """Identifiers in the order of their domains and names."""

    identifiers: list[Identifier]
    next: str
    """Where the next page begins; empty: this is the last."""


async def note_settings(store: EventStore, settings: SharingSettings) -> None:
    """Record, at a start, that the switch of the server is another one than before."""

    def work(tx: Transaction) -> None:
        row = tx.first_row("SELECT visible FROM sharing_rule WHERE scope = ?", (SERVER,))
        was_on = row is not None and row[0] == SWITCHED_ON
        append(tx, "sharing", [SharingSwitched(settings.enabled)] if settings.enabled != was_on else [], _SETTINGS)

    await store.write(work)


def change(
    tx: Transaction, name: str, visible: str, names: Sequence[str], anyone: bool | None, provenance: Provenance
) -> DomainState:
    """Change whom the accounts of a domain see."""
    domain = load.existing("domain", name, load.domain(tx, name))
    if domain.alias_of:
        raise DirectoryRefused("invalid", f"{domain.name} is an alias of another domain, whose rule counts")
    others = [load.existing("domain", other, load.domain(tx, other)).id for other in names]
    append(
        tx,
        f"domain:{domain.id}",
        set_rule(domain.id, sharing_rows.rule_of(tx, domain.id), visible, others, anyone),
        provenance,
    )
    return domain


def domain_names(reader: Reader, domains: Sequence[str]) -> list[str]:
    """The names of those of these domains that exist, in order."""
    rows = (reader.first_row("SELECT name FROM domain WHERE id = ?", (domain,)) for domain in domains)
    return sorted(row[0] for row in rows if row is not None)


def account_id(reader: Reader, name: str) -> str:
    """The id of an account by id or address; empty when there is none."""
    row = reader.first_row("SELECT id FROM account WHERE id = ? OR key = ?", (name, key_of(name)))
    return str(row[0]) if row is not None else ""


def identifiers(reader: Reader, book: AddressBook, account: str, prefix: str, after: str, limit: int) -> IdentifierPage:
    """A page of the accounts that an account sees, whose addresses begin with a prefix."""
    if len(prefix) > _MOST_PREFIX or len(after) > 2 * _MOST_PREFIX:
        raise DirectoryRefused("invalid", f"a prefix has at most {_MOST_PREFIX} characters")
    limit = min(limit or MOST_LISTED, MOST_LISTED)
    start, last = after.rpartition("@")[2], after.encode() if after and not after.startswith("@") else b""
    domains = [domain.name for domain in visible_domains(book, account) if domain.name >= start]
    chosen: list[Identifier] = []
    key = unicodedata.normalize("NFC", prefix.strip().lower()).encode()
    for name in domains[:_MOST_DOMAINS_READ]:
        asked = (name, last if name == start else b"", key, key + _END, False, limit - len(chosen))
        rows = reader.all(_NAMES, asked)
        chosen += map(_identifier, rows)
        if len(chosen) == limit:
            return IdentifierPage(chosen, bytes(rows[-1][0]).decode())
    left = domains[_MOST_DOMAINS_READ:]
    return IdentifierPage(chosen, f"@{left[0]}" if left else "")


def _identifier(row: Row) -> Identifier:
    _, identity, address, group = row
    return Identifier(group or identity, "group" if group else "user", address)
