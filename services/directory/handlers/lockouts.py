"""Lists and lifts lockouts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain.lockouts import CLIENT, NETWORK, Lockout
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from services.directory.domain.throttle import Throttle
from services.directory.handlers import load
from services.directory.handlers.credential_rows import application
from services.directory.handlers.lockout_rows import WallTimes, record_lifted
from services.directory.handlers.login_journal import LoginJournal
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.network.address import network_of


class LockoutChoice(msgspec.Struct, frozen=True):
    """Which lockouts: those at an account, those of a network, or all."""

    account: str = ""
    """An address or an id."""
    address: str = ""


class LockoutCommands:
    """Answers from memory, where the limits are; what is lifted is recorded first."""

    def __init__(self, store: EventStore, throttle: Throttle, journal: LoginJournal, clock: Clock) -> None:
        self._store = store
        self._throttle = throttle
        self._journal = journal
        self._clock = clock

    @property
    def times(self) -> WallTimes:
        """Converts the times of lockouts."""
        return WallTimes(self._clock)

    async def chosen(self, choice: LockoutChoice) -> Sequence[Lockout]:
        """The lockouts in force, the last one first. Raises DirectoryRefused for an account that does not exist."""
        key = await self._store.read(lambda reader: _key(reader, choice.account)) if choice.account else ""
        network = _network(choice.address) if choice.address else ""
        return [
            entry
            for entry in self._throttle.lockouts.in_force(self._clock.monotonic())
            if (not key or entry.account == key) and (not network or entry.network == network)
        ]

    async def lift(self, choice: LockoutChoice, provenance: Provenance) -> Sequence[Lockout]:
        """End lockouts; returns them."""
        await self._journal.write()  # their beginnings
        lifted = await self.chosen(choice)
        if lifted:
            await self._store.write(lambda tx: record_lifted(tx, lifted, provenance))
        for lockout in lifted:
            self._throttle.lift(lockout)
        return lifted


def reason_of(lockout: Lockout) -> str:
    """Why log-ins are refused, as a sentence."""
    mistakes = f"{lockout.mistakes} different wrong passwords"
    if lockout.kind == CLIENT:
        return f"{mistakes} from there at this account, the last one by {lockout.protocol}"
    if lockout.kind == NETWORK:
        return f"{mistakes} from there at any accounts, the last one by {lockout.protocol}"
    return f"{mistakes} from networks that are new to this account, the last one by {lockout.protocol}"


def _key(reader: Reader, name: str) -> str:
    account = load.account(reader, name) or application(reader, name)
    if account is None:
        raise DirectoryRefused("missing", f"there is no account {name}")
    return key_of(account.address)


def _network(address: str) -> str:
    network = network_of(address.strip().partition("/")[0])
    if not network:
        raise DirectoryRefused("invalid", f"{address} is neither an address nor a network, such as 192.0.2.7")
    return network
