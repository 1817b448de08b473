"""Random sequences of partly valid octets: the server replies or disconnects, and serves the next client."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from structlog.testing import capture_logs

from tests.integration.ingress.client import connected
from tests.integration.ingress.server import running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.nats import NatsServer

ROUNDS = 60
PIECES = (
    b"EHLO c.example\r\n",
    b"HELO \r\n",
    b"MAIL FROM:<>\r\n",
    b"MAIL FROM:<a@b.example> SMTPUTF8 SIZE=1\r\n",
    b"RCPT TO:<ann@example.org>\r\n",
    b"RCPT TO:<ann@example.org> NOTIFY=NEVER\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\nabcde",
    b"BDAT 0 LAST\r\n",
    b"BDAT 7 LAST\r\n\r\n\r\nab\n",
    b"RSET\r\n",
    b".\r\n",
    b"\r\n.\r\n",
    b"\n",
    b"\r",
    b"\0\r\n",
    b"AUTH PLAIN =\r\n",
    b"NOOP\r\n",
    b"QUI",
    b"From: x\r\n\r\n",
    b"Authentication-Results: mx.example.org\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=x; h=from; bh=; b=\r\n",
    b"Content-Type: multipart/mixed; boundary=a\r\n",
    b"--a\r\n",
    bytes(range(256)),
    b"\xff" * 100,
    b"x" * 3000,
)


async def test_random_dialogs(nats_server: NatsServer, tmp_path: Path) -> None:
    chance = random.Random(20261123)
    async with running(nats_server.url, tmp_path) as server:
        with capture_logs() as logs:
            for _ in range(ROUNDS):
                async with connected(server.port(25)) as client:
                    client.writer.write(
                        b"EHLO c.example\r\n" + b"".join(chance.choices(PIECES, k=chance.randrange(1, 60)))
                    )
                    client.writer.write_eof()
                    said = await asyncio.wait_for(client.reader.read(), 60)
                    assert said.startswith(b"220 ")
        assert [entry for entry in logs if entry["log_level"] == "error"] == []
        async with connected(server.port(25)) as client:
            await client.hello()
            assert (await client.mail(MAIL)).startswith(b"250")
