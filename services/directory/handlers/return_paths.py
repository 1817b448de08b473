"""Makes, shows and replaces the secrets of return paths."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from services.directory.domain import return_paths
from services.directory.domain.return_paths import NewReturnPathSecret, ReturnPathSecretState
from services.directory.handlers import load
from services.directory.handlers.commands import append
from services.directory.handlers.secret_keys import check_key
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.address import Address
from shared.protocol.srs.proof import NoReturnAddress
from shared.protocol.srs.rewrite import Reversed
from shared.routing.return_paths import ReturnPaths, day_of
from shared.secrets.keyring import Keyring
from shared.secrets.return_paths import return_path_owner

STREAM = "return-paths"
_OCTETS = 32
_UPKEEP = Provenance(Actor("system", id="return-paths"))


class ReturnPathCommands:
    """Commands on the secrets of return paths."""

    def __init__(
        self,
        store: EventStore,
        ids: Ids,
        clock: Clock,
        keyring: Keyring,
        random_octets: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._keyring = keyring
        self._random_octets = random_octets

    async def current(self) -> list[ReturnPathSecretState]:
        """The secrets in use, the current one first; the first secret is made now. Raises SecretsError."""
        present = await self.show()
        if present:
            return present
        made = await self._make()
        await self._store.write(lambda tx: append(tx, STREAM, return_paths.begin(_secrets(tx), made), _UPKEEP))
        return await self.show()

    async def show(self) -> list[ReturnPathSecretState]:
        """The secrets in use, the current one first; none before they are needed for the first time."""
        return return_paths.usable(await self._store.read(_secrets), self._clock.now())

    async def sender_of(self, address: Address) -> Reversed:
        """To whom a bounce to a return path in a domain of ours goes on. Raises SecretsError."""
        ours = await self._store.read(lambda reader: load.has_domain(reader, address.domain))
        secrets = await self.show() if ours else []
        opened = await asyncio.to_thread(lambda: tuple(map(self._opened, secrets)))
        if ours and not opened:
            return NoReturnAddress("forged")
        return ReturnPaths(opened).sender_of(address, (address.domain,) if ours else (), day_of(self._clock.now()))

    async def rotate(self, provenance: Provenance, *, forget: bool) -> list[ReturnPathSecretState]:
        """Make a new secret. Raises DirectoryRefused, SecretsError."""
        made, now = await self._make(), self._clock.now()

        def work(tx: Transaction) -> None:
            if not tx.answered(provenance.command):
                events: list[Event] = return_paths.rotate(_secrets(tx), made, forget=forget, now=now)
                append(tx, STREAM, events, provenance)

        await self._store.write(work)
        return await self.show()

    def _opened(self, secret: ReturnPathSecretState) -> bytes:
        return self._keyring.open(secret.secret, return_path_owner(secret.id)).reveal()

    async def _make(self) -> NewReturnPathSecret:
        await check_key(self._store, self._keyring)
        identity = self._ids.new(IdKind.RETURN_PATHS)
        secret = self._random_octets(_OCTETS)
        sealed = await asyncio.to_thread(self._keyring.seal, secret, return_path_owner(identity))
        return NewReturnPathSecret(identity, sealed)


def _secrets(reader: Reader) -> list[ReturnPathSecretState]:
    rows = reader.all("SELECT id, secret, since, replaced_at FROM return_path_secret ORDER BY since, id")
    return [ReturnPathSecretState(*row) for row in rows]
