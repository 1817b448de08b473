"""The parenthesised list, the form of most arguments in IMAP."""

from collections.abc import Callable
from typing import TypeVar

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor

MAX_ELEMENTS = 10_000

C = TypeVar("C", bound=Cursor)
T = TypeVar("T")


# "(" element *(SP element) ")"
def parenthesised(cursor: C, element: Callable[[C], T], most: int = MAX_ELEMENTS) -> list[T]:
    """A list with at least one and at most `most` elements. Raises ImapSyntaxError."""
    cursor.expect(b"(")
    elements = [element(cursor)]
    while cursor.accept(b" "):
        elements.append(element(cursor))
        if len(elements) > most:
            raise ImapSyntaxError("List is too long")
    cursor.expect(b")")
    return elements


# "(" [element *(SP element)] ")"
def possibly_empty(cursor: C, element: Callable[[C], T], most: int = MAX_ELEMENTS) -> list[T]:
    """Like `parenthesised`, but `()` is an empty list."""
    return [] if cursor.accept(b"()") else parenthesised(cursor, element, most)
