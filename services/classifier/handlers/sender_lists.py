"""Looks for the senders of a mail on the lists of the server, and on those of the accounts that get it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

from services.classifier.domain.listed_senders import MailSenders, decisive, senders_of
from shared.events.mail import MailReceived
from shared.routing.block_lists import BLOCK, BlockLists, ListedSender, SenderList

MOST_ACCOUNTS: Final = 1_000
"""Accounts with lists of their own that a mail may have; the verdict names them."""


class ListedRecipients(Protocol):
    """The lists, and the accounts of recipients."""

    lists: BlockLists

    def accounts_of(self, addresses: Sequence[str]) -> Iterator[str]:
        """The accounts to which these recipients belong."""


class AccountsListing(NamedTuple):
    """The accounts whose own lists decide in the same way, with their entries."""

    list: SenderList
    accounts: tuple[str, ...]
    entries: tuple[ListedSender, ...]


class MailListing(NamedTuple):
    """The lists that have the sender of a mail."""

    server: ListedSender | None = None
    own: tuple[AccountsListing, ...] = ()


class SenderLists:
    """Reads the lists; a mail costs some looks in memory when any list has an entry, and nothing else."""

    def __init__(self, recipients: ListedRecipients) -> None:
        self._recipients = recipients

    def of(self, mail: MailReceived) -> MailListing:
        """The lists that have the sender of this mail."""
        lists = self._recipients.lists
        if not lists.has_own and not lists.has_lists(""):
            return MailListing()
        senders = senders_of(mail)
        server = decisive(lists.find(senders.keys), senders.forged)
        return MailListing(server, self._own(mail, senders) if lists.has_own else ())

    def _own(self, mail: MailReceived, senders: MailSenders) -> tuple[AccountsListing, ...]:
        listed: dict[SenderList, dict[str, ListedSender]] = {}
        for account in self._accounts(mail):
            entry = self._entry(account, mail, senders)
            if entry is not None:
                listed.setdefault(entry.list, {})[account] = entry
        return tuple(
            AccountsListing(chosen, tuple(entries), tuple(entries.values())) for chosen, entries in listed.items()
        )

    def _accounts(self, mail: MailReceived) -> Iterator[str]:
        accounts = self._recipients.accounts_of([recipient.address for recipient in mail.recipients])
        return islice(filter(self._recipients.lists.has_lists, accounts), MOST_ACCOUNTS)

    def _entry(self, account: str, mail: MailReceived, senders: MailSenders) -> ListedSender | None:
        """The entry that counts for an account. An allowed sender never overrides a blocked network."""
        lists = self._recipients.lists
        network = lists.blocked_network(mail.client.address, account)
        if network:
            return ListedSender(BLOCK, network, "")
        return decisive(lists.find(senders.keys, account), senders.forged)
