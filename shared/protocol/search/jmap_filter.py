"""The tree of a filter of JMAP Email/query: FilterOperator (RFC 8620 §5.5) and FilterCondition (RFC 8621 §4.4.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from shared.protocol.search.query import (
    DEEPEST,
    EVERYTHING,
    LONGEST_QUERY,
    MOST_KEYS,
    AllOf,
    AnyOf,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxIdsKey,
    NoneOf,
    QueryError,
    QueryTree,
    ReceivedKey,
    SearchField,
    SizeKey,
    ThreadFlagKey,
    ThreadQuantity,
    all_of,
    check_size,
    encodable,
    text_condition,
)
from shared.protocol.search.query_values import microseconds

MOST_MAILBOXES = 1000
"""Ids in `inMailboxOtherThan`."""
_LARGEST_INT = (1 << 53) - 1  # RFC 8620 §1.3
_UTC_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.A)
_HEADER_NAME = re.compile("[!-9;-~]{1,998}")
_KEYWORD = re.compile(r"[!#$&'+-\[^-z|}~]{1,255}")  # RFC 8621 §4.1.1
_SYSTEM_FLAGS = {"$seen": "\\Seen", "$flagged": "\\Flagged", "$answered": "\\Answered", "$draft": "\\Draft"}
# A quoted phrase begins and ends where a token does; an apostrophe within a word begins none (RFC 8621 §4.4.1).
_PHRASE_OR_TOKEN = re.compile(r"""(?<!\S)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')(?!\S)|(\S+)""", re.S)
_ESCAPED = re.compile(r"\\(['\"\\])")


def filter_tree(value: object) -> QueryTree:
    """The tree of a filter, which is as it came from JSON; null is everything.

    Raises QueryError whose sentence names the property: `invalidArguments` (RFC 8620 §5.5).
    """
    tree = _FilterReader().tree(value, 0)
    check_size(tree)
    return tree


class UnsupportedFilter(QueryError):
    """A property that is not one of RFC 8621 §4.4.1: `unsupportedFilter` (RFC 8620 §5.5)."""


class _FilterReader:
    def __init__(self) -> None:
        self._conditions = 0
        self._octets = 0

    def tree(self, value: object, depth: int) -> QueryTree:
        if value is None and depth == 0:
            return EVERYTHING
        if not isinstance(value, Mapping):
            raise QueryError("A filter is an object.")
        self._conditions += 1
        if self._conditions > 2 * MOST_KEYS:
            raise QueryError(f"The filter has more than {2 * MOST_KEYS} operators and conditions.")
        return self._operator(value, depth) if "operator" in value else self._condition(value)

    def _operator(self, value: Mapping[str, object], depth: int) -> QueryTree:
        if depth == DEEPEST:
            raise QueryError(f"More than {DEEPEST} operators are nested.")
        conditions = value.get("conditions")
        if not isinstance(conditions, list) or value.keys() != {"operator", "conditions"}:
            raise QueryError("An operator has the properties operator and conditions, and conditions is a list.")
        parts = tuple(self.tree(condition, depth + 1) for condition in conditions)
        match value["operator"]:
            case "AND":
                return AllOf(parts)
            case "OR":
                return AnyOf(parts)
            case "NOT":
                return NoneOf(parts)
        raise QueryError("The operator is none of AND, OR and NOT.")

    def _condition(self, value: Mapping[str, object]) -> QueryTree:
        parts: list[QueryTree] = []
        for name, argument in value.items():
            parts += self._property(name, argument)
        return all_of(parts)

    def _property(self, name: str, argument: object) -> list[QueryTree]:
        if name in _TEXTS:
            return self._text(name, argument)
        if name == "header":
            return [self._header(argument)]
        make = _PROPERTIES.get(name)
        if make is None:
            raise UnsupportedFilter(f"The property {name[:40]} is not supported.")
        return [make(name, argument)]

    def _text(self, name: str, argument: object) -> list[QueryTree]:
        text = self._bounded(name, argument)
        conditions = (
            text_condition(_TEXTS[name], token or _ESCAPED.sub(r"\1", double or single))
            for double, single, token in _PHRASE_OR_TOKEN.findall(text)
        )
        return [condition for condition in conditions if condition is not None]

    def _header(self, argument: object) -> HeaderKey:
        if not isinstance(argument, list) or len(argument) not in (1, 2):
            raise QueryError("header is a list of one or two strings.")
        name, text = self._bounded("header", argument[0]), self._bounded("header", argument[-1])
        if not _HEADER_NAME.fullmatch(name):
            raise QueryError("The first string of header is the name of a header field.")
        return HeaderKey(name, text if len(argument) == 2 else "")

    def _bounded(self, name: str, argument: object) -> str:
        text = _string(name, argument)
        self._octets += len(text.encode())
        if self._octets > LONGEST_QUERY:
            raise QueryError(f"The texts of the filter are longer than {LONGEST_QUERY} octets.")
        return text


def _string(name: str, argument: object) -> str:
    if not isinstance(argument, str):
        raise QueryError(f"{name} is a string.")
    return encodable(argument)


def _mailbox(name: str, argument: object) -> MailboxIdsKey:
    return MailboxIdsKey((_string(name, argument),))


def _other_mailboxes(name: str, argument: object) -> MailboxIdsKey:
    if not isinstance(argument, list) or len(argument) > MOST_MAILBOXES:
        raise QueryError(f"{name} is a list of at most {MOST_MAILBOXES} ids.")
    return MailboxIdsKey(tuple(_string(name, mailbox) for mailbox in argument), others=True)


def _date(name: str, argument: object) -> ReceivedKey:
    text = _string(name, argument)
    try:
        if not _UTC_DATE.fullmatch(text):
            raise ValueError("another form")
        seconds, _, fraction = text[:-1].partition(".")
        moment = microseconds(datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}+00:00"))
    except ValueError:
        raise QueryError(f"{name} is a date such as 2026-01-31T12:00:00Z.") from None
    return ReceivedKey(before=moment) if name == "before" else ReceivedKey(since=moment)


def _size(name: str, argument: object) -> SizeKey:
    if not isinstance(argument, int) or isinstance(argument, bool) or not 0 <= argument <= _LARGEST_INT:
        raise QueryError(f"{name} is a number of octets.")
    return SizeKey(least=argument) if name == "minSize" else SizeKey(below=argument)


def _attachment(name: str, argument: object) -> AttachmentKey:
    if not isinstance(argument, bool):
        raise QueryError(f"{name} is true or false.")
    return AttachmentKey(argument)


def _flag(name: str, argument: object) -> str:
    """The flag as IMAP writes it (RFC 8621 §4.1.1)."""
    keyword = _string(name, argument)
    if not _KEYWORD.fullmatch(keyword):
        raise QueryError(f"{name} is a keyword.")
    return _SYSTEM_FLAGS.get(keyword.lower(), keyword)


_TEXTS = {
    "text": SearchField.ANYWHERE,
    "from": SearchField.FROM,
    "to": SearchField.TO,
    "cc": SearchField.CC,
    "bcc": SearchField.BCC,
    "subject": SearchField.SUBJECT,
    "body": SearchField.BODY,
}
_PROPERTIES: Mapping[str, Callable[[str, object], QueryTree]] = {
    "inMailbox": _mailbox,
    "inMailboxOtherThan": _other_mailboxes,
    "before": _date,
    "after": _date,
    "minSize": _size,
    "maxSize": _size,
    "hasAttachment": _attachment,
    "hasKeyword": lambda name, argument: FlagKey(_flag(name, argument), True),
    "notKeyword": lambda name, argument: FlagKey(_flag(name, argument), False),
    "allInThreadHaveKeyword": lambda name, argument: ThreadFlagKey(_flag(name, argument), ThreadQuantity.ALL),
    "someInThreadHaveKeyword": lambda name, argument: ThreadFlagKey(_flag(name, argument), ThreadQuantity.SOME),
    "noneInThreadHaveKeyword": lambda name, argument: ThreadFlagKey(_flag(name, argument), ThreadQuantity.NONE),
}
