"""Mail number N of a profile; it always has the same bytes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

from loadtest.content import prose, vocabulary
from loadtest.content.entity import Entity, attachment, rendered_fields, several, text_entity
from loadtest.content.profile import Profile
from loadtest.content.senders import SELECTOR, person, sender_domain
from loadtest.content.signing import signature_header

EPOCH = 1_790_000_000
"""The time of mail number 0, in seconds since 1970; fixed, so that the bytes never depend on the clock."""
RARE_SUBJECT = "zanzibar"
"""A word in one subject of a hundred."""
RARE_WORD = "quartzite"
"""A word in one text of two hundred."""
_AGENTS = (b"Mozilla Thunderbird", b"Mutt/2.2.13", b"Apple Mail (2.3826)", b"Evolution 3.54", b"Roundcube Webmail/1.6")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message with its envelope; `data` has CRLF line ends and no dots doubled."""

    number: int
    user: int
    reverse_path: str
    forward_path: str
    data: bytes
    spam: bool
    signed: bool


@dataclass(frozen=True, slots=True)
class _Traits:
    """All random choices for a mail, made before it is written."""

    user: int
    spam: bool
    signed: bool
    multipart: bool
    attached: bool
    accented: bool
    links: bool
    size: int
    domain: str


def mails(profile: Profile, count: int, first: int = 0) -> Iterator[Mail]:
    """`count` mails, from number `first` on."""
    return (mail(profile, number) for number in range(first, first + count))


def mail(profile: Profile, number: int, user: int | None = None) -> Mail:
    """Mail `number`, for `user` if given, else for a random user."""
    chance = random.Random(f"{profile.seed}:{number}")
    traits = _traits(chance, profile)
    user = traits.user if user is None else user % profile.users
    display, localpart = person(chance)
    reverse_path, forward_path = f"{localpart}@{traits.domain}", profile.recipient(user)
    entity = _content(chance, profile, traits, number)
    fields = _fields(chance, traits, number, profile.seed, f'"{display}" <{reverse_path}>', forward_path)
    fields += entity.fields
    head = _trace(chance, traits, number, forward_path)
    if traits.signed:
        head.append(signature_header(fields, entity.body, traits.domain, SELECTOR, _sent_at(number)))
    data = rendered_fields(head + fields) + b"\r\n" + entity.body
    return Mail(number, user, reverse_path, forward_path, data, traits.spam, traits.signed)


def _traits(chance: random.Random, profile: Profile) -> _Traits:
    size = round(chance.lognormvariate(math.log(profile.median_size), profile.size_spread))
    return _Traits(
        user=chance.randrange(profile.users),
        spam=chance.random() < profile.spam_share,
        signed=chance.random() < profile.signed_share,
        multipart=chance.random() < profile.multipart_share,
        attached=chance.random() < profile.attachment_share,
        accented=chance.random() < profile.accented_share,
        links=chance.random() < profile.links_share,
        size=min(profile.largest, max(profile.smallest, size)),
        domain=sender_domain(chance.randrange(1000)),
    )


def _content(chance: random.Random, profile: Profile, traits: _Traits, number: int) -> Entity:
    texts = _texts(chance, traits, number)
    entity = _readable(chance, traits, texts)
    if not traits.attached:
        return entity
    size = round(chance.gauss(profile.attachment_size, profile.attachment_size / 10) * 57 / 78)
    return several(chance, "mixed", [entity, attachment(chance, f"report-{number}.pdf", max(1, size))])


def _readable(chance: random.Random, traits: _Traits, texts: list[str]) -> Entity:
    plain = text_entity(chance, "plain", prose.plain(texts))
    if not traits.multipart:
        return plain
    return several(chance, "alternative", [plain, text_entity(chance, "html", prose.as_html(chance, texts))])


def _texts(chance: random.Random, traits: _Traits, number: int) -> list[str]:
    # Header and signature use some of the size; two alternatives share the rest.
    room = max(200, traits.size - 950 - 620 * traits.signed)
    texts = prose.paragraphs(chance, _words(traits), round(room * 0.42) if traits.multipart else room)
    if traits.links:
        texts = prose.with_links(chance, texts, traits.domain)
    if traits.accented:
        texts = prose.with_accents(chance, texts)
    return [*texts, f"The stone is {RARE_WORD}."] if number % 200 == 11 else texts


def _words(traits: _Traits) -> vocabulary.Vocabulary:
    return vocabulary.spam() if traits.spam else vocabulary.ordinary()


def _fields(
    chance: random.Random, traits: _Traits, number: int, seed: int, author: str, forward_path: str
) -> list[tuple[bytes, bytes]]:
    fields = [
        (b"From", author.encode("ascii")),
        (b"To", f"<{forward_path}>".encode()),
        (b"Subject", _subject(chance, traits, number).encode("ascii")),
        (b"Date", formatdate(_sent_at(number)).encode("ascii")),
        (b"Message-ID", _message_id(chance, traits, f"{seed}.{number}")),
        (b"MIME-Version", b"1.0"),
        (b"User-Agent", chance.choice(_AGENTS)),
    ]
    if chance.random() < 0.3:
        fields += _thread(chance, traits)
    return fields


def _subject(chance: random.Random, traits: _Traits, number: int) -> str:
    words = " ".join(_words(traits).draw(chance, chance.randint(3, 8))).capitalize()
    prefix = "Re: " if chance.random() < 0.3 else ""
    return f"{prefix}{words} {RARE_SUBJECT}" if number % 100 == 7 else prefix + words


def _message_id(chance: random.Random, traits: _Traits, unique: str) -> bytes:
    return f"<{unique}.{chance.getrandbits(64):016x}@{traits.domain}>".encode("ascii")


def _thread(chance: random.Random, traits: _Traits) -> list[tuple[bytes, bytes]]:
    earlier = [_message_id(chance, traits, str(chance.randrange(10**6))) for _ in range(chance.randint(1, 5))]
    return [(b"In-Reply-To", earlier[-1]), (b"References", b"\r\n ".join(earlier))]


def _trace(chance: random.Random, traits: _Traits, number: int, forward_path: str) -> list[tuple[bytes, bytes]]:
    """One to three Received fields, the latest hop first (RFC 5321 §4.4)."""
    return [
        (
            b"Received",
            f"from desk-{chance.randrange(99)}.{traits.domain} ([192.0.2.{chance.randrange(1, 255)}])\r\n"
            f" by mail-{hop}.{traits.domain} with ESMTPS id {chance.getrandbits(48):012X}\r\n"
            f" for <{forward_path}>; {formatdate(_sent_at(number) + 3 - hop)}".encode(),
        )
        for hop in range(chance.randint(1, 3))
    ]


def _sent_at(number: int) -> int:
    return EPOCH + number % 86_400
