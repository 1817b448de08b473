"""Decides whether a login name and a password open an account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from services.directory.adapters.ldap_connection import LdapUnavailable
from services.directory.domain.app_passwords import AppPasswordUse
from services.directory.domain.generated_passwords import read_generated
from services.directory.domain.guesses import Guess
from services.directory.domain.ldap_people import entry_of
from services.directory.domain.login_name import Canonical, LoginName, read_login
from services.directory.handlers.attempts import CountedAttempt, CountedAttempts
from services.directory.handlers.credentials_tried import (
    MEMBER_NOT_NAMED,
    CredentialTried,
    LoginAnswer,
    credentials_of,
)
from services.directory.handlers.generated_credentials import generated_answer
from services.directory.handlers.hash_renewal import HashRenewal
from services.directory.handlers.verified import VerifiedLogins
from shared.background import begin
from shared.clock import Clock
from shared.eventstore.store import EventStore
from shared.protocol.sasl.mechanism import prepare_password


class ChecksPasswords(Protocol):
    """Compares a password with a stored credential."""

    async def verify(self, stored: str, password: str, client: str = "") -> bool:
        """Whether it fits; an empty credential takes the same time and never fits. Raises TooManyWaiting."""
        ...


class LoginAttempt(msgspec.Struct, frozen=True):
    """One log-in, as a protocol passes it on."""

    login: str
    password: str
    protocol: str
    address: str
    authorization: str = ""
    """The account's address, when `login` is the user."""


class Authenticator:
    """Checks log-ins: a user has one password for all accounts, and for those of the user's groups.

    An unknown login takes the same time as a wrong password.
    """

    def __init__(
        self,
        store: EventStore,
        hasher: ChecksPasswords,
        attempts: CountedAttempts,
        verified: VerifiedLogins,
        clock: Clock,
        canonical: Canonical,
        renewal: HashRenewal,
    ) -> None:
        """`canonical` gives an address its domain that counts, where the domain is an alias of another one."""
        self._store = store
        self._hasher = hasher
        self._attempts = attempts
        self._verified = verified
        self._clock = clock
        self._canonical = canonical
        self._renewal = renewal
        self._running: dict[bytes, asyncio.Task[bool]] = {}

    async def open(self, attempt: LoginAttempt) -> LoginAnswer:
        """The identity, or the refusal."""
        name = read_login(attempt.login, attempt.authorization, self._canonical)
        password = prepare_password(attempt.password)
        is_generated = read_generated(password) is not None
        counted = CountedAttempt(attempt.protocol, attempt.address, name, password, is_generated)
        return await self._attempts.carry_out(
            counted, lambda tried: self._check_password(attempt, tried, name, password)
        )

    async def _check_password(self, attempt: LoginAttempt, tried: Guess, name: LoginName, password: str) -> LoginAnswer:
        generated = read_generated(password)
        if generated is not None:
            use = AppPasswordUse(attempt.protocol, attempt.address, self._clock.now())
            return await self._store.read(
                lambda reader: generated_answer(reader, name, generated, use, self._canonical)
            )
        candidates = await self._store.read(lambda reader: credentials_of(reader, name, self._canonical))
        fitting = await self._fitting(candidates.credentials, password, tried.network)
        if len(fitting) != 1:
            return LoginAnswer(MEMBER_NOT_NAMED if fitting else candidates.refusal)
        (credential,) = fitting
        if not credential.answer.refusal:
            self._renewal.logged_in(credential.user, credential.password_hash, password)
        return credential.answer

    async def _fitting(
        self, credentials: Sequence[CredentialTried], password: str, client: str
    ) -> Sequence[CredentialTried]:
        """The credentials that a password fits. Without any it takes the time of a wrong password."""
        if not credentials:
            await self._hasher.verify("", password, client)
            return ()
        hashes = "\n".join(credential.password_hash for credential in credentials)
        keys = [self._verified.key(tried.account, f"{tried.user}\n{hashes}", password) for tried in credentials]
        for key, credential in zip(keys, credentials, strict=True):
            if self._verified.holds(key, self._clock.monotonic()):
                return (credential,)
        fits = [
            await self._fits(key, credential, password, client)
            for key, credential in zip(keys, credentials, strict=True)
        ]
        if sum(fits) == 1:
            right = credentials[fits.index(True)]
            is_elsewhere = bool(entry_of(right.password_hash))
            key, now = keys[fits.index(True)], self._clock.monotonic()
            self._verified.add(key, now, right.user, is_elsewhere=is_elsewhere)
        return [credential for credential, is_right in zip(credentials, fits, strict=True) if is_right]

    async def _fits(self, key: bytes, tried: CredentialTried, password: str, client: str) -> bool:
        try:
            return await self._once(key, tried.password_hash, password, client)
        except LdapUnavailable:
            if tried.answer.refusal:  # who may not log in is refused for good, also when nobody elsewhere knows of it
                return False
            raise

    async def _once(self, key: bytes, stored: str, password: str, client: str) -> bool:
        """Check a password once for many connections that are opened with it at the same time."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = begin(self._hasher.verify(stored, password, client))
            running.add_done_callback(lambda _done: self._running.pop(key, None))
        return await asyncio.shield(running)
