"""A test mail of the operator is a reception like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.grpc.errors import Invalid
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitTestRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from tests.integration.ingress.server import HOSTNAME, running
from tests.parts import nats


async def test_it_is_written_by_the_server_and_given_to_delivery(nats_server: nats.NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        stub = IngressStub(server.host.channel("ingress", "operator"))
        reply = await stub.SubmitTest(SubmitTestRequest(sender="info@example.org", recipient="bob@far.example"))
        event = await server.submitted.get()
        assert (event.queue_id, event.reverse_path) == (reply.queue_id, "info@example.org")
        assert [recipient.address for recipient in event.recipients] == ["bob@far.example"]
        assert (event.user, event.account, event.client.listener) == ("", "", "test-mail")
        body = (await server.body(event.message.blob)).decode()
        assert f"Message-ID: <{reply.queue_id}@{HOSTNAME}>\r\n" in body
        assert "From: <info@example.org>\r\nTo: <bob@far.example>\r\n" in body and len(body) == event.message.size


async def test_an_address_with_other_letters_needs_smtputf8(nats_server: nats.NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        stub = IngressStub(server.host.channel("ingress", "operator"))
        await stub.SubmitTest(SubmitTestRequest(sender="ann@example.org", recipient="jürgen@far.example"))
        message = (await server.submitted.get()).message
        assert message.smtputf8 and message.eight_bit


@pytest.mark.parametrize(
    ("sender", "recipient", "reason"),
    [
        ("eve@far.example", "bob@far.example", "not an address of this server"),
        ("nobody@example.org", "bob@far.example", "not an address of this server"),
        ("gone@example.org", "bob@far.example", "not an address of this server"),
        ("ann@example.org\r\nBcc: x@y.example", "bob@far.example", "is not an address"),
        ("ann@example.org", "bob@far.example>\r\nX: y", "is not an address"),
        ("", "bob@far.example", "is not an address"),
    ],
)
async def test_other_senders_and_odd_addresses_are_refused(
    nats_server: nats.NatsServer, tmp_path: Path, sender: str, recipient: str, reason: str
) -> None:
    async with running(nats_server.url, tmp_path) as server:
        stub = IngressStub(server.host.channel("ingress", "operator"))
        with pytest.raises(Invalid, match=reason):
            await stub.SubmitTest(SubmitTestRequest(sender=sender, recipient=recipient))
        assert server.submitted.empty()
