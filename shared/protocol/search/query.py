"""A search query as a tree of values. The console, the API and JMAP search with it; it holds no syntax of an engine.

There are two kinds of keys for text. `WordKey` asks for words of the ranked index (FUZZY of RFC 6203, JMAP, console).
`TextKey` and `HeaderKey` ask for a substring that is compared after `shared.protocol.message.folding.fold`, as the keys
of IMAP SEARCH do. The tree holds moments and octets, and the names of flags as IMAP writes them; who looks at the rows
of messages answers these keys, never the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from shared.protocol.search.words import QueryWords, query_words

DEEPEST = 32
"""Levels of a tree."""
MOST_KEYS = 128
"""Keys of a tree, without the operators."""
MOST_TOKENS = 512
"""Tokens of all `WordKey`s of a tree."""
LONGEST_QUERY = 8192
"""Octets of a query as text, and of all texts in a filter of JMAP."""
SHORTEST_PREFIX = 2
"""Characters of a prefix of a word, where a script separates words."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class SearchField(StrEnum):
    """Where a text is looked for."""

    ANYWHERE = "anywhere"
    """The header, the text parts, the names and texts of attachments."""
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    BODY = "body"
    """The text parts, as BODY of IMAP SEARCH finds them (docs/search.md)."""
    ATTACHMENT = "attachment"
    """The texts of attachments."""
    FILENAME = "filename"
    """The names of attachments."""


class ThreadQuantity(StrEnum):
    """How many messages of a thread have a keyword."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


class WordKey(msgspec.Struct, frozen=True, tag="words"):
    """The tokens follow each other in one text of the field."""

    field: SearchField
    words: QueryWords
    text: str = ""
    """What the user wrote: tokens alone do not tell the words of scripts without spaces."""


class TextKey(msgspec.Struct, frozen=True, tag="text"):
    """A text of the field contains this one, without regard to case."""

    field: SearchField
    text: str


class HeaderKey(msgspec.Struct, frozen=True, tag="header"):
    """A header field of this name contains the text, without regard to case. Every field contains the empty text."""

    name: str
    text: str


class AttachmentKey(msgspec.Struct, frozen=True, tag="attachment"):
    """Whether the message has attachments."""

    present: bool


class ReceivedKey(msgspec.Struct, frozen=True, tag="received"):
    """The internal date is in [since, before), in microseconds since 1970 UTC. None: without this limit."""

    since: int | None = None
    before: int | None = None


class SizeKey(msgspec.Struct, frozen=True, tag="size"):
    """The size in octets is in [least, below). None: without this limit."""

    least: int | None = None
    below: int | None = None


class MailboxNameKey(msgspec.Struct, frozen=True, tag="mailbox_name"):
    """The message is in the mailbox of this name, which is as the user wrote it."""

    name: str


class MailboxIdsKey(msgspec.Struct, frozen=True, tag="mailbox_ids"):
    """The message is in one of these mailboxes; with `others`, in a mailbox that is none of these."""

    ids: tuple[str, ...]
    others: bool = False


class FlagKey(msgspec.Struct, frozen=True, tag="flag"):
    """Whether the message has a flag or keyword; system flags are `\\Seen`, `\\Flagged`, …"""

    flag: str
    is_set: bool


class ThreadFlagKey(msgspec.Struct, frozen=True, tag="thread_flag"):
    """How many messages of the thread have a flag or keyword (RFC 8621 §4.4.1)."""

    flag: str
    quantity: ThreadQuantity


class AllOf(msgspec.Struct, frozen=True, tag="all_of"):
    """Every part holds. Without parts it holds for every message."""

    parts: tuple[QueryTree, ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any_of"):
    """At least one part holds. Without parts it holds for no message."""

    parts: tuple[QueryTree, ...]


class NoneOf(msgspec.Struct, frozen=True, tag="none_of"):
    """No part holds."""

    parts: tuple[QueryTree, ...]


QueryKey = (
    WordKey
    | TextKey
    | HeaderKey
    | AttachmentKey
    | ReceivedKey
    | SizeKey
    | MailboxNameKey
    | MailboxIdsKey
    | FlagKey
    | ThreadFlagKey
)
QueryTree = QueryKey | AllOf | AnyOf | NoneOf
EVERYTHING = AllOf(())


class QueryError(ValueError):
    """A query that cannot be understood, or that is too large."""

    def __init__(self, sentence: str, position: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        """What is wrong, for the user."""
        self.position = position
        """Where in the query, in code points."""


def encodable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which JSON may have and UTF-8 has not."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def keys(tree: QueryTree, *, positive: bool = False) -> Iterator[QueryKey]:
    """The keys of a tree; with `positive`, those that may be a reason for a hit: not the ones below `NoneOf`."""
    if isinstance(tree, (AllOf, AnyOf, NoneOf)):
        if not (positive and isinstance(tree, NoneOf)):
            for part in tree.parts:
                yield from keys(part, positive=positive)
    else:
        yield tree


def all_of(parts: list[QueryTree]) -> QueryTree:
    """The conjunction of the parts; the part itself if there is only one."""
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def any_of(parts: list[QueryTree]) -> QueryTree:
    """The disjunction of the parts; the part itself if there is only one."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def check_size(tree: QueryTree) -> None:
    """Raises QueryError if the tree has too many keys or tokens. Its depth is checked while it is made."""
    count = tokens = 0
    for key in keys(tree):
        count += 1
        tokens += len(key.words.tokens) if isinstance(key, WordKey) else 0
    if count > MOST_KEYS:
        raise QueryError(f"The query has {count} conditions; at most {MOST_KEYS} are possible.")
    if tokens > MOST_TOKENS:
        raise QueryError(f"The query has {tokens} words; at most {MOST_TOKENS} are possible.")


def text_condition(field: SearchField, text: str, *, prefix: bool = False) -> WordKey | TextKey | None:
    """The key for a text that a user wrote: its words, or the text itself if it is of symbols without words.

    None if there is nothing to look for.
    """
    sought = query_words(text, prefix=prefix)
    if sought.tokens:
        return WordKey(field, sought, text)
    symbols = text.strip()
    return TextKey(field, symbols) if symbols else None
