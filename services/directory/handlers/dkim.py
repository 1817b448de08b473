"""Makes, checks, changes and retires the DKIM keys of domains."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from services.directory.adapters.key_records import KeyRecords
from services.directory.domain import dkim
from services.directory.domain.dkim import DkimKeyState, KeyRecordCheck, NewDkimKey, NewDomain
from services.directory.domain.names import domain_name
from services.directory.domain.state import DomainState
from services.directory.handlers import load, sending_rows
from services.directory.handlers.commands import OWNER
from services.directory.handlers.secret_keys import check_key
from shared.clock import Clock
from shared.dkim_keys import new_private_key
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.dkim.signature import KeyType
from shared.protocol.dkim.signing_key import load_signing_key, public_key_record, selector_of
from shared.secrets.keyring import Keyring
from shared.secrets.sending import dkim_key_owner

log = structlog.get_logger("directory")
_KINDS: tuple[KeyType, ...] = ("rsa", "ed25519")
_UPKEEP = Provenance(Actor("system", id="dkim"))
_PAGE = 10
"""Domains that are loaded, and looked up in the DNS, together."""
_MOST_CHECKS = 10_000
"""Keys whose last check is remembered."""


class DkimCommands:
    """Commands on DKIM keys. `wait_days` is the time for which a former key must stay published."""

    def __init__(
        self, store: EventStore, ids: Ids, clock: Clock, keyring: Keyring, records: KeyRecords, wait_days: int
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._keyring = keyring
        self._records = records
        self.wait_days = wait_days
        self.checks: dict[str, KeyRecordCheck] = {}
        """What the last check of each key saw, by key id."""

    async def for_new_domain(self, name: str) -> NewDomain:
        """An id and keys for a domain that is to be added; no keys when it is there already.

        Raises DirectoryRefused, SecretsError.
        """
        canonical = domain_name(name)
        identity = self._ids.new(IdKind.DOMAIN)
        if await self._store.read(lambda reader: load.has_domain(reader, canonical)):
            return NewDomain(identity, ())
        return NewDomain(identity, await self._make_keys(identity))

    async def add_missing(self) -> int:
        """Give keys to domains without a key that signs; returns the number of domains. Raises SecretsError."""
        count, last = 0, ""
        page = partial(sending_rows.domains_without_keys, limit=_PAGE)
        while rows := await self._store.read(partial(page, last=last)):
            for domain, name in rows:
                made = await self._make_keys(domain)
                await self._store.write(partial(_add_missing, domain=domain, made=made))
                log.info("directory.dkim_keys_made", domain=name)
            count, last = count + len(rows), rows[-1][1]
        return count

    async def show(self, name: str) -> list[DkimKeyState]:
        """The keys of a domain. Raises DirectoryRefused."""
        return await self._store.read(lambda reader: _keys(reader, name)[1])

    async def rotate(self, name: str, provenance: Provenance) -> list[DkimKeyState]:
        """Make new keys, which sign when their records are seen. Raises DirectoryRefused, SecretsError."""
        domain, present = await self._store.read(lambda reader: _keys(reader, name))
        dkim.rotate(present, (), domain.id)
        made = await self._make_keys(domain.id)

        def work(tx: Transaction) -> None:
            known, keys = _keys(tx, name)
            if not tx.answered(provenance.command):
                _append(tx, known.id, dkim.rotate(keys, made, known.id), provenance)

        await self._store.write(work)
        return await self.show(name)

    async def check(self, name: str, provenance: Provenance) -> list[DkimKeyState]:
        """Look into the DNS now. Raises DirectoryRefused."""
        domain, keys = await self._store.read(lambda reader: _keys(reader, name))
        await self._look(domain.name, domain.id, keys, provenance)
        return await self.show(name)

    async def check_all(self, *, unpublished_only: bool) -> None:
        """Look into the DNS for the keys of every domain, or of the domains with an unpublished key."""
        last = ""
        page = partial(sending_rows.keys_after, limit=_PAGE, unpublished_only=unpublished_only)
        while keys := await self._store.read(partial(page, last=last)):
            domains: dict[str, list[DkimKeyState]] = {}
            for key in keys:
                domains.setdefault(key.domain_name, []).append(key)
            await asyncio.gather(
                *(self._look(name, group[0].domain, group, _UPKEEP) for name, group in domains.items())
            )
            last = keys[-1].domain_name

    async def retire(self, name: str, selector: str, force: bool, provenance: Provenance) -> list[DkimKeyState]:
        """Remove former keys; returns them, so that their records can be removed. Raises DirectoryRefused."""

        def work(tx: Transaction) -> list[DkimKeyState]:
            domain, keys = _keys(tx, name)
            now = self._clock.now()
            due = dkim.retire(keys, domain.name, selector, force=force, now=now, wait_days=self.wait_days)
            _append(tx, domain.id, dkim.retired(due), provenance)
            return due

        return await self._store.write(work)

    async def _look(self, name: str, domain: str, keys: Sequence[DkimKeyState], provenance: Provenance) -> None:
        checks = await self._records.look(name, keys)
        self.checks |= checks
        while len(self.checks) > _MOST_CHECKS:
            del self.checks[next(iter(self.checks))]
        if dkim.checked(keys, checks):
            await self._store.write(lambda tx: _record(tx, domain, checks, provenance))

    async def _make_keys(self, domain: str) -> tuple[NewDkimKey, ...]:
        await check_key(self._store, self._keyring)
        return await asyncio.to_thread(self._make, domain)

    def _make(self, domain: str) -> tuple[NewDkimKey, ...]:
        return tuple(self._make_key(domain, kind) for kind in _KINDS)

    def _make_key(self, domain: str, kind: KeyType) -> NewDkimKey:
        identity = self._ids.new(IdKind.DKIM_KEY)
        pem = new_private_key(kind)
        key = load_signing_key("", selector_of(identity), pem)
        sealed = self._keyring.seal(pem, dkim_key_owner(domain, identity))
        return NewDkimKey(identity, key.selector, key.algorithm, public_key_record(key), sealed)


def _keys(reader: Reader, name: str) -> tuple[DomainState, list[DkimKeyState]]:
    domain = load.existing("domain", name, load.domain(reader, name))
    return domain, sending_rows.keys_of(reader, domain.id)


def _add_missing(tx: Transaction, domain: str, made: Sequence[NewDkimKey]) -> None:
    """Add the keys, unless the domain was removed or got keys meanwhile."""
    if tx.first_row("SELECT 1 FROM domain WHERE id = ?", (domain,)) is not None:
        signing = [key for key in sending_rows.keys_of(tx, domain) if key.state == "signing"]
        _append(tx, domain, dkim.add_keys(signing, made, domain), _UPKEEP)


def _record(tx: Transaction, domain: str, checks: Mapping[str, KeyRecordCheck], provenance: Provenance) -> None:
    _append(tx, domain, dkim.checked(sending_rows.keys_of(tx, domain), checks), provenance)


def _append(tx: Transaction, domain: str, events: list[Event], provenance: Provenance) -> None:
    tx.append(f"domain:{domain}", events, provenance, owner=OWNER)
