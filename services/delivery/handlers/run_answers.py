"""Answers what the scripts of an account ask of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.external_lists import ExternalLists
from services.delivery.handlers.script_ports import DuplicateMemories
from shared.events.scripts import SERVER
from shared.grpc.errors import NotFound
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.program import CompiledScript
from shared.rpc.mailfold.mailstore.v1.annotations_pb2 import GetAnnotationRequest
from shared.scripts.programs import Programs
from shared.scripts.questions import Answer, QuestionKind, ScriptQuestion
from shared.scripts.sources import ScriptSources

if TYPE_CHECKING:
    from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsAsyncStub


class RunAnswers:
    """The answers for one account. Every method raises ServiceError or StoreUnavailable for what is not known now."""

    def __init__(
        self,
        account: str,
        mailboxes: AccountMailboxes,
        lists: ExternalLists,
        annotations: AnnotationsAsyncStub,
        memories: DuplicateMemories,
        sources: ScriptSources,
        programs: Programs,
    ) -> None:
        self._account = account
        self._mailboxes = mailboxes
        self._lists = lists
        self._annotations = annotations
        self._memories = memories
        self._sources = sources
        self._programs = programs

    async def answer(self, question: ScriptQuestion) -> Answer:
        """The answer to a question."""
        first, second = (*question.arguments, None)[:2]
        name = cast("str", first)
        match question.kind:
            case QuestionKind.MAILBOX_EXISTS:
                return await self._mailboxes.named(name) is not None
            case QuestionKind.MAILBOX_ID_EXISTS:
                return await self._mailboxes.with_id(name) is not None
            case QuestionKind.SPECIAL_USE_EXISTS:
                return await self._has_use(name, second)
            case QuestionKind.MAILBOX_METADATA:
                box = await self._mailboxes.named(name)
                return None if box is None else await self._annotation(box, second or "")
            case QuestionKind.SERVER_METADATA:
                return await self._annotation("", name)
            case QuestionKind.IS_DUPLICATE:
                return await self._memories.is_duplicate(self._account, name)
            case QuestionKind.INCLUDED_SCRIPT:
                return await self._included(name, second or "")
            case QuestionKind.LIST_EXISTS:
                return await self._lists.exists(name)
            case QuestionKind.LIST_CONTAINS:
                return await self._lists.contains(name, second or "")

    async def _has_use(self, special_use: str, mailbox: str | None) -> bool:
        """RFC 8579 §3: whether any mailbox has the use, or this one."""
        holder = await self._mailboxes.with_use(special_use)
        return holder is not None and (mailbox is None or await self._mailboxes.named(mailbox) == holder)

    async def _annotation(self, mailbox: str, entry: str) -> str | None:
        """The value of an annotation (RFC 5464); None where there is none."""
        request = GetAnnotationRequest(account=self._account, mailbox=mailbox, entry=entry)
        try:
            annotation = await self._annotations.GetAnnotation(request)
        except NotFound:
            return None
        return annotation.value.decode("utf-8", "replace") if annotation.HasField("value") else None

    async def _included(self, location: str, name: str) -> CompiledScript | None:
        """The script that `include` names (RFC 6609 §3.2). One that this release cannot compile counts as missing."""
        source = await self._sources.named(SERVER if location == "global" else self._account, name)
        if source is None:
            return None
        try:
            return await self._programs.program_soon(source.source)
        except InvalidScript:
            return None
