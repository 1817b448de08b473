"""Tests of mailboxes and their annotations: mailbox, mboxmetadata and servermetadata (RFC 5490), mailboxid (RFC 9042),
special-use (RFC 8579)."""

from __future__ import annotations

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ANSWER_WORK, ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRING, STRINGS, NodeSignature
from shared.protocol.sieve.validate.text import ScriptText


def _read(run: ScriptRun, text: ScriptText) -> str:
    """The text of a question to the outside."""
    run.spend(ANSWER_WORK)
    return text.value(run).decode("utf-8", "replace")


def _mailboxexists(_scope: Scope, arguments: Arguments) -> SieveCondition:
    names = arguments.texts(0)
    return lambda run: all(run.answers.mailbox_exists(_read(run, name)) for name in names)


def _mailboxidexists(_scope: Scope, arguments: Arguments) -> SieveCondition:
    names = arguments.texts(0)
    return lambda run: all(run.answers.mailbox_id_exists(_read(run, name)) for name in names)


def _specialuse_exists(_scope: Scope, arguments: Arguments) -> SieveCondition:
    """specialuse_exists [<mailbox: string>] <special-use-attrs: string-list>"""
    mailbox = arguments.text(0) if arguments.count > 1 else None
    uses = arguments.texts(arguments.count - 1)

    def condition(run: ScriptRun) -> bool:
        name = None if mailbox is None else _read(run, mailbox)
        return all(run.answers.special_use_exists(_read(run, use), name) for use in uses)

    return condition


def _metadata(scope: Scope, arguments: Arguments) -> SieveCondition:
    mailbox, entry = arguments.text(0), arguments.text(1)
    matches = compile_match(scope, arguments, arguments.texts(2))

    def condition(run: ScriptRun) -> bool:
        value = run.answers.mailbox_metadata(_read(run, mailbox), _read(run, entry))
        return value is not None and matches(run, (value.encode(),))

    return condition


def _metadataexists(_scope: Scope, arguments: Arguments) -> SieveCondition:
    mailbox, entries = arguments.text(0), arguments.texts(1)

    def condition(run: ScriptRun) -> bool:
        name = _read(run, mailbox)
        return all(run.answers.mailbox_metadata(name, _read(run, entry)) is not None for entry in entries)

    return condition


def _servermetadata(scope: Scope, arguments: Arguments) -> SieveCondition:
    entry = arguments.text(0)
    matches = compile_match(scope, arguments, arguments.texts(1))

    def condition(run: ScriptRun) -> bool:
        value = run.answers.server_metadata(_read(run, entry))
        return value is not None and matches(run, (value.encode(),))

    return condition


def _servermetadataexists(_scope: Scope, arguments: Arguments) -> SieveCondition:
    entries = arguments.texts(0)
    return lambda run: all(run.answers.server_metadata(_read(run, entry)) is not None for entry in entries)


TESTS = (
    TestDefinition(NodeSignature("mailboxexists", (STRINGS,), (), ("mailbox",)), _mailboxexists),
    TestDefinition(NodeSignature("mailboxidexists", (STRINGS,), (), ("mailboxid",)), _mailboxidexists),
    TestDefinition(
        NodeSignature("specialuse_exists", (STRING, STRINGS), (), ("special-use",), optional=1), _specialuse_exists
    ),
    TestDefinition(NodeSignature("metadata", (STRING, STRING, STRINGS), MATCH_TAGS, ("mboxmetadata",)), _metadata),
    TestDefinition(NodeSignature("metadataexists", (STRING, STRINGS), (), ("mboxmetadata",)), _metadataexists),
    TestDefinition(
        NodeSignature("servermetadata", (STRING, STRINGS), MATCH_TAGS, ("servermetadata",)), _servermetadata
    ),
    TestDefinition(NodeSignature("servermetadataexists", (STRINGS,), (), ("servermetadata",)), _servermetadataexists),
)
