"""Many connections that are logged in, compressed if wanted, and idle."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer


class CompressedConnection:
    """One connection, after the log-in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._deflater: zlib._Compress | None = None
        self._inflater = zlib.decompressobj(-15)

    @classmethod
    async def open(cls, server: MailfoldServer, person: Person, *, compressed: bool = True) -> Self:
        """Connect and log in."""
        made = cls(
            *await asyncio.open_connection(
                "127.0.0.1", server.port(IMAPS), ssl=server.tls(), server_hostname="localhost"
            )
        )
        await made._reader.readline()
        assert b"OK" in await made.ask(f'LOGIN {person.address} "{person.password}"'.encode())
        if compressed:
            assert b"OK" in await made.ask(b"COMPRESS DEFLATE")
            made._deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        return made

    async def ask(self, command: bytes) -> bytes:
        """Send a command; returns everything up to the tagged response."""
        self.send(b"t " + command + b"\r\n")
        return await self.until(b"\r\nt ")

    def send(self, data: bytes) -> None:
        """Send these octets, so that the server can read them."""
        deflater = self._deflater
        self.writer.write(deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH) if deflater else data)

    async def until(self, mark: bytes) -> bytes:
        """Everything up to a complete line after the mark, or up to the end."""
        received = b""
        while mark not in b"\r\n" + received or not received.endswith(b"\r\n"):
            octets = await self._reader.read(65_536)
            if not octets:
                break
            received += self._inflater.decompress(octets) if self._deflater else octets
        return received


READING = (b"SELECT INBOX", b"FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])")


class IdleConnections:
    """`async with IdleConnections(server, person, 100, compressed=True)`: each has sent these commands, and idles."""

    def __init__(
        self,
        server: MailfoldServer,
        person: Person,
        count: int,
        *,
        compressed: bool,
        commands: Sequence[bytes] = READING,
    ) -> None:
        self._server = server
        self._person = person
        self._count = count
        self._compressed = compressed
        self._commands = commands
        self.connections: list[CompressedConnection] = []

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            connection = await CompressedConnection.open(self._server, self._person, compressed=self._compressed)
            for command in self._commands:
                assert b"t OK" in await connection.ask(command)
            connection.send(b"t IDLE\r\n")
            assert await connection.until(b"+ idling") == b"+ idling\r\n"
            self.connections.append(connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self.connections:
            connection.writer.close()
