"""Lists and retries the dead letters of all services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailfold.layouts import OWNERS
from mailfold.operator.failure import CommandFailed
from mailfold.operator.running import answers
from mailfold.operator.session import Session, with_fresh_command_id
from shared.grpc.errors import NotFound, ServiceError

if TYPE_CHECKING:
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerAsyncStub


async def all_dead_letters(session: Session, *, include_retried: bool) -> list[owner_pb2.DeadLetter]:
    """The dead letters of every service, oldest first."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    request = owner_pb2.ListDeadLettersRequest(include_retried=include_retried)
    kept: list[owner_pb2.DeadLetter] = []
    for service in OWNERS:
        reply = await (await _stub(session, service)).ListDeadLetters(request)
        kept += reply.letters
    return sorted(kept, key=lambda dead_letter: dead_letter.at)


async def dead_letter_of(session: Session, identity: str) -> tuple[str, owner_pb2.DeadLetter]:
    """A dead letter and the service that keeps it. Raises CommandFailed."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    for service in OWNERS:
        try:
            return service, await (await _stub(session, service)).ShowDeadLetter(
                owner_pb2.DeadLetterRequest(id=identity)
            )
        except NotFound:
            continue
    raise CommandFailed(f"there is no dead letter {identity}; `mailfold deadletters list` shows them")


async def retry(session: Session, identities: Sequence[str], *, everything: bool) -> list[tuple[str, str]]:
    """Retry dead letters; returns each id with its error, which is empty when the retry succeeded."""
    chosen = (
        [dead_letter.id for dead_letter in await all_dead_letters(session, include_retried=False)]
        if everything
        else identities
    )
    return [(identity, await _retried(session, identity)) for identity in chosen]


async def _retried(session: Session, identity: str) -> str:
    """Retry one dead letter; returns its error, which is empty when it succeeded."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    service, _ = await dead_letter_of(session, identity)
    if not answers(session.places, service):
        return f"{service} does not run; only a running server can retry steps: start it with `mailfold up`"
    try:
        with with_fresh_command_id():
            await (await _stub(session, service)).RetryDeadLetter(owner_pb2.DeadLetterRequest(id=identity))
    except ServiceError as error:
        return error.message
    return ""


async def _stub(session: Session, service: str) -> OwnerAsyncStub:
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    return OwnerStub(await session.owner(service, reads_only=True))
