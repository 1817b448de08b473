"""Whether accounts may be read with POP3: the account decides, else its domain, else the server."""

from __future__ import annotations

import msgspec

from services.directory.domain.state import AccountState, DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append
from services.directory.handlers.credentials_tried import LoginAnswer
from shared.events.pop3 import AccountPop3Changed
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.routing.domain_values import tri_state

PROTOCOL_OFF = "protocol-off"
"""The reason of a refusal: the password is right, and the account may not be read with this protocol."""
_VALUES = (
    "SELECT pop3_switch.value, domain_value.value FROM account JOIN domain ON domain.name = account.domain"
    " LEFT JOIN pop3_switch ON pop3_switch.account = account.id"
    " LEFT JOIN domain_value ON domain_value.domain = domain.id AND domain_value.name = 'pop3' WHERE account.id = ?"
)


class Pop3State(msgspec.Struct, frozen=True):
    """The values for an account: `on`, `off`, or empty where nothing is said."""

    account: AccountState
    own: str
    domain: str

    def is_on(self, *, server: bool) -> bool:
        """Whether the account may be read with POP3; `server` is the setting of the server."""
        return _chosen(self.own, self.domain, server=server)


class ProtocolSwitches:
    """What a log-in asks for after the password."""

    def __init__(self, store: EventStore, *, pop3: bool) -> None:
        """`pop3` is the setting of the server."""
        self._store = store
        self._pop3 = pop3

    async def judged(self, protocol: str, opened: LoginAnswer) -> LoginAnswer:
        """The answer to a log-in, or a refusal where the account may not be read with the protocol."""
        if opened.refusal or protocol != "pop3":
            return opened
        values = await self._store.read(lambda reader: _values(reader, opened.account))
        return opened if _chosen(*values, server=self._pop3) else LoginAnswer(PROTOCOL_OFF)


def shown(reader: Reader, name: str) -> Pop3State:
    """The values for an account, by address or id. Raises DirectoryRefused."""
    account = load.existing("account", name, load.account(reader, name))
    return Pop3State(account, *_values(reader, account.id))


def change(tx: Transaction, name: str, text: str, provenance: Provenance) -> Pop3State:
    """Give an account a value of its own, or take it away with `default`. Raises DirectoryRefused."""
    try:
        value = tri_state("pop3", text)
    except ValueError as error:
        raise DirectoryRefused("invalid", str(error)) from error
    present = shown(tx, name)
    if value != present.own:
        identity = present.account.id
        append(tx, f"account:{identity}", [AccountPop3Changed(identity, value)], provenance)
    return shown(tx, name)


def _values(reader: Reader, account: str) -> tuple[str, str]:
    own, domain = reader.first_row(_VALUES, (account,)) or ("", "")
    return own or "", domain or ""


def _chosen(own: str, domain: str, *, server: bool) -> bool:
    value = own or domain
    return value == "on" if value else server
