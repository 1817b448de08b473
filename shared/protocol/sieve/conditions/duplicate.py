"""The test `duplicate` (RFC 7352)."""

from __future__ import annotations

from hashlib import blake2b

from shared.protocol.sieve.actions import TrackDuplicateAction
from shared.protocol.sieve.conditions.sources import is_field_name
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NUMBER, STRING, NodeSignature, Tag

_LONGEST = 256
"""Octets of an id that is kept as it is; a longer one is kept as its hash."""
_MOST_SECONDS = 86400 * 90


def _duplicate(scope: Scope, arguments: Arguments) -> SieveCondition:
    handle, header, unique = (arguments.tag_text(tag) for tag in ("handle", "header", "uniqueid"))
    seconds, is_last, line = arguments.tag_number("seconds"), arguments.has("last"), arguments.place.line
    if header is not None and header.constant is not None and not is_field_name(header.constant):
        scope.notes.warn(header.place, "no header field can have this name")

    def identity(run: ScriptRun) -> bytes | None:
        if unique is not None:
            return unique.value(run)
        name = b"message-id" if header is None else header.value(run).lower()
        values = run.message.header.raw_values(name)
        return values[0] if values else None

    def condition(run: ScriptRun) -> bool:
        """RFC 7352 §3: a message without an id is no duplicate, and leaves no memory."""
        value = identity(run)
        if not value:
            return False
        memory = _memory(b"" if handle is None else handle.value(run), value)
        tracked = TrackDuplicateAction(memory, None if seconds is None else min(seconds, _MOST_SECONDS), is_last, line)
        if all(not isinstance(action, TrackDuplicateAction) or action.memory != memory for action in run.actions):
            run.act(tracked)
        return run.answers.is_duplicate(memory)

    return condition


def _memory(handle: bytes, identity: bytes) -> str:
    """The id with its handle; different pairs give different texts."""
    whole = b"%d:%b%b" % (len(handle), handle, identity)
    if len(whole) > _LONGEST:
        return "hash:" + blake2b(whole, digest_size=32).hexdigest()
    return whole.decode("utf-8", "backslashreplace")


TESTS = (
    TestDefinition(
        NodeSignature(
            "duplicate",
            (),
            (
                Tag("handle", STRING),
                Tag("header", STRING, "id"),
                Tag("uniqueid", STRING, "id"),
                Tag("seconds", NUMBER),
                Tag("last"),
            ),
            ("duplicate",),
        ),
        _duplicate,
    ),
)
