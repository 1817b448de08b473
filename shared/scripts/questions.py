"""What a script asks of the world, as values that are answered between two runs of the same script.

A run is pure and cannot wait. It ends at the first question whose answer is not known; the question is answered, and
the script runs again from its beginning. Nothing has happened by then, because actions are values.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import NamedTuple, cast

from shared.protocol.sieve.program import CompiledScript


class QuestionKind(Enum):
    """The methods of `Answers`."""

    MAILBOX_EXISTS = "mailbox"
    MAILBOX_ID_EXISTS = "mailbox id"
    SPECIAL_USE_EXISTS = "special use"
    MAILBOX_METADATA = "mailbox annotation"
    SERVER_METADATA = "server annotation"
    IS_DUPLICATE = "duplicate"
    INCLUDED_SCRIPT = "included script"
    LIST_EXISTS = "external list"
    LIST_CONTAINS = "entry of an external list"


class ScriptQuestion(NamedTuple):
    """A question: the method of `Answers` and its arguments."""

    kind: QuestionKind
    arguments: tuple[str | None, ...]


Answer = bool | str | None | CompiledScript
AnswerTo = Callable[[ScriptQuestion], Awaitable[Answer]]
"""Answers a question. Raises ServiceError or StoreUnavailable when the answer cannot be had now."""


class Unanswered(Exception):
    """Raised in a run by a question whose answer is not known yet."""

    def __init__(self, question: ScriptQuestion) -> None:
        super().__init__(str(question))
        self.question = question


class GivenAnswers:
    """The answers that are known so far."""

    def __init__(self, given: Mapping[ScriptQuestion, Answer] | None = None) -> None:
        self.given: dict[ScriptQuestion, Answer] = dict(given or {})

    def _ask(self, kind: QuestionKind, *arguments: str | None) -> Answer:
        question = ScriptQuestion(kind, arguments)
        if question not in self.given:
            raise Unanswered(question)
        return self.given[question]

    def mailbox_exists(self, name: str) -> bool:
        """Whether the owner can file into this mailbox (RFC 5490 §3.1)."""
        return bool(self._ask(QuestionKind.MAILBOX_EXISTS, name))

    def mailbox_id_exists(self, mailbox_id: str) -> bool:
        """Whether there is a mailbox with this id (RFC 9042 §5)."""
        return bool(self._ask(QuestionKind.MAILBOX_ID_EXISTS, mailbox_id))

    def special_use_exists(self, special_use: str, mailbox: str | None) -> bool:
        """Whether a mailbox, or this mailbox, has the special use (RFC 8579 §3)."""
        return bool(self._ask(QuestionKind.SPECIAL_USE_EXISTS, special_use, mailbox))

    def mailbox_metadata(self, mailbox: str, entry: str) -> str | None:
        """The value of an annotation of a mailbox (RFC 5490 §4), or None."""
        return cast("str | None", self._ask(QuestionKind.MAILBOX_METADATA, mailbox, entry))

    def server_metadata(self, entry: str) -> str | None:
        """The value of an annotation of the server (RFC 5490 §5), or None."""
        return cast("str | None", self._ask(QuestionKind.SERVER_METADATA, entry))

    def is_duplicate(self, memory: str) -> bool:
        """Whether an earlier message has left this memory and it has not expired (RFC 7352 §3)."""
        return bool(self._ask(QuestionKind.IS_DUPLICATE, memory))

    def included_script(self, location: str, name: str) -> CompiledScript | None:
        """The script that `include` names (RFC 6609 §3.2); None: not there."""
        return cast("CompiledScript | None", self._ask(QuestionKind.INCLUDED_SCRIPT, location, name))

    def list_exists(self, name: str) -> bool:
        """Whether there is an external list of this name (RFC 6134 §2.7)."""
        return bool(self._ask(QuestionKind.LIST_EXISTS, name))

    def list_contains(self, name: str, value: str) -> bool:
        """Whether the external list contains the value (RFC 6134 §2.2)."""
        return bool(self._ask(QuestionKind.LIST_CONTAINS, name, value))
