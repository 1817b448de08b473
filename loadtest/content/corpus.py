"""Mail for searches: each text is its own, words are as frequent as in real mail, and what a mail has is known."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate

from loadtest.content import prose
from loadtest.content.entity import rendered_fields, several, text_entity
from loadtest.content.mail import EPOCH
from loadtest.content.scripts import Script, script_of, sentences, vocabulary
from loadtest.content.senders import person, sender_domain

HUNDREDTH, THOUSANDTH = "zanzibaric", "quixotrope"
"""Words in one text of a hundred and of a thousand."""
SUBJECT_WORD = "wolframite"
"""A word in one subject of a hundred."""
CAMPAIGN_HEADER, CAMPAIGN = "X-Campaign-Line", "Harvest festival"
"""A field that one mail of fifty has, and the beginning of its value."""
_SPREAD = 0.7
_HEADER = 900
"""Octets of a header, about."""
_ENDS = (".", ".", ".", ".", "?", "!")


@dataclass(frozen=True, slots=True)
class CorpusMail:
    """A message with its texts in lower case, as a search without regard to case sees them."""

    number: int
    data: bytes
    subject: str
    author: str
    header: str
    """All lines of the header, with encoded words decoded."""
    body: str
    campaign: str


def unique_word(seed: int, number: int) -> str:
    """A word that only mail `number` has."""
    return f"vx{random.Random(f'{seed} unique {number}').getrandbits(44):011x}k"


def corpus_mail(seed: int, number: int, mean_size: int) -> CorpusMail:
    """Mail `number`; it always has the same bytes."""
    chance = random.Random(f"{seed} corpus {number}")
    script = script_of(chance)
    median = math.log(max(400, mean_size - _HEADER)) - _SPREAD**2 / 2
    size = min(120_000, max(300, round(0.87 * chance.lognormvariate(median, _SPREAD))))
    has_html = chance.random() < 0.3
    texts = _paragraphs(chance, script, round(size * 0.42) if has_html else size)
    texts.append(" ".join(["Reference", unique_word(seed, number), *_marks(number)]) + ".")
    return _composed(chance, script, number, texts, has_html=has_html)


def _marks(number: int) -> list[str]:
    marks = {HUNDREDTH: number % 100 == 7, THOUSANDTH: number % 1000 == 13}
    return [word for word, is_in in marks.items() if is_in]


def _paragraphs(chance: random.Random, script: Script, size: int) -> list[str]:
    def closed(words: list[str]) -> str:
        text = " ".join(words)
        return text[0].upper() + text[1:] + chance.choice(_ENDS)

    # A letter outside ASCII takes several octets in its transfer encoding.
    made = sentences(chance, script, size if script.share > 0.5 else size // 2, closed)
    return [" ".join(made[start : start + 4]) for start in range(0, len(made), 4)]


def _composed(chance: random.Random, script: Script, number: int, texts: list[str], *, has_html: bool) -> CorpusMail:
    site = sender_domain(chance.randrange(1000))
    if chance.random() < 0.35:
        texts = prose.with_links(chance, texts, site)
    entity = text_entity(chance, "plain", prose.plain(texts))
    body = prose.plain(texts)
    if has_html:
        page = prose.as_html(chance, texts)
        entity = several(chance, "alternative", [entity, text_entity(chance, "html", page)])
        body += "\nLetter here"  # the title of the page, and the text of its links
    subject = _subject(chance, script, number)
    display, localpart = person(chance)
    author = f'"{display}" <{localpart}@{site}>'
    campaign = f"{CAMPAIGN} {chance.randrange(10**6)}" if number % 50 == 3 else ""
    fields = [*_fields(chance, number, author, subject, site, campaign), *entity.fields]
    known = "".join(f"{name.decode()}: {value.decode()}\n" for name, value in fields if name != b"Subject")
    return CorpusMail(
        number=number,
        data=rendered_fields(fields) + b"\r\n" + entity.body,
        subject=subject.lower(),
        author=author.replace('"', "").lower(),
        header=f"{known}Subject: {subject}\n".lower(),
        body=body.lower(),
        campaign=campaign.lower(),
    )


def _fields(
    chance: random.Random, number: int, author: str, subject: str, site: str, campaign: str
) -> list[tuple[bytes, bytes]]:
    date = formatdate(EPOCH + number * 600)
    encoded = subject if subject.isascii() else Header(subject, "utf-8", maxlinelen=10_000).encode()
    identity = f"{chance.getrandbits(64):016x}"
    values = [
        ("Return-Path", f"<bounce-{identity}@{site}>"),
        ("Received", f"from mail.{site} (mail.{site} [192.0.2.{number % 250}]) by mx.bench.test id {identity}; {date}"),
        ("DKIM-Signature", f"v=1; a=rsa-sha256; d={site}; s=load; b={chance.getrandbits(1024):0256x}"),
        ("From", author),
        ("To", "<user00@bench.test>"),
        ("Subject", encoded),
        ("Date", date),
        ("Message-ID", f"<{number}.{identity}@{site}>"),
        ("MIME-Version", "1.0"),
    ]
    if campaign:
        values.append((CAMPAIGN_HEADER, campaign))
    return [(name.encode(), value.encode()) for name, value in values]


def _subject(chance: random.Random, script: Script, number: int) -> str:
    text = script.joint.join(vocabulary(script).draw(chance, chance.randint(3, 8)))
    text = ("Re: " if chance.random() < 0.3 else "") + text[0].upper() + text[1:]
    return f"{text} {SUBJECT_WORD}" if number % 100 == 31 else text
