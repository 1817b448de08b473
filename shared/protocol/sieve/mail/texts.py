"""The texts of the parts of a message, as `body` (RFC 5173) and `extracttext` (RFC 5703 §7) read them."""

from __future__ import annotations

from collections.abc import Iterator

from shared.protocol.message.charset import decode
from shared.protocol.message.markup import html_text
from shared.protocol.message.pages import html_charset
from shared.protocol.message.scan import Part
from shared.protocol.message.transfer import is_known
from shared.protocol.sieve.mail.header import MOST_HEADER_OCTETS
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.running import ScriptRun

_DECODING_WORK = 4
"""The work to decode an octet, in octets compared."""


def raw_body(run: ScriptRun) -> bytes:
    """The body of the message as it was transferred (RFC 5173 §5.1)."""
    message = run.message
    start = message.scan.header_end
    end = min(message.scan.size, start + run.limits.body_octets)
    run.spend(end - start)
    return message.octets(start, end)


def decoded_content(run: ScriptRun, index: int) -> bytes:
    """The content of a part; that of a text part in UTF-8 (RFC 5173 §5.2)."""
    part = run.message.scan.parts[index]
    run.spend(_DECODING_WORK * min(part.size, run.limits.body_octets))
    return run.message.text(index, False, lambda: _decoded(run, part))


def _decoded(run: ScriptRun, part: Part) -> bytes:
    content = run.message.content(part, run.limits.body_octets)
    if part.media_type != "text":
        return content
    return decode(content, _charset(part, content)).encode("utf-8", "replace")


def is_decodable(part: Part) -> bool:
    """RFC 2045 §6.4: what has an unknown transfer encoding is no text, whatever its type says."""
    return is_known(part.encoding or "7bit")


def readable_text(run: ScriptRun, index: int) -> bytes:
    """The text of a text part that a person reads (RFC 5173 §5.3): of HTML without its tags."""
    part = run.message.scan.parts[index]
    if part.subtype != "html":
        return decoded_content(run, index)
    run.spend(2 * _DECODING_WORK * min(part.size, run.limits.body_octets))
    return run.message.text(index, True, lambda: _without_tags(run, part))


def _without_tags(run: ScriptRun, part: Part) -> bytes:
    content = run.message.content(part, run.limits.body_octets)
    return html_text(decode(content, _charset(part, content)), links=False).encode("utf-8", "replace")


def _charset(part: Part, content: bytes) -> str:
    if part.subtype == "html" and part.charset in ("", "us-ascii"):
        return html_charset(content) or part.charset
    return part.charset


def around_parts(run: ScriptRun, index: int) -> Iterator[bytes]:
    """The prologue of a multipart, and its epilogue if it has one (RFC 5173 §5.2), without the delimiters."""
    message = run.message
    parts = message.scan.parts
    part = parts[index]
    children = message.scan.children(index)
    if not children:
        yield decoded_content(run, index)
        return
    limit = run.limits.body_octets
    first, last = parts[children[0]].header_start, parts[children[-1]].body_end
    before = part.body_start, min(first, part.body_start + limit)
    after = min(last, part.body_end), min(part.body_end, last + limit)
    run.spend(sum(max(0, end - start) for start, end in (before, after)))
    yield _before_delimiter(message.octets(*before))
    if epilogue := _after_delimiter(message.octets(*after)):
        yield epilogue


def _before_delimiter(prologue: bytes) -> bytes:
    """The line break in front of a delimiter belongs to the delimiter (RFC 2046 §5.1.1)."""
    return prologue[: max(prologue.rfind(b"\n--"), 0)].removesuffix(b"\r")


def _after_delimiter(epilogue: bytes) -> bytes:
    line = epilogue.lstrip(b"\r\n")
    return line.partition(b"\n")[2] if line.startswith(b"--") else epilogue


def header_of_message(message: PresentMessage, index: int) -> bytes:
    """The header of the message within a message/rfc822 part."""
    parts = message.scan.parts
    if index + 1 < len(parts) and parts[index + 1].parent == index:
        inner = parts[index + 1]
        return message.octets(inner.header_start, min(inner.body_start, inner.header_start + MOST_HEADER_OCTETS))
    part = parts[index]
    raw = message.octets(part.body_start, min(part.body_end, part.body_start + MOST_HEADER_OCTETS))
    end = raw.find(b"\r\n\r\n")
    return raw[: end + 2] if end >= 0 else raw
