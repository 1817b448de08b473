"""Commands and questions on the right to send as an account of another user."""

from __future__ import annotations

from typing import NamedTuple

from services.directory.domain import send_as
from services.directory.domain.state import AccountState, DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append, user_id
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction

_GRANTED = (
    "SELECT account.id, account.address FROM send_as JOIN account ON account.id = send_as.account"
    " WHERE send_as.person = ? ORDER BY account.key"
)


class SendAsState(NamedTuple):
    """A user, and the accounts of others as which the user may send: address by id."""

    user: str
    accounts: dict[str, str]


def grant(tx: Transaction, name: str, address: str, provenance: Provenance) -> SendAsState:
    """Let a user send as an account."""
    user, account = user_id(tx, name), granted_account(tx, address)
    append(tx, f"user:{user}", send_as.grant(user, account, accounts_granted(tx, user)), provenance)
    return granted(tx, name)


def revoke(tx: Transaction, name: str, address: str, provenance: Provenance) -> SendAsState:
    """Take the right away."""
    user, account = user_id(tx, name), granted_account(tx, address)
    append(tx, f"user:{user}", send_as.revoke(user, account, accounts_granted(tx, user)), provenance)
    return granted(tx, name)


def granted(reader: Reader, name: str) -> SendAsState:
    """The accounts of others as which a user may send."""
    user = load.existing("user", name, load.user(reader, name))
    return SendAsState(user.name, accounts_granted(reader, user.id))


def accounts_granted(reader: Reader, user: str) -> dict[str, str]:
    """The accounts of others as which a user, by id, may send: address by id."""
    return dict(reader.all(_GRANTED, (user,)))


def granted_account(reader: Reader, address: str) -> AccountState:
    """The account that a grant names. Raises DirectoryRefused."""
    account = load.account(reader, address)
    if account is None and load.alias(reader, address) is not None:
        raise DirectoryRefused("invalid", f"{address} is an alias: `mailfold alias owners` names who may send as it")
    return load.existing("account", address, account)
