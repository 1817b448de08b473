"""Writes changed messages: a part replaced (RFC 5703 §5), or the whole message enclosed in a new one (§6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from shared.protocol.message.headers import field_lines
from shared.protocol.sieve.mail.field import header_line
from shared.protocol.sieve.mail.view import PresentMessage

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_END_OF_HEADER = re.compile(rb"\r\n\r\n|\A\r\n")
_TEXT_FIELDS = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
_RENAMED = {b"subject": b"Original-Subject", b"from": b"Original-From"}


def with_part(message: PresentMessage, index: int, replacement: bytes, is_mime: bool) -> bytes:
    """The message with another part in the place of part `index`, which is not the message itself."""
    whole = message.whole()
    moved = len(whole) - message.scan.size
    part = message.scan.parts[index]
    fields, body = _content(replacement, is_mime)
    return whole[: part.header_start + moved] + fields + b"\r\n" + body + whole[part.body_end + moved :]


def with_content(
    message: PresentMessage, replacement: bytes, is_mime: bool, subject: bytes | None, sender: bytes | None
) -> bytes:
    """The message with another content, and maybe another Subject and From.

    Its other fields stay; a Subject or From that is replaced stays under the name Original-Subject or Original-From.
    """
    fields, body = _content(replacement, is_mime)
    given = {b"subject": subject, b"from": sender}
    kept = _kept_fields(message, {name for name, value in given.items() if value is not None})
    new = (header_line(name.title(), value) for name, value in given.items() if value is not None)
    return b"".join((*new, *kept, b"MIME-Version: 1.0\r\n", fields, b"\r\n", body))


def _kept_fields(message: PresentMessage, replaced: set[bytes]) -> Iterator[bytes]:
    for name, line, _ in message.fields():
        if name.startswith(b"content-") or name == b"mime-version":
            continue
        line = line if line.endswith(b"\n") else line + b"\r\n"
        yield _RENAMED[name] + line[len(name) :] if name in replaced else line


def enclosed(
    message: PresentMessage, text: bytes, subject: bytes, copied: Iterable[bytes], date: bytes, sender: bytes
) -> bytes:
    """A message that has the text and, as message/rfc822, the present message.

    The fields with the lower-case names `copied` are those of the message; Date and From are `date` and `sender` unless
    they are copied.
    """
    names = set(copied)
    lines = [line for name, line, _ in message.fields() if name in names]
    header = [header_line(b"Subject", subject)] if subject or b"subject" not in names else []
    for name, value in ((b"date", date), (b"from", sender)):
        if name not in names and value:
            header.append(header_line(name.title(), value))
    whole = message.whole()
    boundary = blake2b(whole + text, digest_size=16).hexdigest().encode()
    body = _lines(text)
    return b"".join(
        (
            *header,
            *lines,
            b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="%b"\r\n\r\n' % boundary,
            b"--%b\r\n%b\r\n%b\r\n" % (boundary, _TEXT_FIELDS, body),
            b"--%b\r\nContent-Type: message/rfc822\r\n\r\n%b\r\n--%b--\r\n" % (boundary, whole, boundary),
        )
    )


def _content(replacement: bytes, is_mime: bool) -> tuple[bytes, bytes]:
    """The content fields and the body of a replacement; with `is_mime` it has fields of its own."""
    octets = _lines(replacement)
    if not is_mime:
        return _TEXT_FIELDS, octets
    end = _END_OF_HEADER.search(octets)
    block, body = (octets[: end.start() + 2], octets[end.end() :]) if end else (octets, b"")
    if octets.startswith(b"\r\n"):
        block = b""
    content = (line for name, line in field_lines(block) if name.lower().startswith(b"content-"))
    fields = b"".join(line if line.endswith(b"\r\n") else line + b"\r\n" for line in content)
    return fields or b"Content-Type: text/plain\r\n", body


def _lines(text: bytes) -> bytes:
    return _BARE_LINE_FEED.sub(b"\r\n", text)
