"""PREVIEW in FETCH (RFC 8970): most previews come with the messages from the mailstore, ready to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.access.commands.fetch_plan import FetchPlan
from services.access.session.session import ImapSession
from shared.protocol.imap.fetch_response import preview_item
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_MAKING = 4
"""The cost of writing an octet of a preview, in octets examined."""


class FetchedMessage(NamedTuple):
    """Where the octets of a message are, and its preview where the mailstore has it."""

    blob: str
    prefix: bytes
    preview: str | None


def batch_previews(batch: pb.FetchBatch) -> Iterable[str | None]:
    """The preview of each message; None where it is not at hand."""
    previews: list[str | None] = list(batch.previews)
    for place in batch.without_preview:
        previews[place] = None
    return previews


async def answer_previews(
    session: ImapSession, requested: FetchPlan, heads: list[bytes], previews: Sequence[str]
) -> None:
    """Answer with previews alone, all of which are at hand."""
    space = b"" if heads and heads[0].endswith(b"(") else b" "
    times = len(requested.contents)
    for head, preview in zip(heads, previews, strict=True):
        session.channel.write(b"%b%b%b)\r\n" % (head, space, b" ".join([preview_item(preview)] * times)))
    await session.channel.spill()
    await session.backend.turns.spend(octets=_MAKING * sum(map(len, previews)))


def known_preview(session: ImapSession, message: FetchedMessage) -> str | None:
    """The preview of a message, from the mailstore or from this process's own memory."""
    if message.preview is not None:
        return message.preview
    return session.backend.previews.known(session.mailbox.account, message.blob)
