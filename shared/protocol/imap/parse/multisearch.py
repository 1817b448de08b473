"""ESEARCH (RFC 7377 §3)."""

import re

from shared.protocol.imap.commands import SearchReturn
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.mailbox_filter import MailboxFilter
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.mailbox_filter import mailbox_filter
from shared.protocol.imap.parse.search import search_program
from shared.protocol.imap.parse.search_options import return_options

_MOST_FILTERS = 100
MOST_NAMES = 10_000
"""Names in all filters of a command."""
_IN = re.compile(rb" IN (?=\()", re.IGNORECASE)


# esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
def multi_search(cursor: Cursor, tag: bytes) -> MultiSearch:
    filters = _sources(cursor) if cursor.match(_IN) else ()
    returns, partial = return_options(cursor)
    key = search_program(cursor, returns)
    command = MultiSearch(tag, filters, key, returns or frozenset({SearchReturn.ALL}), partial)
    if SearchReturn.SAVE in command.returns and not command.only_selected:
        raise ImapSyntaxError("SAVE keeps results of the selected mailbox alone")  # RFC 7377 §2.2
    return command


# esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")" ; no scope option is defined
def _sources(cursor: Cursor) -> tuple[MailboxFilter, ...]:
    names_left = MOST_NAMES

    def source(cursor: Cursor) -> MailboxFilter:
        nonlocal names_left
        chosen = mailbox_filter(cursor)
        names_left -= len(chosen.names)
        if names_left < 0:
            raise ImapSyntaxError(f"An ESEARCH names at most {MOST_NAMES} mailboxes")
        return chosen

    return tuple(parenthesised(cursor, source, _MOST_FILTERS))
