"""The actions `addheader` and `deleteheader` (RFC 5293)."""

from __future__ import annotations

import re

from shared.protocol.sieve.compare.matching import Matcher, compile_match
from shared.protocol.sieve.conditions.sources import is_field_name, picked
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.mail.field import header_line
from shared.protocol.sieve.mail.header import decoded
from shared.protocol.sieve.mail.view import ADDED_BOTTOM, ADDED_TOP, EditedField
from shared.protocol.sieve.program import RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import (
    MATCH_TAGS,
    NUMBER,
    STRING,
    STRINGS,
    NodeSignature,
    Tag,
)
from shared.protocol.sieve.validate.text import ScriptText

PROTECTED = frozenset({b"received", b"auto-submitted"})
"""Fields that stop loops; deleting them does nothing (RFC 5293 §6, §8)."""
_READING_WORK = 8
_FIELD_WORK = 16
_ONLY_VALUE = re.compile(rb"[^:\n]*+:(.*)", re.DOTALL)


def _check_name(scope: Scope, name: ScriptText) -> None:
    if name.constant is not None and not is_field_name(name.constant):
        shown = name.constant[:60].decode("utf-8", "replace")
        scope.error(name.place, f'"{shown}" is not the name of a header field')


def _field_name(run: ScriptRun, name: ScriptText) -> bytes:
    value = name.value(run)
    if not is_field_name(value):
        raise RunFailed("a header field has an invalid name")
    return value


def _spend(run: ScriptRun, fields: list[EditedField]) -> None:
    """A changed header is read again."""
    run.spend(sum(_READING_WORK * (len(field.line) + _FIELD_WORK) for field in fields))


def _addheader(scope: Scope, arguments: Arguments) -> SieveStep:
    name, value, is_last = arguments.text(0), arguments.text(1), arguments.has("last")
    _check_name(scope, name)

    def step(run: ScriptRun) -> None:
        run.added_fields += 1
        if run.added_fields > run.limits.added_fields:
            raise RunFailed(f"the script adds more than {run.limits.added_fields} header fields")
        field_name = _field_name(run, name)
        line = header_line(field_name, value.value(run))
        field = EditedField(field_name.lower(), line, ADDED_BOTTOM if is_last else ADDED_TOP)
        fields = run.message.fields()
        _spend(run, fields)
        run.message.set_fields([*fields, field] if is_last else [field, *fields])

    return step


def _deleteheader(scope: Scope, arguments: Arguments) -> SieveStep:
    name, pick = arguments.text(0), picked(scope, arguments)
    _check_name(scope, name)
    matches: Matcher | None = None
    if arguments.count > 1:
        matches = compile_match(scope, arguments, arguments.texts(1), sets_variables=False)

    def step(run: ScriptRun) -> None:
        field_name = _field_name(run, name).lower()
        if field_name in PROTECTED:
            run.note(f"deleteheader: {field_name.decode()} is protected")
            return
        fields = run.message.fields()
        _spend(run, fields)
        chosen = [index for index, field in enumerate(fields) if field.name == field_name]
        deleted = {index for index in (chosen if pick is None else pick(chosen)) if _has_match(run, fields[index])}
        if deleted:
            run.message.set_fields([field for index, field in enumerate(fields) if index not in deleted])

    def _has_match(run: ScriptRun, field: EditedField) -> bool:
        if matches is None:
            return True
        value = _ONLY_VALUE.match(field.line)
        return matches(run, (decoded(value[1] if value else b""),))

    return step


COMMANDS = (
    CommandDefinition(
        NodeSignature("addheader", (STRING, STRING), (Tag("last"),), ("editheader",)),
        _addheader,
    ),
    CommandDefinition(
        NodeSignature(
            "deleteheader",
            (STRING, STRINGS),
            (*MATCH_TAGS, Tag("index", NUMBER), Tag("last")),
            ("editheader",),
            optional_at_end=1,
        ),
        _deleteheader,
    ),
)
