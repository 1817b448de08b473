"""Which mailboxes of others an account sees."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import msgspec

from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.held_rights import Holders, SharedName
from services.mailstore.handlers.identifiers import account_at_level, level_of
from services.mailstore.handlers.own_seen import OwnSeen
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.turns import Turns

_STATES_A_PAGE = 50
_WITH_OWN_SEEN = "SELECT mailbox FROM own_seen_reader WHERE reader = '' AND mailbox IN ({})"


class SharingOwner(NamedTuple):
    """An account that shares mailboxes, and those that are seen."""

    account: str
    level: str
    """What stands for it in mailbox names."""
    is_group: bool
    mailboxes: list[SharedName]


class SharedStates(NamedTuple):
    """The counters of an owner's mailboxes that may be read."""

    version: int
    """The version of the owner's account that they show; those that were read later may be newer."""
    by_id: dict[str, MailboxState]


class SharedMailboxes:
    """The questions."""

    def __init__(self, store: EventStore, holders: Holders, turns: Turns) -> None:
        self._store = store
        self._holders = holders
        self._turns = turns
        self._own_seen = OwnSeen(store, turns)

    @property
    def is_on(self) -> bool:
        """Whether mailboxes may be shared on this server. Raises Unavailable."""
        return self._holders.book.sharing.is_on

    async def owner(self, account: str, level: str, *, group: bool) -> str:
        """The id of the account for which a level of a name stands; empty when it shares nothing with `account`.

        The work is the same for an account that does not exist.
        """
        book = self._holders.book
        known = account_at_level(book, level)
        is_right_kind = known is not None and (known.user in book.names.groups.by_id) == group
        identity = known.id if known is not None and is_right_kind else ""

        owners = await self._store.read(lambda reader: self._holders.owners(reader, account))
        return identity if identity in owners else ""

    async def listed(self, account: str, only: str = "") -> list[SharingOwner]:
        """All mailboxes of others for which an account has `l`, by the level of their owners.

        `only`: the id of the single owner whose mailboxes are asked for.
        """
        owners = await self._store.read(lambda reader: self._holders.owners(reader, account))
        listed = [await self._seen(account, owner) for owner in owners if only in ("", owner)]
        return sorted(owner for owner in listed if owner.mailboxes)

    async def states(self, account: str, owner: SharingOwner) -> SharedStates:
        """The counters of those that may be read, as an account sees them."""
        version = await self._store.read(lambda reader: queries.version_of(reader, owner.account))
        readable = [mailbox.mailbox for mailbox in owner.mailboxes if "r" in mailbox.rights]
        states: dict[str, MailboxState] = {}
        for at in range(0, len(readable), _STATES_A_PAGE):
            page = readable[at : at + _STATES_A_PAGE]
            present = await self._store.read(partial(_states, account=owner.account, mailboxes=page))
            own = await self._store.read(partial(_with_own_seen, mailboxes=page))
            for state in present:
                states[state.id] = await self._as_seen(account, state) if state.id in own else state
            await self._turns.spend(rows=2 * len(page))
        return SharedStates(version, states)

    async def _as_seen(self, account: str, state: MailboxState) -> MailboxState:
        r"""The counters of a mailbox in which the account has a \Seen of its own."""
        seen, modseq = await self._own_seen.counted(state.id, account)
        unseen = max(0, state.messages - seen)
        return msgspec.structs.replace(state, unseen=unseen, modseq=max(state.modseq, modseq))

    async def _seen(self, account: str, owner: str) -> SharingOwner:
        book = self._holders.book
        shared = await self._store.read(lambda reader: self._holders.of_mailboxes(reader, account, owner))
        await self._turns.spend(rows=len(shared))
        known = book.names.account_with_id(owner)
        level = level_of(known.address, owner) if known is not None else owner
        is_group = known is not None and known.user in book.names.groups.by_id
        return SharingOwner(owner, level, is_group, [mailbox for mailbox in shared if "l" in mailbox.rights])


def _states(reader: Reader, account: str, mailboxes: list[str]) -> list[MailboxState]:
    return [state for mailbox in mailboxes for state in load.mailbox_if_any(reader, account, mailbox, "")]


def _with_own_seen(reader: Reader, mailboxes: list[str]) -> set[str]:
    marks = ", ".join("?" * len(mailboxes))
    return {row[0] for row in reader.all(_WITH_OWN_SEEN.format(marks), mailboxes)}
