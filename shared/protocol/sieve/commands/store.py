"""The actions `keep` (RFC 5228 §4.3), `fileinto` (§4.1), `discard` (§4.4) and the command `stop` (§3.3).

With the arguments of copy (RFC 3894), imap4flags (RFC 5232 §5), mailbox (RFC 5490 §3.2), mailboxid (RFC 9042 §4) and
special-use (RFC 8579 §4).
"""

from __future__ import annotations

from shared.protocol.imap.mailbox_name import (
    InvalidMailboxName,
    canonical_name,
    check_new_name,
    decode_mailbox_name,
)
from shared.protocol.sieve.actions import DiscardAction, FileIntoAction, KeepAction
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.flags import flags_of
from shared.protocol.sieve.program import RunFailed, SieveStep, Stopped
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, STRINGS, NodeSignature, Tag
from shared.protocol.sieve.validate.text import ScriptText

FLAGS_TAG = Tag("flags", STRINGS, extension="imap4flags")
TARGET_TAGS = (
    Tag("create", extension="mailbox"),
    Tag("mailboxid", STRING, extension="mailboxid"),
    Tag("specialuse", STRING, extension="special-use"),
)


def check_mailbox(scope: Scope, name: ScriptText) -> None:
    """Report an invalid mailbox name that contains no variable."""
    if name.constant is None:
        return
    try:
        check_new_name(canonical_name(name.constant.decode("utf-8")))
    except UnicodeDecodeError:
        scope.error(name.place, "the mailbox name is not valid UTF-8")
    except InvalidMailboxName as error:
        scope.error(name.place, f"invalid mailbox name: {error}")
    else:
        if _looks_encoded(name.constant):
            scope.notes.warn(name.place, "mailbox names are written in UTF-8, not in modified UTF-7")


def mailbox_name(run: ScriptRun, name: ScriptText) -> str:
    """The mailbox that a string names. Raises RunFailed for an invalid name."""
    text = as_text(name.value(run))
    try:
        check_new_name(canonical_name(text))
    except InvalidMailboxName as error:
        raise RunFailed(f"invalid mailbox name: {error}") from None
    return _decoded_if_it_exists(run, text) if _looks_encoded(text.encode()) else text


def _decoded_if_it_exists(run: ScriptRun, name: str) -> str:
    """Some clients write names in modified UTF-7: understood when there is no such mailbox, but the decoded one."""
    try:
        decoded = decode_mailbox_name(name.encode("ascii"))
    except (UnicodeEncodeError, InvalidMailboxName):
        return name
    if decoded == name or run.answers.mailbox_exists(name) or not run.answers.mailbox_exists(decoded):
        return name
    run.note(f"the mailbox name is read as modified UTF-7: {decoded}")
    return decoded


def _looks_encoded(name: bytes) -> bool:
    start = name.find(b"&")
    return 0 <= start < name.find(b"-", start)


def _keep(scope: Scope, arguments: Arguments) -> SieveStep:
    given = flags_of(scope, arguments)

    def step(run: ScriptRun) -> None:
        flags = run.flags if given is None else given(run)
        run.store(KeepAction(flags=flags, edits=run.message.edits(), line=arguments.place.line))
        run.keeps_implicitly = False

    return step


def _fileinto(scope: Scope, arguments: Arguments) -> SieveStep:
    name, given = arguments.text(0), flags_of(scope, arguments)
    mailbox_id, special_use = arguments.tag_text("mailboxid"), arguments.tag_text("specialuse")
    create, copy = arguments.has("create"), arguments.has("copy")
    check_mailbox(scope, name)
    if mailbox_id and special_use:
        scope.error(arguments.place, "fileinto: :mailboxid cannot be used together with :specialuse")

    def step(run: ScriptRun) -> None:
        run.store(
            FileIntoAction(
                mailbox_name(run, name),
                run.flags if given is None else given(run),
                create,
                copy,
                as_text(mailbox_id.value(run)) if mailbox_id else "",
                as_text(special_use.value(run)) if special_use else "",
                run.message.edits(),
                arguments.place.line,
            )
        )
        run.keeps_implicitly = run.keeps_implicitly and copy

    return step


def _discard(_scope: Scope, arguments: Arguments) -> SieveStep:
    def step(run: ScriptRun) -> None:
        if not any(isinstance(action, DiscardAction) for action in run.actions):
            run.act(DiscardAction(arguments.place.line))
        run.keeps_implicitly = False

    return step


def _stop(_scope: Scope, _arguments: Arguments) -> SieveStep:
    def step(_run: ScriptRun) -> None:
        raise Stopped

    return step


COMMANDS = (
    CommandDefinition(NodeSignature("keep", tags=(FLAGS_TAG,)), _keep),
    CommandDefinition(
        NodeSignature("fileinto", (STRING,), (FLAGS_TAG, *TARGET_TAGS, Tag("copy", extension="copy")), ("fileinto",)),
        _fileinto,
    ),
    CommandDefinition(NodeSignature("discard"), _discard),
    CommandDefinition(NodeSignature("stop"), _stop),
)
