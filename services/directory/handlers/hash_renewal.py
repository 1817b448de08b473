"""Replaces password hashes that came with an import by argon2id, at the first log-in: then the password is known."""

from __future__ import annotations

import structlog

from services.directory.adapters.passwords import PasswordHasher, TooManyWaiting
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.background import spawn
from shared.events.bulk import UserHashRenewed
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

log = structlog.get_logger("directory")


class HashRenewal:
    """Renews hashes beside the log-ins. What fails is tried again at the user's next log-in."""

    def __init__(self, store: EventStore, hasher: PasswordHasher) -> None:
        self._store = store
        self._hasher = hasher
        self._under_way: set[str] = set()

    def logged_in(self, user: str, stored: str, password: str) -> None:
        """Note that a password was right for a stored hash."""
        if user not in self._under_way and self._hasher.is_outdated(stored):
            self._under_way.add(user)
            spawn(self._renew(user, stored, password), "renew-hash")

    async def _renew(self, user: str, stored: str, password: str) -> None:
        try:
            renewed = await self._hasher.hash(password)
            await self._store.write(lambda tx: _replace(tx, user, stored, renewed))
        except (TooManyWaiting, StoreUnavailable) as error:
            log.info("directory.hash_not_renewed", user=user, error=type(error).__name__)
        finally:
            self._under_way.discard(user)


def _replace(tx: Transaction, user: str, stored: str, renewed: str) -> None:
    """Replace the hash, unless the user got another password meanwhile."""
    state = load.user(tx, user)
    if state is not None and state.password_hash == stored:
        append(tx, f"user:{user}", [UserHashRenewed(user, renewed)], Provenance(Actor("user", id=user)))
