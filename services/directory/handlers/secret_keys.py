"""Changes the keys with which the directory's secrets are encrypted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import NamedTuple

from services.directory.handlers import sending_rows
from services.directory.handlers.commands import OWNER
from shared.events.sending import DkimKeyResealed, RelayPasswordResealed
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.secrets import SecretKeyMissing, SecretsError
from shared.secrets.keyring import VARIABLE, Keyring
from shared.secrets.sending import dkim_key_owner, relay_owner

_PAGE = 200
"""Sealed values that are read together."""
_MOST_NAMED = 100
"""Secrets that a report names because they could not be decrypted."""


class StoredSecret(NamedTuple):
    """A sealed value in the tables of the directory."""

    stream: str
    owner: str
    """What it belongs to."""
    key: str
    """The id of the DKIM key; empty for the password of a relay."""
    domain: str
    sealed: str

    def resealed(self, sealed: str) -> Event:
        """The event that replaces the value."""
        if self.key:
            return DkimKeyResealed(self.key, self.domain, sealed)
        return RelayPasswordResealed(self.domain, sealed)


class SecretKeyReport(NamedTuple):
    """The keys, and what they are used for."""

    ids: tuple[str, ...]
    """The keys that are there; the first one seals."""
    uses: dict[str, int]
    """The number of secrets by the id of their key, also of keys that are not there."""
    source: str
    unreadable: tuple[str, ...]
    """What the secrets belong to that could not be opened; the first of them."""


class SecretCommands:
    """Shows, changes and drops the keys of secrets."""

    def __init__(self, store: EventStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def report(self, unreadable: Sequence[str] = ()) -> SecretKeyReport:
        """The keys and their uses. Raises SecretsError."""
        uses = await self._store.read(sending_rows.uses_of_keys)
        source = VARIABLE if self._keyring.is_in_environment else self._keyring.file_name
        return SecretKeyReport(self._keyring.ids(), uses, source, tuple(unreadable[:_MOST_NAMED]))

    async def rekey(self, provenance: Provenance) -> SecretKeyReport:
        """Make a new key, unless the environment gives it, and encrypt every secret with it.

        What cannot be opened stays as it is, and is named in the report. Raises SecretsError.
        """
        if await self._store.write(lambda tx: bool(tx.answered(provenance.command))):
            return await self.report()
        if not self._keyring.is_in_environment:
            await asyncio.to_thread(self._keyring.add_key)
        unreadable: list[str] = []
        async for secret in self._stored():
            try:
                sealed = await asyncio.to_thread(self._resealed, secret)
            except SecretsError:
                unreadable.append(secret.owner)
            else:
                await self._store.write(partial(_replace, secret=secret, sealed=sealed, provenance=provenance))
        return await self.report(unreadable)

    async def drop(self) -> SecretKeyReport:
        """Remove the keys that encrypt nothing and do not seal. Raises SecretsError."""
        report = await self.report()
        unused = [key for key in report.ids[1:] if key not in report.uses]
        await asyncio.to_thread(self._keyring.drop_keys, unused)
        return await self.report()

    async def trouble(self) -> str:
        """Why secrets cannot be used; empty when all is well."""
        problem = await asyncio.to_thread(self._keyring.trouble)
        if problem:
            return problem
        report = await self.report()
        missing = [key for key in report.uses if key not in report.ids]
        count = sum(report.uses[key] for key in missing)
        return (
            f"{count} secret(s) need the key {', '.join(missing)}, which is not in {report.source}" if missing else ""
        )

    async def _stored(self) -> AsyncIterator[StoredSecret]:
        """Every sealed value, read in pages."""
        last = ""
        while keys := await self._store.read(partial(sending_rows.sealed_keys, last=last, limit=_PAGE)):
            for identity, domain, sealed in keys:
                yield StoredSecret(f"domain:{domain}", dkim_key_owner(domain, identity), identity, domain, sealed)
            last = keys[-1][0]
        after: str | None = None
        while relays := await self._store.read(partial(sending_rows.sealed_relays, last=after, limit=_PAGE)):
            for relay in relays:
                owner = relay_owner(relay.domain, relay.host, relay.user)
                yield StoredSecret(f"relay:{relay.domain}", owner, "", relay.domain, relay.password)
            after = relays[-1].domain

    def _resealed(self, secret: StoredSecret) -> str:
        return self._keyring.seal(self._keyring.open(secret.sealed, secret.owner).reveal(), secret.owner)


async def check_key(store: EventStore, keyring: Keyring) -> None:
    """Check before a value is sealed that no key is lost: a new key must not take the place of the lost one.

    Raises SecretsError.
    """
    if not await asyncio.to_thread(keyring.ids) and await store.read(sending_rows.has_sealed_values):
        raise SecretKeyMissing(
            f"{keyring.file_name} is gone, and secrets need it: put it back from a backup, or begin with a new key by "
            f"`mailfold secrets rekey` and set these secrets again"
        )


def _replace(tx: Transaction, secret: StoredSecret, sealed: str, provenance: Provenance) -> None:
    """Replace the value, unless it was changed meanwhile."""
    if _present(tx, secret) == secret.sealed:
        tx.append(secret.stream, [secret.resealed(sealed)], provenance, owner=OWNER)


def _present(reader: Reader, secret: StoredSecret) -> str:
    if not secret.key:
        relay = sending_rows.relay_of(reader, secret.domain)
        return relay.password if relay is not None else ""
    row = reader.first_row("SELECT private_key FROM dkim_key WHERE id = ?", (secret.key,))
    return str(row[0]) if row is not None else ""
