"""What happens to outgoing messages when the connection is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nats.errors import ConnectionClosedError, MaxPayloadError, OutboundBufferLimitError
from structlog.testing import capture_logs

from shared.bus.outgoing import Outgoing


class Client:
    """Takes messages, or raises `error`."""

    max_payload = 1000

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.taken: list[str] = []

    async def publish(self, subject: str, *_rest: Any) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(subject)


class Connection:
    """A connection that is open."""

    epoch = 1

    def __init__(self, client: Client) -> None:
        self.client = client


@pytest.mark.parametrize(
    "error", [ConnectionClosedError(), ConnectionResetError(), RuntimeError("the handler is closed")]
)
async def test_a_connection_that_closes_is_no_fault_of_a_message(error: Exception) -> None:
    """A message that waits for its confirmation is sent again by its publisher, so none is reported as refused."""
    client, refused = Client(), []
    client.error = error
    outgoing = Outgoing(Connection(client), 0.0)  # type: ignore[arg-type]
    with capture_logs() as logs:
        outgoing.send("a", b"x", refused=refused.append)
        await outgoing.flush()
        await asyncio.sleep(0)
    assert (refused, logs) == ([], [])
    client.error = None
    outgoing.send("b", b"x")
    await outgoing.flush()
    assert client.taken == ["b"]


async def test_what_cannot_be_sent_harms_nothing_behind_it() -> None:
    client, refused = Client(), []
    outgoing = Outgoing(Connection(client), 0.0)  # type: ignore[arg-type]
    outgoing.send("large", bytes(990), headers={"Nats-Msg-Id": "m1"}, refused=refused.append)
    outgoing.send("fits", bytes(940), headers={"Nats-Msg-Id": "m1"}, refused=refused.append)
    await outgoing.flush()
    assert (client.taken, [type(error) for error in refused]) == (["fits"], [MaxPayloadError])


async def test_a_full_buffer_is_reported_to_its_sender() -> None:
    client, refused = Client(), []
    client.error = OutboundBufferLimitError()
    outgoing = Outgoing(Connection(client), 0.0)  # type: ignore[arg-type]
    outgoing.send("a", b"x", refused=refused.append)
    await outgoing.flush()
    assert [type(error) for error in refused] == [OutboundBufferLimitError]
