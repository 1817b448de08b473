"""Plays a dialog script over a real connection, whole or cut into pieces."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from itertools import groupby

from tests.dialogs.script import ANYTHING, Act, Script, Step

Address = tuple[str, int]
_PATIENCE = 60.0


class Mismatch(AssertionError):
    """The server sent something else."""


class Player:
    """The connections of one script."""

    def __init__(self, script: Script, cut: int | None) -> None:
        self._script = script
        self._cut = cut
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._sessions: dict[bytes, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def play(self, address: Address, tls: ssl.SSLContext | None) -> None:
        """Play every step. Raises Mismatch with the line of the script."""
        try:
            if not any(step.act is Act.SESSION for step in self._script.steps[:1]):
                await self._switch(b"", address)
            for act, steps in groupby(self._script.steps, lambda step: step.act):
                if act is Act.SESSION:
                    await self._switch(next(steps).data, address)
                else:
                    await self._steps(act, list(steps), tls)
        finally:
            for _, writer in self._sessions.values():
                writer.close()

    async def _switch(self, session: bytes, address: Address) -> None:
        """Go on with the session of this name; it is opened where it is named first."""
        if session not in self._sessions:
            self._sessions[session] = await asyncio.open_connection(*address)
        self._reader, self._writer = self._sessions[session]
        self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def _steps(self, act: Act, steps: list[Step], tls: ssl.SSLContext | None) -> None:
        if act is Act.SEND:
            await self._send(b"".join(step.data for step in steps))
            return
        for step in steps:
            if act is Act.TLS:
                await self._writer.start_tls(tls or _trusting())
            elif act is Act.CLOSED:
                await self._closed(step)
            else:
                await self._expect(step)

    async def _send(self, data: bytes) -> None:
        for start in range(0, len(data), self._cut or len(data)):
            self._writer.write(data[start : start + (self._cut or len(data))])
            await asyncio.sleep(0)  # let the server run, when it uses the same loop
        await self._writer.drain()

    async def _expect(self, step: Step) -> None:
        expected = _pattern(step.data)
        while True:
            line = await self._line(step)
            if expected.fullmatch(line):
                return
            if step.act is Act.EXPECT or not line:
                raise Mismatch(f"{self._script.name}:{step.number}\n  wanted {step.data!r}\n  got    {line!r}")

    async def _line(self, step: Step) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.readline(), _PATIENCE)
        except TimeoutError:
            raise Mismatch(f"{self._script.name}:{step.number}\n  wanted {step.data!r}\n  got    nothing") from None

    async def _closed(self, step: Step) -> None:
        rest = await asyncio.wait_for(self._reader.read(), _PATIENCE)
        if rest:
            raise Mismatch(f"{self._script.name}:{step.number}\n  wanted the end of the connection\n  got    {rest!r}")


async def play(
    script: Script, address: Callable[[str], Address], *, cut: int | None = None, tls: ssl.SSLContext | None = None
) -> None:
    """Play a script.

    `cut` is the length of the pieces in octets (None: whole). `tls` is the client's context (default: trusts every
    certificate).
    """
    await Player(script, cut).play(address(script.listener), tls)


def _pattern(line: bytes) -> re.Pattern[bytes]:
    pieces = line.split(ANYTHING.encode())
    return re.compile(b".*".join(map(re.escape, pieces)), re.DOTALL)


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
