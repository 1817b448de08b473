"""Decides what a proof, a token or a certificate opens: log-ins in which no password is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from services.directory.domain.app_passwords import AppPasswordUse
from services.directory.domain.login_name import Canonical, LoginName, login_key, read_login
from services.directory.domain.names import user_key
from services.directory.domain.oidc_claims import TokenRefused
from services.directory.handlers import scram_rows
from services.directory.handlers.attempts import CountedAttempt, CountedAttempts
from services.directory.handlers.credential_rows import app_password, application
from services.directory.handlers.credentials_tried import (
    BAD_CREDENTIALS,
    LoginAnswer,
    configuration_position,
    credential_for,
    user_of_account,
)
from services.directory.handlers.generated_credentials import answer_to_app_password, answer_to_application, is_meant
from services.directory.handlers.scram_keys import ScramKeyMaker
from services.directory.handlers.scram_rows import StoredKeys, StoredSalt
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore

_WRONG = LoginAnswer(BAD_CREDENTIALS)
_MOST_NAMES = 20
"""Addresses of a certificate that are looked at."""


class ChecksTokens(Protocol):
    """An issuer."""

    async def account_of(self, token: str) -> str:
        """The address of the account that a token names. Raises TokenRefused, IssuerUnavailable."""
        ...


class ClientAsking(msgspec.Struct, frozen=True):
    """What every attempt has: the protocol, the client's address, and the account that is asked for."""

    protocol: str
    address: str
    authorization: str = ""


class ScramProof(msgspec.Struct, frozen=True):
    """A proof over an AuthMessage (RFC 5802 §3)."""

    login: str
    text: bytes
    proof: bytes


class ScramVerdict(msgspec.Struct, frozen=True):
    """What a proof opens, and the server's signature."""

    answer: LoginAnswer
    signature: bytes = b""


class _Fitting(msgspec.Struct, frozen=True):
    credential: str = ""
    """The password whose keys fit."""
    signature: bytes = b""
    secret: str = ""
    """What tells equal mistakes from others; empty: nothing does."""


class ProvenLogIns:
    """The decisions."""

    def __init__(
        self,
        store: EventStore,
        attempts: CountedAttempts,
        keys: ScramKeyMaker,
        issuer: ChecksTokens,
        clock: Clock,
        canonical: Canonical,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._canonical = canonical

    async def offered(self) -> tuple[str, ...]:
        """The mechanisms that services announce."""
        return await self._store.read(scram_rows.offered)

    async def salt(self, login: str, authorization: str) -> StoredSalt:
        """The salt of a name. One that opens nothing has a salt too, the same at each time."""
        name = read_login(login, authorization, self._canonical)
        stored = await self._store.read(
            lambda reader: scram_rows.salt_of(reader, scram_rows.owner_of(reader, name, self._canonical))
        )
        return stored or self._keys.salt_of_nobody(self._nobody(name, login))

    def _nobody(self, name: LoginName, login: str) -> str:
        """What the salt of a name that opens nothing depends on: as for a user, not on the account that is asked for.

        Else two questions with two accounts would tell whether there is such a user.
        """
        if name.actor:
            return login_key(name.actor, self._canonical) or f"*{user_key(name.actor)}"
        return name.account or login.casefold()

    async def by_proof(self, client: ClientAsking, proof: ScramProof) -> ScramVerdict:
        """What a proof opens. It is tried against each password of the name; the scope is checked after that."""
        name = read_login(proof.login, client.authorization, self._canonical)
        fitting = await self._store.read(lambda reader: self._fitting(reader, name, proof))
        is_random = fitting.credential.startswith("p")
        attempt = CountedAttempt(client.protocol, client.address, name, fitting.secret, is_random)

        async def check(_guess: object) -> LoginAnswer:
            if not fitting.credential:
                return _WRONG
            return await self._store.read(lambda reader: self._opened(reader, name, fitting.credential, client))

        answer = await self._attempts.carry_out(attempt, check)
        return ScramVerdict(answer, b"" if answer.refusal else fitting.signature)

    async def by_token(self, client: ClientAsking, token: str) -> LoginAnswer:
        """What a token opens. Raises IssuerUnavailable, which counts as no mistake."""
        try:
            account = await self._issuer.account_of(token)
        except TokenRefused:  # the issuer has logged why
            account = ""
        asked = client.authorization or account
        return await self._by_names(client, [account] if account else [], asked, token)

    async def by_certificate(self, client: ClientAsking, names: Sequence[str]) -> LoginAnswer:
        """What a verified certificate with these mail addresses opens. One without an address opens nothing.

        With several addresses of accounts the client must say which one it asks for.
        """
        names = tuple(names[:_MOST_NAMES])
        return await self._by_names(client, names, client.authorization, "\n".join(names))

    async def _by_names(self, client: ClientAsking, names: Sequence[str], asked: str, secret: str) -> LoginAnswer:
        keys = [key for key in (login_key(name, self._canonical) for name in names) if key]
        account = (login_key(asked, self._canonical) or "") if asked else keys[0] if len(keys) == 1 else ""
        attempt = CountedAttempt(client.protocol, client.address, LoginName(account), secret, True)

        async def check(_guess: object) -> LoginAnswer:
            return await self._store.read(lambda reader: self._account_of(reader, account, keys))

        return await self._attempts.carry_out(attempt, check)

    def _account_of(self, reader: Reader, account: str, keys: Sequence[str]) -> LoginAnswer:
        """The account, if a user who owns one of the addresses may open it."""
        for key in keys:
            user = user_of_account(reader, key)
            tried = credential_for(reader, LoginName(account), user, self._canonical) if user else None
            if tried is not None:
                return tried.answer
        return _WRONG

    def _fitting(self, reader: Reader, name: LoginName, proof: ScramProof) -> _Fitting:
        """The password of the name whose keys fit. The former one is found, so that it is one mistake each time."""
        owner = scram_rows.owner_of(reader, name, self._canonical)
        if not owner:
            return _Fitting()
        for stored in scram_rows.keys_of(reader, owner):
            signature = self._signature(stored, proof) if self._is_meant(reader, name, stored.credential) else None
            if signature is not None:
                return _Fitting(stored.credential, signature, stored.keys)
        former = scram_rows.former_keys_of(reader, owner)
        repeated = former and self._signature(StoredKeys(owner, former), proof) is not None
        return _Fitting(secret=former if repeated else "")

    def _signature(self, stored: StoredKeys, proof: ScramProof) -> bytes | None:
        keys = self._keys.opened(stored)
        return keys.signature(proof.text, proof.proof) if keys is not None else None

    def _is_meant(self, reader: Reader, name: LoginName, credential: str) -> bool:
        if not name.label:
            return True
        state = app_password(reader, credential)
        return state is not None and is_meant(name, state)

    def _opened(self, reader: Reader, name: LoginName, credential: str, client: ClientAsking) -> LoginAnswer:
        as_of = configuration_position(reader)
        use = AppPasswordUse(client.protocol, client.address, self._clock.now())
        state = app_password(reader, credential)
        if state is not None:
            return answer_to_app_password(reader, name, state, use, self._canonical)
        known = application(reader, credential)
        if known is not None:
            return answer_to_application(reader, known, use, as_of)
        tried = credential_for(reader, name, credential, self._canonical)
        return _WRONG if tried is None else tried.answer
