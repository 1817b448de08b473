"""The searches that are measured, and which mails have what they ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.content.corpus import (
    CAMPAIGN_HEADER,
    HUNDREDTH,
    SUBJECT_WORD,
    THOUSANDTH,
    CorpusMail,
    unique_word,
)
from loadtest.content.scripts import SCRIPTS, vocabulary


@dataclass(frozen=True, slots=True)
class Search:
    """A SEARCH: its name, its criteria on the wire, and whether a mail has what it asks for."""

    name: str
    criteria: bytes
    matches: Callable[[CorpusMail], bool]


def searches(seed: int, size: int) -> tuple[Search, ...]:
    """The searches in a mailbox of `size` mails."""
    ideographs = next(script for script in SCRIPTS if script.name == "ideographs")
    words = vocabulary(ideographs).words
    rare, none = unique_word(seed, size // 2), unique_word(seed, -1)
    return (
        _body("a single mail", rare),
        _body("0.1 %", THOUSANDTH),
        _body("1 %", HUNDREDTH),
        _body("a word in some 30 %", "project"),
        _body("a word in some 95 %", "the"),
        _body("within a word, 1 %", HUNDREDTH[2:-2]),
        _body("within words, some 95 %", "ation"),
        _body("1 character, rare", words[700][0]),
        _body("1 character, common", "q"),
        _body("2 characters, rare", "xf"),
        _body("2 characters, common", "ok"),
        _body("3 characters, rare", "vxf"),
        _body("3 characters, common", "ing"),
        _body("ideographs", words[40]),
        _body("Cyrillic", "сость"),
        _body("no mail", none),
        Search("TEXT, 1 %", b"TEXT " + HUNDREDTH.encode(), lambda mail: _in_text(HUNDREDTH, mail)),
        Search("TEXT, all mails", b"TEXT received", lambda mail: _in_text("received", mail)),
        Search("SUBJECT, 1 %", b"SUBJECT " + SUBJECT_WORD.encode(), lambda mail: SUBJECT_WORD in mail.subject),
        Search("SUBJECT, common", b"SUBJECT the", lambda mail: "the" in mail.subject),
        Search("FROM", b"FROM wanda", lambda mail: "wanda" in mail.author),
        Search(
            "HEADER of an unusual name",
            b"HEADER %s festival" % CAMPAIGN_HEADER.encode(),
            lambda mail: "festival" in mail.campaign,
        ),
        Search("HEADER that no mail has", b"HEADER X-Unheard-Of yes", lambda mail: False),
        Search("NOT BODY, 1 %", b"NOT BODY " + HUNDREDTH.encode(), lambda mail: HUNDREDTH not in mail.body),
        Search(
            "UNDELETED OR SUBJECT OR FROM BODY",
            b"UNDELETED OR SUBJECT %s OR FROM wanda BODY %s" % (SUBJECT_WORD.encode(), THOUSANDTH.encode()),
            lambda mail: SUBJECT_WORD in mail.subject or "wanda" in mail.author or THOUSANDTH in mail.body,
        ),
    )


def _body(name: str, needle: str) -> Search:
    octets = needle.encode()
    quoted = b'"%s"' % octets if octets.isascii() else b"{%d+}\r\n%s" % (len(octets), octets)
    return Search(f"BODY, {name}", b"BODY " + quoted, lambda mail: needle in mail.body)


def _in_text(needle: str, mail: CorpusMail) -> bool:
    return needle in mail.body or needle in mail.header


class Expected:
    """Counts the mails that each search must find."""

    def __init__(self, asked: Sequence[Search]) -> None:
        self._asked = asked
        self.counts: Counter[str] = Counter()

    def note(self, mail: CorpusMail) -> None:
        """Count a mail that was appended."""
        self.counts.update(search.name for search in self._asked if search.matches(mail))
