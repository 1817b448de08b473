"""Random conversations: messages with subjects, dates, addresses and references as clients write them, odd ones too."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.header import Header
from email.utils import format_datetime
from typing import NamedTuple

_TOPICS = ("alpha", "Beta", "gamma ray", "Ärger", "zürich", "Übung", "delta-4", "_low", "~high", "42", "omega")
_PEOPLE = ("ann", "bob", "Carl", "dörte", "eve.adams", "Zoe", "mallory")
_NAMES = ("", "Ann", "bob b.", "Çelik", "zed", "Eve, Adams", "ärmel")
_REPLIES = ("Re: {}", "RE: {}", "re : {}", "Fwd: {}", "fw: {}", "{} (fwd)", "[list] Re: {}")
_DOMAINS = ("example.org", "a.example")
_FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "work", "later")
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


class SpokenMail(NamedTuple):
    """A message, and how it is appended."""

    data: bytes
    flags: str
    arrived: datetime


def conversations(seed: int, count: int, *, odd: bool = True) -> Iterator[SpokenMail]:
    """So many messages. `odd`: some break the rules, as messages of the wild do."""
    chance = random.Random(seed)
    known: list[tuple[str, str, str]] = []  # id, references, topic
    for number in range(count):
        parent = chance.choice(known[-60:]) if known and chance.random() < 0.6 else None
        identity = f"m{number}.{seed}@example.org"
        topic = parent[2] if parent else f"{chance.choice(_TOPICS)} {chance.randrange(count // 4 + 1)}"
        references = f"{parent[1]} <{parent[0]}>".strip() if parent else ""
        fields = [
            *_subject(chance, topic, reply=parent is not None),
            *_date(chance, number, odd=odd),
            *_people(chance),
            *_ids(chance, identity, references, odd=odd),
        ]
        known.append((identity, references, topic))
        body = "\r\n".join(chance.choice(_TOPICS) for _ in range(chance.randrange(1, 12)))
        head = "\r\n".join([*fields, "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"])
        flags = " ".join(flag for flag in _FLAGS if chance.random() < 0.25)
        arrived = _BEGIN + timedelta(hours=chance.randrange(24 * 400), minutes=number % 60)
        yield SpokenMail(f"{head}\r\n\r\n{body}\r\n".encode(), flags, arrived)


def _subject(chance: random.Random, topic: str, *, reply: bool) -> list[str]:
    if chance.random() < 0.04:
        return []
    text = topic
    for _ in range(chance.randrange(1, 3) if reply else 0):
        text = chance.choice(["Re: {}", "RE: {}", "re : {}", "Fwd: {}", "fw: {}", "{} (fwd)", "[list] Re: {}"]).format(
            text
        )
    if not reply and chance.random() < 0.2:
        text = chance.choice(["[list] {}", "{}  ", "[a] [b] {}"]).format(text)
    return [f"Subject: {text if text.isascii() else Header(text, 'utf-8', maxlinelen=200).encode()}"]


def _date(chance: random.Random, number: int, *, odd: bool) -> list[str]:
    if odd and chance.random() < 0.05:
        return chance.choice([[], ["Date: yesterday"]])
    zone = timezone(timedelta(minutes=chance.choice([0, 60, -300, 330])))
    moment = _BEGIN + timedelta(hours=number * 7 + chance.randrange(12), seconds=chance.randrange(3600))
    return [f"Date: {format_datetime(moment.astimezone(zone))}"]


def _people(chance: random.Random) -> list[str]:
    fields = [f"From: {_person(chance)}"]
    fields.append(f"To: {', '.join(_person(chance) for _ in range(chance.randrange(1, 4)))}")
    if chance.random() < 0.3:
        fields.append(f"Cc: {_person(chance)}")
    return fields


def _person(chance: random.Random) -> str:
    address = (
        f"{chance.choice(_PEOPLE).encode('ascii', 'ignore').decode()}@{chance.choice(['example.org', 'a.example'])}"
    )
    name = chance.choice(_NAMES)
    if not name:
        return address
    if not name.isascii():
        return f"{Header(name, 'utf-8').encode()} <{address}>"
    return f'"{name}" <{address}>'


def _ids(chance: random.Random, identity: str, references: str, *, odd: bool) -> list[str]:
    roll = chance.random() if odd else 1.0
    if roll < 0.02:
        return [f"References: {references or '<nowhere@example.org>'}"]  # without an id of its own
    fields = [f"Message-ID: <{identity}>"]
    if roll < 0.04:
        return [*fields, f"References: <{identity}>"]  # it answers itself
    if not references:
        return fields
    last = references.rpartition(" ")[2]
    if roll < 0.15:
        return [*fields, f"In-Reply-To: {last}"]
    if roll < 0.2:
        return [*fields, f"References: {last} <lost.{identity}>"]
    return [*fields, f"References: {references}", f"In-Reply-To: {last}"]
