"""Changes the keys with which the directory's secrets are encrypted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.directory.domain.relays import RelayState
from services.directory.handlers import sending_rows
from services.directory.handlers.commands import OWNER
from shared.events.return_paths import ReturnPathSecretResealed
from shared.events.sending import DkimKeyResealed, RelayPasswordResealed
from shared.events.verifiers import ScramSecretResealed
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.secrets import SecretKeyMissing, SecretsError
from shared.secrets.keyring import VARIABLE, Keyring
from shared.secrets.return_paths import return_path_owner
from shared.secrets.sending import dkim_key_owner, relay_owner, scram_secret_owner

_PAGE = 200
"""Sealed values that are read together."""
_MOST_NAMED = 100
"""Secrets that a report names because they could not be decrypted."""


class StoredSecret(NamedTuple):
    """A sealed value in the tables of the directory."""

    stream: str
    owner: str
    """What it belongs to."""
    sealed: str
    resealed: Callable[[str], Event]
    """The event that replaces the value."""
    present: str
    """The statement that reads the value at this moment, with its key as the only parameter."""
    key: str


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
            for key in keys:
                yield _of_dkim_key(*key)
            last = keys[-1][0]
        after: str | None = None
        while relays := await self._store.read(partial(sending_rows.sealed_relays, last=after, limit=_PAGE)):
            for relay in relays:
                yield _of_relay(relay)
            after = relays[-1].domain
        for secret in await self._store.read(sending_rows.sealed_return_path_secrets):
            yield _of_return_paths(*secret)
        for secret in await self._store.read(sending_rows.sealed_scram_secrets):
            yield _of_scram(*secret)

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
    row = tx.first_row(secret.present, (secret.key,))
    if row is not None and row[0] == secret.sealed:
        tx.append(secret.stream, [secret.resealed(sealed)], provenance, owner=OWNER)


def _of_dkim_key(identity: str, domain: str, sealed: str) -> StoredSecret:
    return StoredSecret(
        f"domain:{domain}",
        dkim_key_owner(domain, identity),
        sealed,
        partial(DkimKeyResealed, identity, domain),
        "SELECT private_key FROM dkim_key WHERE id = ?",
        identity,
    )


def _of_relay(relay: RelayState) -> StoredSecret:
    return StoredSecret(
        f"relay:{relay.domain}",
        relay_owner(relay.domain, relay.host, relay.user),
        relay.password,
        partial(RelayPasswordResealed, relay.domain),
        "SELECT password FROM relay WHERE domain = ?",
        relay.domain,
    )


def _of_return_paths(identity: str, sealed: str) -> StoredSecret:
    return StoredSecret(
        "return-paths",
        return_path_owner(identity),
        sealed,
        partial(ReturnPathSecretResealed, identity),
        "SELECT secret FROM return_path_secret WHERE id = ?",
        identity,
    )


def _of_scram(identity: str, sealed: str) -> StoredSecret:
    return StoredSecret(
        "scram",
        scram_secret_owner(identity),
        sealed,
        partial(ScramSecretResealed, identity),
        "SELECT secret FROM scram_secret WHERE id = ?",
        identity,
    )
