"""DNS messages on the wire: queries out, answers in (RFC 1035 §4, RFC 6891).

Our queries have one question, and answers are read for one record type only; this makes it twenty times cheaper than a
general library.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from shared.dns.rdata import NameReader, WireError, record_text
from shared.protocol.dns.question import Answer, Question, RecordType, Status

RECORD_TYPES: dict[RecordType, int] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "TLSA": 52,
}

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_RESPONSE, _TRUNCATED, _AUTHENTIC = 0x8000, 0x0200, 0x0020
_QUERY_FLAGS = 0x0120
"""RD, and AD to be informed of DNSSEC validation (RFC 6840 §5.7)."""
_CNAME, _SOA = RECORD_TYPES["CNAME"], RECORD_TYPES["SOA"]
_IN = 1
_OPT_LENGTH = 11
_NAME_ERROR = 3
_MAX_ALIASES = 16
_MAX_RECORDS = 512
"""Records that are read of a message; the longest names in so many records are read in 40 ms."""
_MAX_TTL = 0x7FFFFFFF  # RFC 2181 §8

FORMAT_ERROR, NOT_IMPLEMENTED = 1, 4


class Response(NamedTuple):
    """A response that belongs to the query."""

    rcode: int
    truncated: bool
    answer: Answer


class _Section(NamedTuple):
    records: dict[str, list[tuple[str, int]]]
    aliases: dict[str, tuple[str, int]]
    negative_ttl: int


def encode_query(question: Question, udp_payload: int) -> bytes:
    """A query without its first two octets, the id.

    `udp_payload` 0 leaves EDNS out. The name must be askable.
    """
    labels = b"".join(bytes((len(label),)) + label for label in question.name.encode("ascii").split(b"."))
    head = struct.pack("!HHHHH", _QUERY_FLAGS, 1, 0, 0, 1 if udp_payload else 0)
    asked = labels + struct.pack("!BHH", 0, RECORD_TYPES[question.rdtype], _IN)
    return head + asked + (struct.pack("!BHHIH", 0, 41, udp_payload, 0, 0) if udp_payload else b"")


def question_section(query: bytes) -> bytes:
    """The question section of a query made by `encode_query`, in lower case."""
    return (query[10:-_OPT_LENGTH] if query[9] else query[10:]).lower()


def belongs(message: bytes, asked: bytes) -> bool:
    """Whether a message is a response to this question section (RFC 5452 §9.1).

    The caller must compare the id.
    """
    return (
        len(message) >= 12 + len(asked)
        and message[2] & 0x80 != 0
        and message[4:6] == b"\0\1"
        and message[12 : 12 + len(asked)].lower() == asked
    )


def decode_response(message: bytes, question: Question, asked_length: int, source: str) -> Response:
    """Decode a response that belongs to the question. Raises WireError."""
    _, flags, _, answers, authority, _ = _HEADER.unpack_from(message)
    rcode = flags & 0x000F
    if flags & _TRUNCATED or rcode not in (0, _NAME_ERROR):
        return Response(rcode, bool(flags & _TRUNCATED), Answer("temperror", source=f"{source} rcode {rcode}"))
    section = _read_sections(message, 12 + asked_length, answers, authority, RECORD_TYPES[question.rdtype])
    return Response(rcode, False, _answer(question, rcode, section, bool(flags & _AUTHENTIC), source))


def _answer(question: Question, rcode: int, section: _Section, authenticated: bool, source: str) -> Answer:
    name, ttl, hops = question.name.lower(), _MAX_TTL, 0
    while name in section.aliases and question.rdtype != "CNAME":
        name, alias_ttl = section.aliases[name]
        ttl, hops = min(ttl, alias_ttl), hops + 1
        if hops > _MAX_ALIASES:
            return Answer("temperror", source=f"{source} CNAME loop")
    canonical = name if hops else ""
    named_records = section.records.get(name)
    if not named_records:
        status: Status = "nxdomain" if rcode == _NAME_ERROR else "nodata"
        return Answer(status, (), min(ttl, section.negative_ttl), authenticated, canonical, source)
    ttl = (
        min(ttl, *(record_ttl for _, record_ttl in named_records))
        if len(named_records) > 1
        else min(ttl, named_records[0][1])
    )
    return Answer("ok", tuple(text for text, _ in named_records), ttl, authenticated, canonical, source)


def _read_sections(message: bytes, at: int, answers: int, authority: int, question_count: int) -> _Section:
    section = _Section({}, {}, 0)
    names = NameReader(message)
    for number in range(min(answers + authority, _MAX_RECORDS)):
        owner, at = names.read(at)
        if at + 10 > len(message):
            raise WireError("a record ends early")
        kind, record_class, ttl, length = _RECORD.unpack_from(message, at)
        at += 10 + length
        if at > len(message):
            raise WireError("record data ends early")
        if record_class == _IN:
            section = _take(
                section,
                names,
                owner.lower(),
                kind,
                ttl if ttl <= _MAX_TTL else 0,
                at - length,
                at,
                number < answers,
                question_count,
            )
    return section


def _take(
    section: _Section,
    names: NameReader,
    owner: str,
    kind: int,
    ttl: int,
    start: int,
    end: int,
    is_answer: bool,
    count: int,
) -> _Section:
    if not is_answer:
        if kind == _SOA:  # RFC 2308 §5: the smaller of its TTL and its last field
            return section._replace(negative_ttl=min(ttl, struct.unpack_from("!I", names.message, end - 4)[0]))
        return section
    if kind == count:
        text = record_text(names, kind, start, end)
        if text is not None:
            section.records.setdefault(owner, []).append((text, ttl))
    elif kind == _CNAME:
        section.aliases.setdefault(owner, (names.read(start)[0].lower(), ttl))
    return section
