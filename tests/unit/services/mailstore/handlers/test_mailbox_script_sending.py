"""What a script of a mailbox sends is refused by a decision of delivery, and tried again after anything else."""

from __future__ import annotations

from typing import Any

import pytest

from services.mailstore.domain.mailbox_scripts import MessageDecision
from services.mailstore.handlers.mailbox_script_sending import MailboxScriptSending
from services.mailstore.handlers.script_messages import StoredMessage
from shared.grpc.errors import (
    Conflict,
    InternalError,
    Invalid,
    NotFound,
    ServiceError,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from shared.protocol.sieve.actions import RedirectAction

MESSAGE = StoredMessage(1, "e1", "g1/b1", 10, 0, "", 0, 1, b"")
DECISION = MessageDecision(False, None, sends=(RedirectAction("bob@example.net"),))


class Failing:
    """A channel to a delivery whose calls fail."""

    def __init__(self, error: ServiceError) -> None:
        self._error = error

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        async def call(*_: Any, **__: Any) -> None:
            raise self._error

        return call


def sending(error: ServiceError) -> MailboxScriptSending:
    channel: Any = Failing(error)
    return MailboxScriptSending(channel)


@pytest.mark.parametrize("kind", [Unavailable, TimedOut, Conflict, Unauthenticated, InternalError])
async def test_what_is_no_decision_is_tried_again(kind: type[ServiceError]) -> None:
    with pytest.raises(kind):
        await sending(kind("not now")).sent("a1", 7, MESSAGE, DECISION)


@pytest.mark.parametrize("kind", [Invalid, NotFound])
async def test_a_refused_redirect_keeps_the_message(kind: type[ServiceError]) -> None:
    decided = await sending(kind("never")).sent("a1", 7, MESSAGE, DECISION)
    assert (decided.keeps, decided.failure) == (True, "never")
