"""One IMAP connection: single or pipelined commands, IDLE, and the number of EXISTS."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from loadtest.imap.responses import BadResponse, ResponseFramer, exists, quoted
from loadtest.target import Target, trusting_context


class ImapRefused(Exception):
    """The server answered NO, BAD or BYE, or the connection broke."""


@dataclass(slots=True)
class Command:
    """A command without its tagged response so far, with the responses before it."""

    tag: bytes
    done: asyncio.Future[bytes]
    untagged: list[bytes] = field(default_factory=list)


class ImapSession(asyncio.Protocol):
    """A connection, opened with `open_imap`. Untagged responses are assigned to the oldest open command."""

    def __init__(self) -> None:
        self._framer = ResponseFramer()
        self._tags = itertools.count(1)
        self._pending: dict[bytes, Command] = {}
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self._greeted: asyncio.Future[bytes] = loop.create_future()
        self._go_ahead: asyncio.Future[None] = loop.create_future()
        self.lost = False
        self.capabilities: frozenset[bytes] = frozenset()
        self.exists = 0
        """The number of messages in the selected mailbox, as last reported by the server."""
        self.on_exists: Callable[[int, float], None] | None = None
        """Called with the number of every EXISTS and its monotonic time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for response in self._framer.feed(data):
                self._take(response)
        except BadResponse:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        for command in self._pending.values():
            _fail(command.done)
        self._pending.clear()
        _fail(self._greeted)
        _fail(self._go_ahead)

    def _take(self, response: bytes) -> None:
        if response.startswith(b"* "):
            self._take_untagged(response)
        elif response.startswith(b"+"):
            if not self._go_ahead.done():
                self._go_ahead.set_result(None)
        elif (command := self._pending.pop(response.split(b" ", 1)[0], None)) and not command.done.done():
            command.done.set_result(response)

    def _take_untagged(self, response: bytes) -> None:
        if (count := exists(response)) is not None:
            self.exists = count
            if self.on_exists:
                self.on_exists(count, time.monotonic())
        if not self._greeted.done():
            self._greeted.set_result(response)
        for command in self._pending.values():
            command.untagged.append(response)
            return

    async def greeting(self) -> bytes:
        """The first line. Raises ImapRefused."""
        return await asyncio.shield(self._greeted)

    async def command(self, line: bytes) -> list[bytes]:
        """One command; its untagged responses. Raises ImapRefused."""
        return await self.result(self.submit(line))

    async def in_a_row(self, lines: Sequence[bytes]) -> list[list[bytes]]:
        """Write all commands at once, then wait for all (RFC 9051 §5.5). Raises ImapRefused."""
        return [await self.result(command) for command in [self.submit(line) for line in lines]]

    def submit(self, line: bytes) -> Command:
        """Write a command (without tag and CRLF) without waiting."""
        command = Command(b"L%d" % next(self._tags), asyncio.get_running_loop().create_future())
        if self.lost or self._transport is None:
            raise ImapRefused("connection lost")
        self._pending[command.tag] = command
        self._transport.write(b"%s %s\r\n" % (command.tag, line))
        return command

    async def result(self, command: Command) -> list[bytes]:
        """Wait for a command. Raises ImapRefused."""
        tagged = await command.done
        if not tagged[len(command.tag) :].upper().startswith(b" OK"):
            raise ImapRefused(tagged.decode("utf-8", "replace")[:200])
        return command.untagged

    async def with_literals(self, pieces: Sequence[bytes]) -> list[bytes]:
        """A command in pieces, each except the last ending in a literal's size; the next is sent after the server's
        `+`."""
        self._go_ahead = asyncio.get_running_loop().create_future()
        command = self.submit(pieces[0])
        for piece in pieces[1:]:
            await asyncio.wait((self._go_ahead, command.done), return_when=asyncio.FIRST_COMPLETED)
            if command.done.done():
                break
            self._go_ahead = asyncio.get_running_loop().create_future()
            self.write(piece + b"\r\n")
        return await self.result(command)

    async def idle(self) -> Command:
        """Begin IDLE (RFC 2177), to be ended by `done`. Raises ImapRefused."""
        self._go_ahead = asyncio.get_running_loop().create_future()
        command = self.submit(b"IDLE")
        await asyncio.wait((self._go_ahead, command.done), return_when=asyncio.FIRST_COMPLETED)
        return command

    async def done(self, idle: Command) -> list[bytes]:
        """End IDLE; returns its responses. Raises ImapRefused."""
        self.write(b"DONE\r\n")
        return await self.result(idle)

    def write(self, data: bytes) -> None:
        """Write bytes unchanged."""
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    async def learn_capabilities(self) -> None:
        """Ask for the server's capabilities after log-in."""
        lines = await self.command(b"CAPABILITY")
        self.capabilities = frozenset(
            word.upper() for line in lines if line.upper().startswith(b"* CAPABILITY") for word in line.split()
        )

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()


def _fail(waiting: asyncio.Future[Any]) -> None:
    """End a wait with an error; reading the exception keeps asyncio from reporting it when nobody waited."""
    if not waiting.done():
        waiting.set_exception(ImapRefused("connection lost"))
        waiting.exception()


async def open_imap(target: Target, user: int) -> ImapSession:
    """Connects and logs in. Raises OSError, ImapRefused."""
    session = await connect_imap(target)
    try:
        await session.command(b"LOGIN %s %s" % (quoted(target.login(user)), quoted(target.password)))
        await session.learn_capabilities()
    except ImapRefused:
        session.close()
        raise
    return session


async def connect_imap(target: Target) -> ImapSession:
    """Connects and waits for the greeting. Raises OSError, ImapRefused."""
    _, session = await asyncio.get_running_loop().create_connection(
        ImapSession, target.host, target.imap_port, ssl=trusting_context() if target.imap_tls else None
    )
    await session.greeting()
    return session
