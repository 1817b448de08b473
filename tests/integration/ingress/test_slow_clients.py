"""Many slow clients with large messages use bounded memory, which does not grow with what they send."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.server import running
from tests.parts.nats import NatsServer

CLIENTS = int(os.environ.get("MAILFOLD_SLOW_CLIENTS", "40"))
MEGABYTES = int(os.environ.get("MAILFOLD_SLOW_MEGABYTES", "5"))
_ROOM_PER_CLIENT = 1024 * 1024
_PIECE = (b"The quick brown fox jumps over the lazy dog, again and again and on.\r\n" * 1000)[:65534] + b"\r\n"


def resident() -> int:
    """The private memory of this process, in octets."""
    fields = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in fields if line.startswith(("Private_Dirty", "Private_Clean")))


async def test_memory_is_bounded(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        before = resident()
        highest = before
        gate = asyncio.Barrier(CLIENTS)

        async def send(client: Client) -> bytes:
            nonlocal highest
            await client.hello()
            await client.envelope()
            client.writer.write(b"From: bob@sender.example\r\n\r\n")
            for number in range(MEGABYTES * 16):
                client.writer.write(_PIECE)
                await client.writer.drain()
                if number % 16 == 0:
                    await gate.wait()  # all are in progress at once
                    highest = max(highest, resident())
            return await client.say(b".")

        async def send_slowly() -> bytes:
            async with connected(server.port(25)) as client:
                return await send(client)

        replies = await asyncio.gather(*(send_slowly() for _ in range(CLIENTS)))
        assert all(reply.startswith(b"250") for reply in replies)
        print(f"{CLIENTS} clients, {MEGABYTES} MB each: {(highest - before) / 1e6:.0f} MB more")
        assert highest - before < CLIENTS * _ROOM_PER_CLIENT
