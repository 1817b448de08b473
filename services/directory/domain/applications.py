"""Decisions on applications: programs that send mail from an address of their own, which ends in `.app`."""

from __future__ import annotations

import msgspec

from services.directory.domain.decide import change_size_limit, check_free, check_limits
from services.directory.domain.names import parsed_address
from services.directory.domain.state import AccountState, DirectoryRefused, GivenLimits
from shared.events.account_limits import ApplicationQuotaChanged
from shared.events.credentials import (
    ApplicationAdded,
    ApplicationLimited,
    ApplicationPasswordChanged,
    ApplicationReceivingSwitched,
    ApplicationRemoved,
    ApplicationRenamed,
    ApplicationSwitched,
)
from shared.eventstore.event import Event
from shared.protocol.address.account import APPLICATION_SUFFIX, account_name, is_application_name
from shared.protocol.address.address import Address
from shared.protocol.address.domain import AddressError

MAILS_AN_HOUR_LIMIT = 1_000_000
SEND_ONLY = "send-only"
"""The refusal of the right password where mail is read."""
_SENDING = frozenset({"smtp", "submission", "submissions", "api"})
"""The protocols that every application may use."""


class ApplicationState(msgspec.Struct, frozen=True):
    """An application, without the hash of its password."""

    id: str
    address: str
    receives: bool
    disabled: bool
    mails_an_hour: int
    quota_bytes: int
    quota_messages: int = 0
    max_message_size: int = 0
    """Octets; 0: only the limits of its domain and of the server count."""


class ApplicationChange(msgspec.Struct, frozen=True):
    """What an operator asks of an application; None leaves a value as it is."""

    receives: bool | None = None
    disabled: bool | None = None
    mails_an_hour: int | None = None
    limits: GivenLimits = GivenLimits()


def application_address(text: str) -> Address:
    """The canonical address of an application. Raises DirectoryRefused."""
    address = parsed_address(text)
    try:
        name = account_name(address.localpart)
    except AddressError as error:
        raise DirectoryRefused("invalid", f"{text!r} cannot be an application: {error.reason}") from error
    if not is_application_name(name) or name == APPLICATION_SUFFIX:
        raise DirectoryRefused(
            "invalid",
            f"{text!r} cannot be an application: its name ends in {APPLICATION_SUFFIX}, as shop.app@{address.domain}",
        )
    return Address(name, address.domain)


def add_application(holder: str, ours: bool, added: ApplicationAdded, messages: int) -> list[Event]:
    """Add an application in a domain that is `ours`; `holder` says what holds its address. Raises DirectoryRefused.

    `messages` is how many it may have; 0: no limit.
    """
    check_free(holder, ours, parsed_address(added.address))
    _check_limit(added.mails_an_hour)
    return [added, ApplicationQuotaChanged(added.id, added.quota_bytes, messages)] if messages else [added]


def change_application(state: ApplicationState, change: ApplicationChange) -> list[Event]:
    """Change an application; no event when nothing changes. Raises DirectoryRefused."""
    events: list[Event] = []
    if change.disabled is not None and change.disabled != state.disabled:
        events.append(ApplicationSwitched(state.id, change.disabled))
    if change.receives is not None and change.receives != state.receives:
        events.append(ApplicationReceivingSwitched(state.id, change.receives))
    if change.mails_an_hour is not None and change.mails_an_hour != state.mails_an_hour:
        _check_limit(change.mails_an_hour)
        events.append(ApplicationLimited(state.id, change.mails_an_hour))
    return events + _change_limits(state, change.limits)


def rename_application(state: ApplicationState, holder: str, ours: bool, address: Address) -> list[Event]:
    """Give an application another address. Raises DirectoryRefused."""
    if str(address) == state.address:
        return []
    check_free(holder, ours, address)
    return [ApplicationRenamed(state.id, str(address), state.address)]


def change_password(state: ApplicationState, secret_hash: str) -> list[Event]:
    """Give an application a new password."""
    return [ApplicationPasswordChanged(state.id, secret_hash)]


def remove_application(state: ApplicationState | AccountState) -> list[Event]:
    """Take the address of an application away. Its mail is archived or deleted like that of an account."""
    return [ApplicationRemoved(state.id, state.address)]


def refusal_of_application(state: ApplicationState, protocol: str) -> str:
    """Why the right password does not open a session of this protocol; empty when it does."""
    return "" if state.receives or protocol in _SENDING else SEND_ONLY


def _change_limits(state: ApplicationState, limits: GivenLimits) -> list[Event]:
    check_limits(limits)
    present = (state.quota_bytes, state.quota_messages)
    desired = (
        state.quota_bytes if limits.octets is None else limits.octets,
        state.quota_messages if limits.messages is None else limits.messages,
    )
    events: list[Event] = [ApplicationQuotaChanged(state.id, *desired)] if desired != present else []
    return events + change_size_limit(state.id, state.max_message_size, limits)


def _check_limit(mails_an_hour: int) -> None:
    if mails_an_hour > MAILS_AN_HOUR_LIMIT:
        raise DirectoryRefused("invalid", f"the limit is at most {MAILS_AN_HOUR_LIMIT} mails an hour; 0 is no limit")
