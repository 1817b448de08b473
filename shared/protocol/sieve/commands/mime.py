"""The actions `replace`, `enclose` and `extracttext` (RFC 5703 §5, §6, §7), and `convert` (RFC 6558)."""

from __future__ import annotations

from email.utils import format_datetime

from shared.protocol.sieve.commands.variables import MODIFIER_TAGS, modified, modifiers_of, variable_name
from shared.protocol.sieve.conditions.sources import subtree
from shared.protocol.sieve.definition import CommandDefinition, TestDefinition
from shared.protocol.sieve.mail.rewrite import enclosed, with_content, with_part
from shared.protocol.sieve.mail.texts import decoded_content, is_decodable, readable_text
from shared.protocol.sieve.program import RunFailed, SieveCondition, SieveStep
from shared.protocol.sieve.running import ScriptRun, cut_characters
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NUMBER, STRING, STRINGS, NodeSignature, Tag

MOST_CHANGES = 32
"""Changes of the content in a run; each writes and scans the message anew."""
_CHANGE_WORK = 8


def _count_change(run: ScriptRun) -> None:
    run.spend(_CHANGE_WORK * run.message.size)
    if run.message.changes >= MOST_CHANGES:
        raise RunFailed(f"the script changes the content more than {MOST_CHANGES} times")


def _replace(scope: Scope, arguments: Arguments) -> SieveStep:
    """Within a loop the present part is replaced, else the whole message; `:subject` and `:from` are for the latter."""
    text, is_mime = arguments.text(0), arguments.has("mime")
    subject, sender = arguments.tag_text("subject"), arguments.tag_text("from")

    def step(run: ScriptRun) -> None:
        _count_change(run)
        index = run.parts[-1] if run.parts else 0
        replacement = text.value(run)
        if index:
            run.message.set_content(with_part(run.message, index, replacement, is_mime))
        else:
            new_subject = subject.value(run) if subject else None
            new_sender = sender.value(run) if sender else None
            run.message.set_content(with_content(run.message, replacement, is_mime, new_subject, new_sender))

    return step


def _enclose(scope: Scope, arguments: Arguments) -> SieveStep:
    """The whole message is enclosed; within a loop, when the loop has ended."""
    text, subject, headers = arguments.text(0), arguments.tag_text("subject"), arguments.tag_texts("headers")

    def step(run: ScriptRun) -> None:
        _count_change(run)
        names = [name.value(run).lower() for name in headers]
        title, content = (subject.value(run) if subject else b""), text.value(run)
        date = format_datetime(run.environment.now).encode("ascii")
        sender = (run.environment.addresses or (run.envelope.recipient,))[0].encode()
        run.enclosures.append(lambda: enclosed(run.message, content, title, names, date, sender))
        if not run.parts:
            run.finish_enclosures()

    return step


def _extracttext(scope: Scope, arguments: Arguments) -> SieveStep:
    name, modifiers, first = variable_name(scope, arguments), modifiers_of(arguments), arguments.tag_number("first")
    scope.need(arguments.place, ("variables",), "the command extracttext")
    if not scope.loops:
        scope.error(arguments.place, "extracttext: is for the blocks of foreverypart")

    def step(run: ScriptRun) -> None:
        index = run.parts[-1] if run.parts else 0
        part = run.message.scan.parts[index]
        value = decoded_content(run, index) if part.media_type == "text" and is_decodable(part) else b""
        most = run.limits.variable_characters
        value = cut_characters(value, most if first is None else min(first, most))
        run.set_variable(name, modified(run, value, modifiers))

    return step


def _converted(run: ScriptRun, source: bytes, target: bytes) -> bool:
    """Convert the parts of a type, as far as there is such a conversion: HTML to plain text."""
    if (source.lower(), target.lower()) != (b"text/html", b"text/plain"):
        return False
    indexes = subtree(run, run.parts[-1] if run.parts else 0)
    chosen = [index for index in indexes if run.message.scan.parts[index].content_type == "text/html"]
    for index in chosen:
        _count_change(run)
        text = readable_text(run, index)
        if index:
            run.message.set_content(with_part(run.message, index, text, is_mime=False))
        else:
            run.message.set_content(with_content(run.message, text, is_mime=False, subject=None, sender=None))
    return bool(chosen)


def _convert(_scope: Scope, arguments: Arguments) -> SieveStep:
    source, target = arguments.text(0), arguments.text(1)

    def step(run: ScriptRun) -> None:
        is_done = _converted(run, source.value(run), target.value(run))
        run.note(f"convert: {'done' if is_done else 'nothing to convert'}")

    return step


def _convert_test(_scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 6558 §2: as a test it converts too, and is true when something was converted."""
    source, target = arguments.text(0), arguments.text(1)
    return lambda run: _converted(run, source.value(run), target.value(run))


_CONVERT = NodeSignature("convert", (STRING, STRING, STRINGS), (), ("convert",))
COMMANDS = (
    CommandDefinition(
        NodeSignature(
            "replace",
            (STRING,),
            (Tag("mime"), Tag("subject", STRING), Tag("from", STRING)),
            ("replace",),
        ),
        _replace,
    ),
    CommandDefinition(
        NodeSignature("enclose", (STRING,), (Tag("subject", STRING), Tag("headers", STRINGS)), ("enclose",)), _enclose
    ),
    CommandDefinition(
        NodeSignature("extracttext", (STRING,), (*MODIFIER_TAGS, Tag("first", NUMBER)), ("extracttext",)),
        _extracttext,
    ),
    CommandDefinition(_CONVERT, _convert),
)
TESTS = (TestDefinition(_CONVERT, _convert_test),)
