"""`:type`, `:subtype`, `:contenttype` and `:param` of `header :mime` (RFC 5703 §4.1): the compared part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from shared.protocol.message.content import parse_parameters, parse_type
from shared.protocol.message.words import decode_parameters
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope

MimeOption = Callable[[ScriptRun, bytes, bytes], Iterable[bytes]]
"""From a field's lower-case name and its value to what is compared."""
_TOKEN = rb"([^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+)"
_WRITTEN_TYPE = re.compile(rb"[ \t]*" + _TOKEN + rb"[ \t]*/[ \t]*" + _TOKEN + rb"[ \t]*(?:;|\Z)")


def mime_option(scope: Scope, arguments: Arguments) -> MimeOption | None:
    """The option of a test, or None."""
    option = arguments.chosen("type", "subtype", "contenttype", "param")
    if (option or arguments.has("anychild")) and not arguments.has("mime"):
        scope.error(arguments.place, f"{arguments.name}: :{option or 'anychild'} needs :mime")
    match option:
        case "":
            return None
        case "param":
            names = arguments.tag_texts("param")
            return lambda run, _name, value: _parameters(value, {text.value(run).lower() for text in names})
        case "type":
            return lambda _run, name, value: (_types(name, value)[0],)
        case "subtype":
            return lambda _run, name, value: (_types(name, value)[1],)
        case _:
            return lambda _run, name, value: (b"/".join(part for part in _types(name, value) if part),)


def _types(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Type and subtype of Content-Type as they are written; of Content-Disposition its type, and an empty subtype."""
    if name == b"content-disposition":
        return value.partition(b";")[0].strip(), b""
    if name != b"content-type":
        return b"", b""
    written = _WRITTEN_TYPE.match(value)
    if written is not None:
        return written[1], written[2]
    kind = parse_type({b"content-type": (value,)})
    return kind.media_type, kind.subtype


def _parameters(value: bytes, names: set[bytes]) -> list[bytes]:
    return [
        text.encode("utf-8", "replace")
        for name, text in decode_parameters(parse_parameters(value))
        if name.encode("utf-8", "replace") in names
    ]
