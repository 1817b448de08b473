"""Makes and opens the keys of passwords for SCRAM-SHA-256 (RFC 5802): when a password is set, or used in clear."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import structlog

from services.directory.domain.generated_passwords import read_generated
from services.directory.handlers import scram_rows
from services.directory.handlers.commands import append
from services.directory.handlers.credentials_tried import LoginAnswer
from services.directory.handlers.scram_rows import StoredKeys, StoredSalt
from services.directory.handlers.secret_keys import check_key
from shared.background import spawn
from shared.events.credentials import ApplicationPasswordChanged
from shared.events.directory import UserPasswordChanged
from shared.events.verifiers import ScramKeysMade, ScramSaltChosen, ScramSecretMade
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.sasl.scram_verifier import DEFAULT_ITERATIONS, SALT_OCTETS, ScramKeys, salt_of_nobody, scram_keys
from shared.secrets import SecretKeyMissing, SecretsError
from shared.secrets.keyring import Keyring
from shared.secrets.sealed import KEY_OCTETS, NONCE_OCTETS, SecretKey
from shared.secrets.sending import scram_secret_owner

log = structlog.get_logger("directory")
_UPKEEP = Provenance(Actor("system", id="scram"))
_KEY_HALF = 32
_MOST_KNOWN = 200_000
_MOST_AT_ONCE = 2
"""Keys that are computed at once after log-ins; they are made of log-ins, so nobody waits for them."""


class ScramKeyMaker:
    """Makes and opens the keys. Without its secret, which a lost key file takes away, nothing is made or offered."""

    def __init__(
        self,
        store: EventStore,
        keyring: Keyring,
        ids: Ids,
        random_octets: Callable[[int], bytes] = os.urandom,
        iterations: int = DEFAULT_ITERATIONS,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._ids = ids
        self._random_octets = random_octets
        self._iterations = iterations
        self._key: SecretKey | None = None
        self._secret = b""
        self._known: set[str] = set()
        self._gate = asyncio.Semaphore(_MOST_AT_ONCE)
        self._under_way: set[str] = set()
        self._making = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the secret is there."""
        return self._key is not None

    async def start(self) -> None:
        """Open the secret, if there is one."""
        await self._prepare(self._present_secret)

    async def ensure(self) -> None:
        """Make the secret, before the first password is set or used."""
        async with self._making:
            if self._key is None:
                await self._prepare(self._present_or_made)

    async def _prepare(self, secret: Callable[[], Awaitable[bytes | None]]) -> None:
        try:
            octets = await secret()
            if octets is not None:
                self._secret, self._key = octets, SecretKey(octets)
        except (SecretsError, ValueError) as error:
            log.error("directory.scram_not_offered", reason=str(error))

    def follow(self, recorded: list[Recorded]) -> None:
        """Note at a commit which passwords have new hashes, so that the next log-in makes keys."""
        for entry in recorded:
            if isinstance(entry.event, UserPasswordChanged | ApplicationPasswordChanged):
                self._known.discard(entry.event.id)

    def remember(self, tx: Transaction, owner: str, credential: str, password: str, provenance: Provenance) -> None:
        """Make the keys of a new password in the unit of work that sets it; it takes milliseconds of the writer."""
        if self._key is None or not password or scram_rows.has_keys(tx, credential):
            return
        salt = scram_rows.salt_of(tx, owner)
        made = salt or self._new_salt()
        self._write(tx, owner, made, self._sealed(credential, password, made), provenance)

    def logged_in(self, opened: LoginAnswer, password: str) -> None:
        """Note a password that was right; its keys are made beside the log-in, if it has none."""
        credential = opened.credential or opened.user
        if opened.refusal or credential in self._known or credential in self._under_way:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._under_way.add(credential)
        generated = read_generated(password)
        text = password if generated is None else generated.text
        spawn(self._make(opened, credential, text), "make-scram-keys")

    def salt_of_nobody(self, name: str) -> StoredSalt:
        """The salt of a name that opens nothing; the same at each time."""
        return StoredSalt(salt_of_nobody(name, self._secret), self._iterations)

    def opened(self, stored: StoredKeys) -> ScramKeys | None:
        """The keys in clear; None when they cannot be decrypted."""
        if self._key is None:
            return None
        try:
            octets = self._key.open(stored.keys, stored.credential).reveal()
        except SecretsError as error:
            log.error("directory.scram_keys_unreadable", credential=stored.credential, error=str(error))
            return None
        return ScramKeys(octets[:_KEY_HALF], octets[_KEY_HALF:])

    async def _make(self, opened: LoginAnswer, credential: str, password: str) -> None:
        owner = opened.user
        try:
            async with self._gate:
                await self.ensure()
                if self._key is None:
                    return
                salt = await self._store.read(lambda reader: self._salt_if_needed(reader, owner, credential))
                if salt is not None:
                    keys = await asyncio.to_thread(self._sealed, credential, password, salt)
                    await self._store.write(lambda tx: self._note(tx, opened, salt, keys))
            self._known.add(credential)
        except StoreUnavailable as error:  # the next log-in tries again
            log.info("directory.scram_keys_not_made", credential=credential, error=type(error).__name__)
        finally:
            self._under_way.discard(credential)

    def _salt_if_needed(self, reader: Reader, owner: str, credential: str) -> StoredSalt | None:
        if scram_rows.has_keys(reader, credential):
            return None
        if credential == owner and scram_rows.is_elsewhere(reader, owner):
            return None
        return scram_rows.salt_of(reader, owner) or self._new_salt()

    def _note(self, tx: Transaction, opened: LoginAnswer, salt: StoredSalt, keys: StoredKeys) -> None:
        """Store the keys, unless the password was changed or another log-in was faster."""
        is_over = scram_rows.ended_since(tx, _stream_of_password(opened), opened.as_of)
        if not is_over and not scram_rows.has_keys(tx, keys.credential):
            self._write(tx, opened.user, salt, keys, Provenance(Actor("user", id=opened.user)))

    def _write(self, tx: Transaction, owner: str, salt: StoredSalt, keys: StoredKeys, provenance: Provenance) -> None:
        present = scram_rows.salt_of(tx, owner)
        if present not in (None, salt):  # chosen meanwhile by another log-in; the next one has keys for it
            return
        events: list[Event] = [] if present else [ScramSaltChosen(owner, salt.salt.hex(), salt.iterations)]
        append(tx, f"scram:{owner}", [*events, ScramKeysMade(owner, keys.credential, keys.keys)], provenance)

    def _sealed(self, credential: str, password: str, salt: StoredSalt) -> StoredKeys:
        assert self._key is not None
        keys = scram_keys(password, salt.salt, salt.iterations)
        sealed = self._key.seal(keys.stored_key + keys.server_key, credential, self._random_octets(NONCE_OCTETS))
        return StoredKeys(credential, sealed)

    def _new_salt(self) -> StoredSalt:
        return StoredSalt(self._random_octets(SALT_OCTETS), self._iterations)

    async def _present_or_made(self) -> bytes:
        return await self._present_secret() or await self._made_secret()

    async def _present_secret(self) -> bytes | None:
        """The secret; None when there is none, or when its key is gone and the operator has begun with another one."""
        try:
            return await self._opened_secret()
        except SecretKeyMissing:
            if not await asyncio.to_thread(self._keyring.ids):
                raise
            return None

    async def _opened_secret(self) -> bytes | None:
        row = await self._store.read(lambda reader: reader.first_row("SELECT id, secret FROM scram_secret"))
        if row is None:
            return None
        opened = await asyncio.to_thread(self._keyring.open, row[1], scram_secret_owner(row[0]))
        return opened.reveal()

    async def _made_secret(self) -> bytes:
        await check_key(self._store, self._keyring)
        identity, secret = self._ids.new(IdKind.SCRAM_SECRET), self._random_octets(KEY_OCTETS)
        sealed = await asyncio.to_thread(self._keyring.seal, secret, scram_secret_owner(identity))
        event = ScramSecretMade(identity, sealed)
        await self._store.write(lambda tx: append(tx, "scram", [event], _UPKEEP))
        return secret


def _stream_of_password(opened: LoginAnswer) -> str:
    """The stream with the changes of the password with which an account was opened."""
    if opened.credential:
        return f"app-password:{opened.credential}"
    return f"account:{opened.account}" if opened.user == opened.account else f"user:{opened.user}"
