"""The test `body` (RFC 5173). It sets no match variables (§6)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.protocol.message.scan import Part
from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.mail.texts import (
    around_parts,
    decoded_content,
    header_of_message,
    is_decodable,
    raw_body,
    readable_text,
)
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRINGS, NodeSignature, Tag


def _body(scope: Scope, arguments: Arguments) -> SieveCondition:
    types = arguments.tag_texts("content")
    transform = arguments.chosen("raw", "content")
    counts = arguments.has("count")
    matches = compile_match(scope, arguments, arguments.texts(0), sets_variables=False)

    def values(run: ScriptRun) -> Iterator[bytes]:
        if not run.message.has_body():
            return
        if transform == "raw":
            yield raw_body(run)
        elif transform == "content":
            yield from _contents(run, [kind.value(run).lower() for kind in types])
        else:
            for index, part in enumerate(run.message.scan.parts):
                if part.media_type == "text" and is_decodable(part):
                    yield readable_text(run, index)

    def condition(run: ScriptRun) -> bool:
        """Part after part, so that the first match spares the others."""
        if counts:
            return matches(run, list(values(run)))
        return any(matches(run, (value,)) for value in values(run))

    return condition


def _contents(run: ScriptRun, types: list[bytes]) -> Iterator[bytes]:
    """The contents of the parts of these types (RFC 5173 §5.2)."""
    for index, part in enumerate(run.message.scan.parts):
        if not is_decodable(part) or not any(_is_of(part, kind) for kind in types):
            continue
        if part.media_type == "multipart":
            yield from around_parts(run, index)
        elif part.media_type == "message" and part.subtype in ("rfc822", "global"):
            yield header_of_message(run.message, index)
        else:
            yield decoded_content(run, index)


def _is_of(part: Part, kind: bytes) -> bool:
    """An empty type is any, a type without a slash any of its subtypes; what is no media type matches nothing."""
    if not kind:
        return True
    if kind.count(b"/") > 1 or kind.startswith(b"/") or kind.endswith(b"/"):
        return False
    name = part.content_type if b"/" in kind else part.media_type
    return name.encode("utf-8", "replace") == kind


TESTS = (
    TestDefinition(
        NodeSignature(
            "body",
            (STRINGS,),
            (
                *MATCH_TAGS,
                Tag("raw", group="transform"),
                Tag("content", STRINGS, "transform"),
                Tag("text", group="transform"),
            ),
            ("body",),
        ),
        _body,
    ),
)
