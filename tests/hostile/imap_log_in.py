"""Sends many IMAP log-ins at once, from chosen addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer

_SECONDS = 60.0


def log_in_side_by_side(
    server: MailfoldServer, person: Person, passwords: Sequence[str], source: str = "127.0.0.1"
) -> list[bytes]:
    """Open a connection for each password, then log in on all of them.

    Returns the tagged responses without their tag.
    """

    async def all_of_them() -> list[bytes]:
        gate = asyncio.Barrier(len(passwords))
        attempts = (_log_in(server, person.address, password, source, gate) for password in passwords)
        async with asyncio.timeout(_SECONDS):
            return list(await asyncio.gather(*attempts))

    return asyncio.run(all_of_them())


async def _log_in(server: MailfoldServer, login: str, password: str, source: str, gate: asyncio.Barrier) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port(IMAPS), ssl=server.tls(), server_hostname="localhost", local_addr=(source, 0)
    )
    try:
        await reader.readline()
        await gate.wait()
        writer.write(f'a LOGIN {login} "{password}"\r\n'.encode())
        while line := await reader.readline():
            if line.startswith(b"a "):
                return line.removeprefix(b"a ").rstrip()
        return b""
    finally:
        writer.close()
