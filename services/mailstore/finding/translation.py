"""Translates the tree of a query to a search key for each mailbox."""

from __future__ import annotations

from collections.abc import Iterable

from services.mailstore.domain.state import MailboxState
from shared.protocol.message.folding import fold
from shared.protocol.search.query import (
    AllOf,
    AnyOf,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxIdsKey,
    MailboxNameKey,
    NoneOf,
    QueryError,
    QueryKey,
    QueryTree,
    ReceivedKey,
    SearchField,
    SizeKey,
    TextKey,
    ThreadFlagKey,
    WordKey,
    keys,
)
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import FlagTest, HeaderTest, SearchKey, SearchKeys, WordTest

_HEADERS = {
    SearchField.FROM: "from",
    SearchField.TO: "to",
    SearchField.CC: "cc",
    SearchField.BCC: "bcc",
    SearchField.SUBJECT: "subject",
}
_BY_TEXT = frozenset({SearchField.CC, SearchField.BCC, SearchField.FILENAME})
"""Fields of whose words the index keeps nothing of their own: their texts are compared as they are written."""


def search_key(tree: QueryTree, mailbox: MailboxState) -> SearchKey:
    """The key that finds the messages of a mailbox. Raises QueryError."""
    match tree:
        case AllOf(parts):
            return _all_of(search_key(part, mailbox) for part in parts)
        case AnyOf(parts):
            return _any_of(search_key(part, mailbox) for part in parts)
        case NoneOf(parts):
            return _any_of((search_key(part, mailbox) for part in parts), negated=True)
        case MailboxNameKey() | MailboxIdsKey():
            return SearchKey(all=True, negated=not is_named(tree, mailbox))
        case _:
            return _key(tree)


def is_named(key: MailboxNameKey | MailboxIdsKey, mailbox: MailboxState) -> bool:
    """Whether the key holds for the messages of the mailbox."""
    if isinstance(key, MailboxNameKey):
        return fold(key.name) == fold(mailbox.name)
    return (mailbox.id in key.ids) is not key.others


def may_match(tree: QueryTree, mailbox: MailboxState) -> bool | None:
    """Whether messages of the mailbox match; None: the mailbox alone does not decide."""
    match tree:
        case AllOf(parts):
            return _every([may_match(part, mailbox) for part in parts])
        case AnyOf(parts):
            return _not(_every([_not(may_match(part, mailbox)) for part in parts]))
        case NoneOf(parts):
            return _every([_not(may_match(part, mailbox)) for part in parts])
        case MailboxNameKey() | MailboxIdsKey():
            return is_named(tree, mailbox)
        case _:
            return None


def names(tree: QueryTree, mailbox: MailboxState) -> bool:
    """Whether the query asks for this mailbox by its name or id."""
    asked = (key for key in keys(tree, positive=True) if isinstance(key, (MailboxNameKey, MailboxIdsKey)))
    return any(is_named(key, mailbox) for key in asked if isinstance(key, MailboxNameKey) or not key.others)


def by_structure(key: SearchKey) -> bool:
    """Whether neither rows nor the index decide the key, but the structure of a message."""
    match key.WhichOneof("key"):
        case "all_of":
            return any(map(by_structure, key.all_of.keys))
        case "any_of":
            return any(map(by_structure, key.any_of.keys))
        case kind:
            return kind in ("has_attachment", "filename")


def _every(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all_of(parts: Iterable[SearchKey]) -> SearchKey:
    inner = list(parts)
    return SearchKey(all_of=SearchKeys(keys=inner)) if inner else SearchKey(all=True)


def _any_of(parts: Iterable[SearchKey], *, negated: bool = False) -> SearchKey:
    inner = list(parts)
    if not inner:
        return SearchKey(all=True, negated=not negated)
    return SearchKey(any_of=SearchKeys(keys=inner), negated=negated)


def _key(key: QueryKey) -> SearchKey:
    match key:
        case WordKey(field, words, text):
            return _exact(field, text) if field in _BY_TEXT else _words(field, text, is_prefix=words.prefix)
        case TextKey(field, text):
            return _exact(field, text)
        case HeaderKey(name, text):
            return SearchKey(header=HeaderTest(field=name, text=text))
        case AttachmentKey(present):
            return SearchKey(has_attachment=present)
        case FlagKey(flag, is_set):
            return SearchKey(flag=FlagTest(flag=flag, is_set=is_set))
        case ThreadFlagKey():
            raise QueryError("Conditions about the keywords of a thread are not supported.")
        case _:
            return _limits(key)


def _words(field: SearchField, text: str, *, is_prefix: bool) -> SearchKey:
    return SearchKey(words=WordTest(field=field, text=text, is_prefix=is_prefix))


def _exact(field: SearchField, text: str) -> SearchKey:
    match field:
        case SearchField.ANYWHERE:
            return _any_of((SearchKey(text=text), SearchKey(attachment_text=text)))
        case SearchField.BODY:
            return SearchKey(body=text)
        case SearchField.ATTACHMENT:
            return SearchKey(attachment_text=text)
        case SearchField.FILENAME:
            return SearchKey(filename=text)
        case _:
            return SearchKey(header=HeaderTest(field=_HEADERS[field], text=text))


def _limits(key: QueryKey) -> SearchKey:
    limits: list[SearchKey] = []
    if isinstance(key, ReceivedKey):
        limits += [SearchKey(received_since=key.since)] if key.since is not None else []
        limits += [SearchKey(received_before=key.before)] if key.before is not None else []
    elif isinstance(key, SizeKey):
        limits += [SearchKey(larger=key.least - 1)] if key.least is not None else []
        limits += [SearchKey(smaller=key.below)] if key.below is not None else []
    return _all_of(limits)
