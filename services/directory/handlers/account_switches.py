"""Switches of accounts: the account decides, else its domain, else the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from services.directory.domain.state import AccountState, DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.events.all_mail import AccountAllMailChanged
from shared.events.pop3 import AccountPop3Changed
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.routing.domain_values import tri_state


class SwitchState(msgspec.Struct, frozen=True):
    """The values for an account: `on`, `off`, or empty where nothing is said."""

    account: AccountState
    own: str
    domain: str

    def is_on(self, *, server: bool) -> bool:
        """What counts for the account; `server` is the setting of the server."""
        return chosen(self.own, self.domain, server=server)


class AccountSwitch:
    """One switch. `name` is the name of the value of domains, `table` that of the projection."""

    def __init__(self, name: str, table: str, changed: Callable[[str, str], Event]) -> None:
        self._name = name
        self._changed = changed
        self._values = (
            f"SELECT {table}.value, domain_value.value FROM account JOIN domain ON domain.name = account.domain"  # noqa: S608
            f" LEFT JOIN {table} ON {table}.account = account.id"
            f" LEFT JOIN domain_value ON domain_value.domain = domain.id AND domain_value.name = '{name}'"
            " WHERE account.id "
        )
        self._any = (
            f"SELECT 1 FROM {table} WHERE value = 'on' LIMIT 1",  # noqa: S608
            f"SELECT 1 FROM domain_value WHERE name = '{name}' AND value = 'on' LIMIT 1",  # noqa: S608
        )
        self._of_accounts = self._values.replace("SELECT ", "SELECT account.id, ", 1)

    def values(self, reader: Reader, account: str) -> tuple[str, str]:
        """The values of an account (an id) and of its domain."""
        own, domain = reader.first_row(f"{self._values} = ?", (account,)) or ("", "")
        return own or "", domain or ""

    def shown(self, reader: Reader, name: str) -> SwitchState:
        """The values for an account, by address or id. Raises DirectoryRefused."""
        account = load.existing("account", name, load.account(reader, name))
        return SwitchState(account, *self.values(reader, account.id))

    def on(self, reader: Reader, accounts: Sequence[str], *, server: bool) -> list[str]:
        """Those of these accounts (ids) that exist and for which it is on."""
        if not accounts:
            return []
        marks = ", ".join("?" * len(accounts))
        rows = reader.all(f"{self._of_accounts} IN ({marks})", tuple(accounts))
        return [account for account, own, domain in rows if chosen(own or "", domain or "", server=server)]

    def may_be_on(self, reader: Reader, *, server: bool) -> bool:
        """Whether it may be on for any account."""
        return server or any(reader.first_row(sql) is not None for sql in self._any)

    def change(self, tx: Transaction, name: str, text: str, provenance: Provenance) -> SwitchState:
        """Give an account a value of its own, or take it away with `default`. Raises DirectoryRefused."""
        try:
            value = tri_state(self._name, text)
        except ValueError as error:
            raise DirectoryRefused("invalid", str(error)) from error
        present = self.shown(tx, name)
        if value != present.own:
            identity = present.account.id
            append(tx, f"account:{identity}", [self._changed(identity, value)], provenance)
        return self.shown(tx, name)


def chosen(own: str, domain: str, *, server: bool) -> bool:
    """What counts of three values."""
    value = own or domain
    return value == "on" if value else server


ALL_MAIL = AccountSwitch("all_mail", "all_mail", AccountAllMailChanged)
"""Whether accounts are to have an All Mail mailbox."""
POP3 = AccountSwitch("pop3", "pop3_switch", AccountPop3Changed)
"""Whether accounts may be read with POP3."""
