"""Answers what scripts ask about an account, from the mailstore's own tables.

Messages of which a script decides here have been delivered already: none is a duplicate, and none is remembered.
"""

from __future__ import annotations

from collections.abc import Callable

from services.mailstore.domain.state import SPECIAL_USES, MailboxState
from services.mailstore.handlers import load
from shared.events.scripts import SERVER
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.extensions import ScriptContext
from shared.protocol.sieve.program import CompiledScript
from shared.scripts.programs import Programs
from shared.scripts.questions import Answer, QuestionKind, ScriptQuestion

SourceOf = Callable[[Reader, str, str], bytes | None]
"""The source of a script by owner and name; None: there is none."""
AnnotationOf = Callable[[Reader, str, str, str], str | None]
"""The value of an annotation by account, mailbox id (empty: the server's) and entry; None: it has none."""
_LOCATIONS = {"personal": "", "global": SERVER}
_USES = {use.lower(): use for use in SPECIAL_USES}


def no_annotation(_reader: Reader, _account: str, _mailbox: str, _entry: str) -> str | None:
    """The answer where annotations are not kept."""
    return None


def mailbox_of_script(reader: Reader, account: str, name: str) -> MailboxState | None:
    """The mailbox that a script names; None: there is none.

    Names are UTF-8 (RFC 5228 §4.1). Some clients write modified UTF-7, which counts where such a mailbox exists.
    """
    named = load.mailbox_if_any(reader, account, "", name) or load.mailbox_if_any(reader, account, "", _decoded(name))
    return named[0] if named else None


def is_modified_utf7(name: str) -> bool:
    """Whether a name means another one in modified UTF-7; no mailbox of such a name is created."""
    return _decoded(name) not in ("", name)


def special_use_of(text: str) -> str:
    """The special use that a script names, compared without case (RFC 8579 §3); what is none stays as it is."""
    return _USES.get(text.lower(), text)


def mailbox_of_use(reader: Reader, account: str, special_use: str) -> MailboxState | None:
    """The mailbox of a special use; None: there is none."""
    return load.mailbox_by_use(reader, account, special_use_of(special_use)) if special_use else None


class ScriptAnswers:
    """Answers the questions of runs over messages of an account in a context."""

    def __init__(
        self,
        store: EventStore,
        programs: Programs,
        account: str,
        context: ScriptContext,
        source_of: SourceOf,
        annotation_of: AnnotationOf = no_annotation,
    ) -> None:
        self._store = store
        self._programs = programs
        self._account = account
        self._context = context
        self._source_of = source_of
        self._annotation_of = annotation_of

    async def __call__(self, question: ScriptQuestion) -> Answer:
        """The answer. Raises StoreUnavailable."""
        if question.kind is QuestionKind.INCLUDED_SCRIPT:
            return await self._included(*(text or "" for text in question.arguments))
        if question.kind in (QuestionKind.IS_DUPLICATE, QuestionKind.LIST_EXISTS, QuestionKind.LIST_CONTAINS):
            return False
        return await self._store.read(lambda reader: self._answer(reader, question))

    def _answer(self, reader: Reader, question: ScriptQuestion) -> Answer:
        account, texts = self._account, [text or "" for text in question.arguments]
        match question.kind:
            case QuestionKind.MAILBOX_EXISTS:
                return mailbox_of_script(reader, account, texts[0]) is not None
            case QuestionKind.MAILBOX_ID_EXISTS:
                return bool(texts[0] and load.mailbox_if_any(reader, account, texts[0], ""))
            case QuestionKind.SPECIAL_USE_EXISTS:
                return self._has_use(reader, texts[0], question.arguments[1])
            case QuestionKind.MAILBOX_METADATA:
                mailbox = mailbox_of_script(reader, account, texts[0])
                return self._annotation_of(reader, account, mailbox.id, texts[1]) if mailbox else None
            case QuestionKind.SERVER_METADATA:
                return self._annotation_of(reader, account, "", texts[0])
            case _:
                raise AssertionError(question)

    def _has_use(self, reader: Reader, special_use: str, name: str | None) -> bool:
        holder = mailbox_of_use(reader, self._account, special_use)
        if name is None or holder is None:
            return holder is not None
        mailbox = mailbox_of_script(reader, self._account, name)
        return mailbox is not None and mailbox.id == holder.id

    async def _included(self, location: str, name: str) -> CompiledScript | None:
        """The included script; None when it is not there, or has errors in this context (RFC 6609 §3.1)."""
        owner = _LOCATIONS.get(location, "") or self._account
        source = await self._store.read(lambda reader: self._source_of(reader, owner, name))
        try:
            return await self._programs.program_soon(source, self._context) if source is not None else None
        except InvalidScript:
            return None


def _decoded(name: str) -> str:
    """The name that is written in modified UTF-7; empty when it is not."""
    if "&" not in name or not name.isascii():
        return ""
    try:
        return decode_mailbox_name(name.encode())
    except InvalidMailboxName:
        return ""
