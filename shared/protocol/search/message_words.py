"""The words of a message by the fields in which they are looked for: for the index, and for reading without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.protocol.search.words import words

_PIECE = 1 << 18
_SENDERS = frozenset({"from", "sender", "reply-to"})
_RECIPIENTS = frozenset({"to", "cc", "bcc"})


class WordTexts(NamedTuple):
    """The texts of a message whose words are looked for."""

    subject: str
    sender: str
    recipients: str
    body: str
    attachments: str = ""


def word_texts(fields: Iterable[tuple[str, str]], body: str, attachments: str = "") -> WordTexts:
    """The texts of a message, of its fields (folded name and folded text) and of its folded body."""
    parts: dict[str, list[str]] = {"subject": [], "sender": [], "recipients": []}
    for name, text in fields:
        if name == "subject":
            parts["subject"].append(text)
        elif name in _SENDERS:
            parts["sender"].append(text)
        elif name in _RECIPIENTS:
            parts["recipients"].append(text)
    subject, sender, recipients = map("\n".join, parts.values())
    return WordTexts(subject, sender, recipients, body, attachments)


def text_words(text: str) -> str:
    """The words of a text of any length."""
    return " ".join(map(words, _pieces(text)))


def _pieces(text: str) -> Iterator[str]:
    """A text, cut between words if it is long: other threads wait while a piece is made into words."""
    start = 0
    while len(text) - start > _PIECE:
        cut = max(text.rfind(separator, start, start + _PIECE) for separator in "\n ")
        end = cut if cut > start else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]
