"""Loads app passwords and applications."""

from __future__ import annotations

import msgspec

from services.directory.domain.app_passwords import AppPasswordState
from services.directory.domain.applications import ApplicationState
from services.directory.domain.names import key_of
from services.directory.domain.state import AccountState
from shared.events.account_limits import ApplicationQuotaChanged
from shared.events.credentials import ApplicationAdded, ApplicationSwitched
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event

_OF_USER = (
    "SELECT id, person, name, scopes, networks, expires_at, expired, added_at, last_used_at, last_used_from,"
    " secret_hash FROM app_password"
)
_APPLICATION = (
    "SELECT application.id, address, receives, disabled, mails_an_hour, quota_bytes, quota_messages, size_limit.octets,"
    " secret_hash FROM application LEFT JOIN size_limit ON size_limit.id = application.id"
)
_texts = msgspec.json.Decoder(tuple[str, ...])


def app_passwords_of(reader: Reader, user: str) -> list[AppPasswordState]:
    """The app passwords of a user, by id, in the order in which they were made."""
    return [_password(row) for row in reader.all(f"{_OF_USER} WHERE person = ? ORDER BY id", (user,))]


def app_password(reader: Reader, identity: str) -> AppPasswordState | None:
    """The app password with this id."""
    stored = stored_app_password(reader, identity)
    return None if stored is None else stored[0]


def stored_app_password(reader: Reader, identity: str) -> tuple[AppPasswordState, str] | None:
    """The app password with this id, and its hash."""
    row = reader.first_row(f"{_OF_USER} WHERE id = ?", (identity,))
    return None if row is None else (_password(row), row[-1])


def expiring_app_passwords(reader: Reader, limit: int) -> list[tuple[str, int]]:
    """The ids of the app passwords that expire next, with their times."""
    sql = "SELECT id, expires_at FROM app_password WHERE expired = ? AND expires_at > 0 ORDER BY expires_at LIMIT ?"
    return [(identity, expires_at) for identity, expires_at in reader.all(sql, (False, limit))]


def application(reader: Reader, name: str) -> ApplicationState | None:
    """The application with this address or id."""
    row = reader.first_row(f"{_APPLICATION} WHERE key = ? OR application.id = ?", (key_of(name), name))
    return None if row is None else _application(row)


def stored_application(reader: Reader, key: str) -> tuple[ApplicationState, str] | None:
    """The application with this lookup key, and the hash of its password."""
    row = reader.first_row(f"{_APPLICATION} WHERE key = ?", (key,))
    return None if row is None else (_application(row), row[-1])


def applications(reader: Reader) -> list[ApplicationState]:
    """All applications, by address."""
    return [_application(row) for row in reader.all(f"{_APPLICATION} ORDER BY domain, key")]


def application_as_account(reader: Reader, identity: str) -> AccountState | None:
    """The account that keeps the mail of the application with this id."""
    row = reader.first_row(f"{_APPLICATION} WHERE application.id = ?", (identity,))
    if row is None:
        return None
    state = _application(row)
    return AccountState(
        state.id,
        state.address,
        "",
        "",
        state.quota_bytes,
        state.disabled,
        state.quota_messages,
        max_message_size=state.max_message_size,
    )


def application_events(row: Row) -> list[Event]:
    """The events that would create an application for the copies of the address book, which get no hash."""
    identity, address, receives, disabled, mails_an_hour, quota_bytes, quota_messages = row
    events: list[Event] = [ApplicationAdded(identity, address, "", bool(receives), mails_an_hour, quota_bytes)]
    if disabled:
        events.append(ApplicationSwitched(identity, True))
    if quota_messages:
        events.append(ApplicationQuotaChanged(identity, quota_bytes, quota_messages))
    return events


def _password(row: Row) -> AppPasswordState:
    identity, user, name, scopes, networks, expires_at, expired, added_at, used_at, used_from, _ = row
    return AppPasswordState(
        identity,
        user,
        name,
        _texts.decode(scopes),
        _texts.decode(networks),
        expires_at,
        bool(expired),
        added_at,
        used_at,
        used_from,
    )


def _application(row: Row) -> ApplicationState:
    identity, address, receives, disabled, mails_an_hour, quota_bytes, quota_messages, size, _ = row
    return ApplicationState(
        identity, address, bool(receives), bool(disabled), mails_an_hour, quota_bytes, quota_messages, size or 0
    )
