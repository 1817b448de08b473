"""Commands on relays."""

from __future__ import annotations

import asyncio

import msgspec

from services.directory.domain.relays import RelayState, RequestedRelay, password_octets, present_password, with_preset
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import sending_rows
from services.directory.handlers.commands import OWNER
from services.directory.handlers.secret_keys import check_key
from services.directory.handlers.sending import own_domain
from shared.events.sending import RelayRemoved, RelaySet
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.secrets.keyring import Keyring
from shared.secrets.sending import relay_owner


class RelayCommands:
    """Sets, shows and removes relays. An empty name of a domain is the default relay."""

    def __init__(self, store: EventStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def set(
        self, name: str, requested: RequestedRelay, password: str | None, provenance: Provenance
    ) -> RelayState:
        """Set the relay of a domain. Without a password, the present one is kept when host and user stay the same.

        Raises DirectoryRefused, SecretsError.
        """
        domain, _ = await self._store.read(lambda reader: own_domain(reader, name))
        relay = await self._sealed(with_preset(domain, requested), password)

        def work(tx: Transaction) -> RelayState:
            own_domain(tx, name)
            if not tx.answered(provenance.command):
                present = sending_rows.relay_of(tx, domain)
                kept = relay if relay.password else _with_password(relay, present_password(relay, present))
                _append(tx, domain, kept, provenance)
            return _existing(tx, domain, name)

        return await self._store.write(work)

    async def remove(self, name: str, provenance: Provenance) -> str:
        """Remove the relay of a domain; returns the domain's name. Raises DirectoryRefused."""

        def work(tx: Transaction) -> str:
            domain, canonical = own_domain(tx, name)
            if not tx.answered(provenance.command):
                _existing(tx, domain, name)
                _append(tx, domain, RelayRemoved(domain), provenance)
            return canonical or "default"

        return await self._store.write(work)

    async def show(self, name: str) -> RelayState:
        """The relay of a domain. Raises DirectoryRefused."""
        return await self._store.read(lambda reader: _existing(reader, own_domain(reader, name)[0], name))

    async def list(self) -> list[RelayState]:
        """All relays."""
        return await self._store.read(sending_rows.relays)

    async def _sealed(self, relay: RelaySet, password: str | None) -> RelaySet:
        if password is None:
            return relay
        octets = password_octets(password)
        if not relay.user:
            raise DirectoryRefused("invalid", "a password needs a user name")
        await check_key(self._store, self._keyring)
        owner = relay_owner(relay.domain, relay.host, relay.user)
        return _with_password(relay, await asyncio.to_thread(self._keyring.seal, octets, owner))


def _with_password(relay: RelaySet, password: str) -> RelaySet:
    return msgspec.structs.replace(relay, password=password)


def _existing(reader: Reader, domain: str, name: str) -> RelayState:
    relay = sending_rows.relay_of(reader, domain)
    if relay is None:
        whose = f"{name} has no relay of its own" if domain else "there is no default relay"
        raise DirectoryRefused("missing", f"{whose}: `mailfold relay list` shows all")
    return relay


def _append(tx: Transaction, domain: str, event: Event, provenance: Provenance) -> None:
    tx.append(f"relay:{domain}", [event], provenance, owner=OWNER)
