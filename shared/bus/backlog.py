"""How much work waits in the stream; senders ask for it so that they do not fill the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.bus.subjects import MAIL

_REQUEST_SECONDS = 3.0


class Backlog(NamedTuple):
    """The state of the stream."""

    waiting: Mapping[str, int]
    """For each event type the number of messages that no worker has finished."""
    filled: float
    """The size of the stream as a share of its limit."""


async def backlog_of(client: Client) -> Backlog | None:
    """The present backlog; None when the server does not answer."""
    jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
    try:
        state = (await jetstream.stream_info(MAIL.name, subjects_filter=">")).state
    except NatsError:
        return None
    waiting: Counter[str] = Counter()
    for subject, count in (state.subjects or {}).items():
        waiting[subject.rpartition(".")[0]] += count
    return Backlog(waiting, state.bytes / MAIL.max_bytes)
