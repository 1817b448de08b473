"""Events of the mailstore about the end of an account, in the stream of the account. They hold ids and counts only."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("mailbox.account_closed")
class AccountClosed(Event, frozen=True):
    """The directory removed the account: nothing is delivered to it any more."""

    account: str
    erase: bool
    """Whether its content is erased; else it is kept as an archive."""


@stored("mailbox.account_reopened")
class AccountReopened(Event, frozen=True):
    """The directory restored the account from its archive."""

    account: str


@stored("mailbox.account_erased")
class AccountErased(Event, frozen=True):
    """The content of the account was erased. All earlier events of its stream are deleted after this one."""

    account: str
