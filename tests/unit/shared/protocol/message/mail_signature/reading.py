"""Places mail signatures, and reads the result with the standard library's parser, which shares no code with ours."""

from __future__ import annotations

import email
from email.message import Message
from typing import NamedTuple

import msgspec

from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature
from shared.protocol.message.mail_signature.placing import DEFAULT_RULES, PlacingRules, place
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms
from shared.protocol.message.outgoing.segments import ranges_of, segment_pieces
from shared.protocol.message.scan import Scan, scan

SIGNATURE = MailSignature("{name}\nExample Ltd", "<p>{name}<br>Example Ltd</p>")
VALUES = {"name": "Ann Lee", "address": "ann@example.org"}


class ReadPart(NamedTuple):
    """A part as the standard library reads it; `text` is that of a text/plain or text/html part."""

    content_type: str
    fields: tuple[tuple[str, str], ...]
    payload: str | None
    text: str | None


def outcome(
    message: bytes, signature: MailSignature = SIGNATURE, rules: PlacingRules = DEFAULT_RULES
) -> PlacedSignature | NotPlaced:
    scanned = scan(message)
    return place(message[: scanned.header_end], scanned, ranges_of(message), signature, VALUES, rules)


def placed(message: bytes, signature: MailSignature = SIGNATURE, rules: PlacingRules = DEFAULT_RULES) -> bytes:
    """The message with the mail signature, after everything was checked that must always be true."""
    result = outcome(message, signature, rules)
    assert isinstance(result, PlacedSignature), result
    octets = octets_of(result)
    check(message, result, octets)
    return octets


def refusal(message: bytes, signature: MailSignature = SIGNATURE, rules: PlacingRules = DEFAULT_RULES) -> NotPlaced:
    result = outcome(message, signature, rules)
    assert isinstance(result, NotPlaced), result
    return result


def octets_of(result: PlacedSignature) -> bytes:
    return result.header + b"".join(result.read(result.scan.header_end, result.scan.size))


def check(message: bytes, result: PlacedSignature, octets: bytes) -> None:
    """The tree is the same, other parts have the same octets, and all forms of the result agree."""
    old, new = scan(message), scan(octets)
    read = ranges_of(message)
    assert result.header + b"".join(piece for row in result.segments for piece in segment_pieces(row, read)) == octets
    assert description(result.scan, len(result.header) - old.header_end) == description(new, 0)
    changed = {text.number for text in result.texts}
    assert [part.number for part in old.parts] == [part.number for part in new.parts]
    assert [part.content_type for part in old.parts] == [part.content_type for part in new.parts]
    has_changed_child = {part.parent for part in old.parts}
    for index, (before, after) in enumerate(zip(old.parts, new.parts, strict=True)):
        if before.number in changed or index in has_changed_child:
            continue
        assert message[before.header_start : before.body_end] == octets[after.header_start : after.body_end]
    assert [read_part(part)[0] for part in parsed(message)] == [read_part(part)[0] for part in parsed(octets)]
    peer = PeerForms(eight_bit=True, binary=True, smtputf8=True)
    if isinstance(OutgoingMessage(result.header, old, read).form(peer), FinalMessage):
        assert isinstance(OutgoingMessage(result.header, result.scan, result.read).form(peer), FinalMessage)


def description(scanned: Scan, growth: int) -> list[object]:
    """What the parts of a scan are, `growth` octets later."""
    rows: list[object] = [scanned.size + growth]
    for index, part in enumerate(scanned.parts):
        shifted = msgspec.structs.replace(
            part,
            parameters=tuple(sorted(part.parameters)),
            header_start=part.header_start + growth if index else 0,
            body_start=part.body_start + growth,
            body_end=part.body_end + growth,
        )
        rows.append(shifted)
    return rows


def parsed(message: bytes) -> list[Message]:
    return list(email.message_from_bytes(message).walk())


def read_part(part: Message) -> ReadPart:
    fields = tuple((name, str(value)) for name, value in part.items())
    if part.is_multipart():
        return ReadPart(part.get_content_type(), fields, None, None)
    text = text_of(part) if part.get_content_type() in ("text/plain", "text/html") else None
    return ReadPart(part.get_content_type(), fields, str(part.get_payload()), text)


def text_of(part: Message) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    try:
        return octets.decode(part.get_content_charset("us-ascii"), "surrogateescape")
    except (LookupError, UnicodeError):
        return octets.decode("latin-1")


def texts(message: bytes) -> list[str]:
    """The decoded text of each text/plain and text/html part."""
    return [part.text for part in map(read_part, parsed(message)) if part.text is not None]


def crlf(message: str) -> bytes:
    """A message written with LF line ends, in UTF-8."""
    return message.replace("\n", "\r\n").encode()
