"""Messages and lessons for the tests of the classifier's domain."""

from __future__ import annotations

import random

from services.classifier.domain.features import Features, features
from services.classifier.domain.lesson import Label, Lesson, lesson_of
from services.classifier.domain.model import Model
from shared.protocol.message.scan import scan

SPAM_WORDS = [
    "viagra",
    "casino",
    "winner",
    "million",
    "dollars",
    "free",
    "click",
    "offer",
    "cheap",
    "pills",
    "credit",
    "mortgage",
    "guarantee",
    "lottery",
    "urgent",
    "transfer",
]
HAM_WORDS = [
    "meeting",
    "patch",
    "kernel",
    "review",
    "tomorrow",
    "thanks",
    "branch",
    "compile",
    "agenda",
    "minutes",
    "invoice",
    "lunch",
    "project",
    "report",
    "deadline",
    "library",
]
PLAIN_WORDS = [
    "the",
    "and",
    "for",
    "you",
    "with",
    "this",
    "that",
    "from",
    "have",
    "will",
    "not",
    "are",
    "can",
    "all",
    "our",
    "was",
    "one",
    "has",
    "more",
    "when",
    "there",
    "been",
    "which",
]

MAIL = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Hello there\r\nMessage-ID: "
    b"<abc123@example.org>\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Shall we meet at https://www.example.org/calendar/today tomorrow?\r\n"
)
HTML_MAIL = (
    b"From: sale@shop.example\r\nSubject: BUY NOW\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<html><body bgcolor="#ff0000"><style>p { color: red }</style><p>V<b></b>iagra<!-- x --> for <i>you</i></p>'
    b'<a href="http://www.pills.example/order.php?id=77">click</a></body></html>\r\n'
)


def features_of_bytes(message: bytes) -> Features:
    """The features of a message."""
    return features(message, scan(message))


def mail(words: list[str], number: int) -> bytes:
    """A short plain mail of these words."""
    head = f"From: writer{number} <writer{number}@host{number}.example>\r\nSubject: {words[0]} {words[1]}\r\n\r\n"
    return (head + " ".join(words) + "\r\n").encode()


def made(is_spam: bool, number: int) -> Features:
    """The features of a sample mail."""
    chance = random.Random(2 * number + is_spam)
    own = SPAM_WORDS if is_spam else HAM_WORDS
    return features_of_bytes(mail([*chance.choices(own, k=8), *chance.choices(PLAIN_WORDS, k=20)], number))


def lesson(is_spam: bool, number: int, account: str = "a") -> Lesson:
    """The lesson that a sample mail teaches."""
    return lesson_of(made(is_spam, number), Label.SPAM if is_spam else Label.HAM, account)


def taught(item: int) -> Model:
    """A model that has learnt so many of both labels."""
    model = Model()
    for number in range(item):
        model.learn(lesson(True, number))
        model.learn(lesson(False, number))
    return model
