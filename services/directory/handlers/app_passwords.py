"""Commands on app passwords: each method is the body of a unit of work."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import msgspec

from services.directory.domain import app_passwords
from services.directory.domain.app_passwords import AppPasswordRequest, AppPasswordState
from services.directory.domain.generated_passwords import (
    SALT_OCTETS,
    SECRET_OCTETS,
    GeneratedPassword,
    hash_of,
    new_generated,
)
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import credential_rows
from services.directory.handlers.commands import append, user_id
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids


class AppPasswordShown(msgspec.Struct, frozen=True):
    """An app password, and its text where it was made just now."""

    state: AppPasswordState
    text: str = ""

    def __repr__(self) -> str:
        return f"AppPasswordShown({self.state!r})"


class PasswordMaker:
    """Makes passwords; the random octets come from the operating system."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random

    def new(self, identity: str) -> tuple[GeneratedPassword, str]:
        """A new password for what has this id, and the hash to store."""
        made = new_generated(identity, self._random(SECRET_OCTETS))
        return made, hash_of(made.secret, self._random(SALT_OCTETS))


class AppPasswordCommands:
    """The commands."""

    def __init__(self, ids: Ids, clock: Clock, maker: PasswordMaker) -> None:
        self._ids = ids
        self._clock = clock
        self._maker = maker

    def add(self, tx: Transaction, user: str, request: AppPasswordRequest, provenance: Provenance) -> AppPasswordShown:
        """Add an app password. Its text is in this answer alone; a repeat of the command has none."""
        owner = user_id(tx, user)
        text = ""
        if not tx.answered(provenance.command):
            made, secret_hash = self._maker.new(self._ids.new(IdKind.APP_PASSWORD))
            existing, now = credential_rows.app_passwords_of(tx, owner), self._clock.now()
            events = app_passwords.add_app_password(existing, owner, made.id, secret_hash, request, now)
            append(tx, f"app-password:{made.id}", events, provenance)
            text = made.text
        return AppPasswordShown(_named(tx, owner, request.name.strip()), text)

    def expire(self, tx: Transaction, ids: Sequence[str], provenance: Provenance) -> None:
        """Note the end of those app passwords whose time is over."""
        now = self._clock.now()
        for identity in ids:
            state = credential_rows.app_password(tx, identity)
            if state is not None:
                append(tx, f"app-password:{identity}", app_passwords.expire_app_password(state, now), provenance)

    def remove(self, tx: Transaction, user: str, name: str, provenance: Provenance) -> str:
        """Remove the app password with this name or id; returns its name."""
        if not tx.answered(provenance.command):
            owner = user_id(tx, user)
            state = _named(tx, owner, name)
            append(tx, f"app-password:{state.id}", app_passwords.remove_app_password(state), provenance)
            return state.name
        return name


def listed_app_passwords(reader: Reader, user: str) -> list[AppPasswordState]:
    """The app passwords of a user. Raises DirectoryRefused when there is no such user."""
    return credential_rows.app_passwords_of(reader, user_id(reader, user))


def _named(reader: Reader, owner: str, name: str) -> AppPasswordState:
    for state in credential_rows.app_passwords_of(reader, owner):
        if state.id == name or state.name.casefold() == name.casefold():
            return state
    raise DirectoryRefused("missing", f"there is no app password {name}: `mailfold app-password list USER` shows them")
