"""Whether accounts are to have an All Mail mailbox: the account decides, else its domain, else the server."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain.state import AccountState, DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.events.all_mail import AccountAllMailChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.routing.domain_values import tri_state

_DOMAIN_VALUE = (
    "SELECT domain_value.value FROM domain JOIN domain_value ON domain_value.domain = domain.id"
    " WHERE domain.name = ? AND domain_value.name = 'all_mail'"
)
_CHOSEN = (
    "SELECT account.id FROM account JOIN domain ON domain.name = account.domain"
    " LEFT JOIN all_mail ON all_mail.account = account.id"
    " LEFT JOIN domain_value ON domain_value.domain = domain.id AND domain_value.name = 'all_mail'"
)


class AllMailState(msgspec.Struct, frozen=True):
    """The values for an account: `on`, `off`, or empty where nothing is said."""

    account: AccountState
    own: str
    domain: str

    def is_on(self, *, server: bool) -> bool:
        """Whether the account is to have the mailbox; `server` is the setting of the server."""
        value = self.own or self.domain
        return value == "on" if value else server


def shown(reader: Reader, name: str) -> AllMailState:
    """The values for an account, by address or id. Raises DirectoryRefused."""
    account = load.existing("account", name, load.account(reader, name))
    own = reader.first_row("SELECT value FROM all_mail WHERE account = ?", (account.id,))
    domain = reader.first_row(_DOMAIN_VALUE, (account.address.rpartition("@")[2],))
    return AllMailState(account, own[0] if own is not None else "", domain[0] if domain is not None else "")


def chosen(reader: Reader, accounts: Sequence[str], *, server: bool) -> list[str]:
    """Those of these accounts (ids) that are to have the mailbox."""
    marks = ", ".join("?" * len(accounts))
    sql = f"{_CHOSEN} WHERE account.id IN ({marks}) AND coalesce(all_mail.value, domain_value.value, ?) = 'on'"
    return [row[0] for row in reader.all(sql, (*accounts, "on" if server else "off"))] if accounts else []


def may_be_chosen(reader: Reader, *, server: bool) -> bool:
    """Whether any account may be one that is to have the mailbox."""
    return server or any(
        reader.first_row(sql) is not None
        for sql in (
            "SELECT 1 FROM all_mail WHERE value = 'on' LIMIT 1",
            "SELECT 1 FROM domain_value WHERE name = 'all_mail' AND value = 'on' LIMIT 1",
        )
    )


def change(tx: Transaction, name: str, text: str, provenance: Provenance) -> AllMailState:
    """Give an account a value of its own, or take it away with `default`. Raises DirectoryRefused."""
    try:
        value = tri_state("all_mail", text)
    except ValueError as error:
        raise DirectoryRefused("invalid", str(error)) from error
    present = shown(tx, name)
    if value != present.own:
        identity = present.account.id
        append(tx, f"account:{identity}", [AccountAllMailChanged(identity, value)], provenance)
    return shown(tx, name)
