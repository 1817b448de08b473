"""ESEARCH: one search in several mailboxes (RFC 7377)."""

from shared.protocol.imap.commands import Command, PartialRange, SearchReturn
from shared.protocol.imap.mailbox_filter import OF_SELECTED, MailboxFilter
from shared.protocol.imap.search_key import SearchKey


class MultiSearch(Command, frozen=True):
    """ESEARCH; without filters it searches the selected mailbox. The answer always has UIDs."""

    filters: tuple[MailboxFilter, ...]
    key: SearchKey
    returns: frozenset[SearchReturn]
    partial: PartialRange | None = None

    @property
    def only_selected(self) -> bool:
        """Whether no other mailbox than the selected one is meant."""
        return all(chosen.scope in OF_SELECTED for chosen in self.filters)

    @property
    def needs_selected(self) -> bool:
        """Whether the selected mailbox is meant as such."""
        return not self.filters or any(chosen.scope in OF_SELECTED for chosen in self.filters)
