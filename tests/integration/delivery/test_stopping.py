"""A stop lets the mail in progress finish while the store is still open."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from shared.grpc.servicers import Method
from tests.integration.delivery.installation import DELIVER, Installation
from tests.parts import nats


async def test_a_mail_at_hand_is_finished_before_the_store_closes(tmp_path: Path, nats_server: nats.NatsServer) -> None:
    installation = Installation(tmp_path / "data", nats_server.url)
    await installation.start()
    await installation.add_people("ann")
    offered = installation.methods["mailstore"]
    method = offered[DELIVER]
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def deliver(request: Any, context: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await method.behaviour(request, context)

    offered[DELIVER] = Method(method.service, method.path, method.streams, deliver, method.handler)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await begun.wait()
    stopping = asyncio.create_task(installation.delivery.stop())
    await asyncio.wait({stopping}, timeout=0.1)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert await installation.until_settled(mail.queue_id) == {"ann@example.org": "delivered"}
    await installation.stop()

    again = Installation(tmp_path / "data", nats_server.url)
    await again.start()
    assert len(await again.events_of_mail(mail.queue_id)) == 2
    assert await again.count("ann") == 1
    await again.stop()
