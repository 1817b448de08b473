"""Tries a Sieve script with what the server knows of an account: over one message, or over the mail that came to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id
from mailfold.operator.script_trial import ScriptTrial, TrialEnvelope, moment_of

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_QUEUE_ID = re.compile(r"[0-9A-Za-z.-]{1,64}")
_MOST_OCTETS = 48 << 20


class TriedMessage(NamedTuple):
    """A message, or the queue id of a mail that came to the account."""

    octets: bytes = b""
    queue_id: str = ""


class WindowTrial(NamedTuple):
    """Over which mail a script is tried, and how."""

    account: str
    days: int
    limit: int
    compare_active: bool


async def tried_for_account(
    session: Session, account: str, script: tuple[str, bytes], message: TriedMessage, envelope: TrialEnvelope
) -> ScriptTrial:
    """Try a script over one message. `script` is its name and its source. Raises CommandFailed, ServiceError."""
    from shared.rpc.mailfold.delivery.v1 import dryruns_pb2 as pb
    from shared.rpc.mailfold.delivery.v1.dryruns_pb2_grpc import DryRunsStub

    if len(message.octets) > _MOST_OCTETS:
        raise CommandFailed(f"the message has more than {_MOST_OCTETS} octets", UNUSABLE)
    request = pb.TestScriptRequest(
        account=await account_id(session, account),
        name=script[0][:128],
        source=script[1],
        message=message.octets,
        queue_id=message.queue_id,
        recipient=(envelope.recipient or "").strip("<>"),
        now=int(moment_of(envelope.now).timestamp() * 1_000_000) if envelope.now else 0,
    )
    if envelope.sender is not None:
        request.sender = envelope.sender.strip("<>")
    if envelope.spam_percent is not None:
        request.spam_percent = envelope.spam_percent
    return _trial(await DryRunsStub(await session.running("delivery")).TestScript(request))


async def what_if_parts(session: Session, script: tuple[str, bytes], window: WindowTrial) -> AsyncIterator[Any]:
    """What the server finds, in parts. Raises ServiceError."""
    from shared.rpc.mailfold.delivery.v1 import dryruns_pb2 as pb
    from shared.rpc.mailfold.delivery.v1.dryruns_pb2_grpc import DryRunsStub

    request = pb.WhatIfRequest(
        account=await account_id(session, window.account),
        name=script[0][:128],
        source=script[1],
        days=window.days,
        most_listed=window.limit,
        compare_active=window.compare_active,
    )
    async for part in DryRunsStub(await session.running("delivery")).WhatIf(request):
        yield part


def notes_of(notes: Any) -> tuple[Any, ...]:
    """Errors or warnings of the contract as those of the compiler."""
    from shared.protocol.sieve.diagnostic import Place, ScriptNote

    return tuple(ScriptNote(Place(note.line, note.column), note.text) for note in notes)


def checked_queue_id(text: str) -> str:
    """A queue id. Raises CommandFailed."""
    if not _QUEUE_ID.fullmatch(text):
        raise CommandFailed(f"{text!r} is not a queue id; `mailfold events` shows them", UNUSABLE)
    return text


def _trial(reply: Any) -> ScriptTrial:
    import orjson

    from shared.protocol.sieve.outcome import StepNote

    steps = tuple(
        StepNote(step.line, step.text, step.result if step.HasField("result") else None, step.script)
        for step in reply.steps
    )
    actions = tuple(
        {**orjson.loads(action.action), **({"script": action.script} if action.script else {})}
        for action in reply.actions
    )
    failures = [f"{failure.script} line {failure.line}: {failure.text}" for failure in reply.failures]
    return ScriptTrial(
        notes_of(reply.errors), notes_of(reply.warnings), steps, actions, tuple(reply.would), "; ".join(failures)
    )
