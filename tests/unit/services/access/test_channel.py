"""What a session sends: pieces of long answers, compressed or not, and a response that is sent in between."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, cast

from services.access.session.channel import ImapChannel
from shared.network.wire import Wire
from shared.protocol.imap.framing import CommandFramer
from shared.turns import Turns

_LINE = b"* OK [INPROGRESS] Still working\r\n"


class SlowWire:
    """Takes what is written; other tasks run while it does."""

    is_choked = False
    is_over = False

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    async def send(self, data: bytes) -> None:
        self.write(data)
        await asyncio.sleep(0)

    def take(self) -> bytes:
        return b""


def channel_of(wire: SlowWire) -> ImapChannel:
    return ImapChannel(cast(Wire, cast(Any, wire)), CommandFramer(), lambda: 60.0, Turns())


async def interjecting(channel: ImapChannel, work: asyncio.Task[None]) -> None:
    while not work.done():
        channel.interject(_LINE)
        await asyncio.sleep(0)
    await work


async def test_a_response_never_comes_within_another() -> None:
    """Lines of all lengths, more than is sent at once, with interjections at every turn."""
    lines = [b"* %d FETCH (%b)\r\n" % (number, b"x" * (number * 37 % 9000)) for number in range(200)]
    for is_compressed in (False, True):
        wire = SlowWire()
        channel = channel_of(wire)
        if is_compressed:
            await channel.begin_compression()

        async def answer(channel: ImapChannel = channel) -> None:
            await channel.write_all(line[at : at + 700] for line in lines for at in range(0, len(line), 700))
            for line in lines:
                channel.write(line)
                await channel.spill()
                await asyncio.sleep(0)
            await channel.flush()

        await interjecting(channel, asyncio.create_task(answer()))
        sent = zlib.decompressobj(-15).decompress(wire.sent) if is_compressed else wire.sent
        received = sent.splitlines(keepends=True)
        assert [line for line in received if line != _LINE] == lines * 2
        assert _LINE in received


async def test_nothing_comes_within_a_literal_whose_parts_end_like_a_response() -> None:
    wire = SlowWire()
    channel = channel_of(wire)
    for part in (b"* 1 FETCH (BODY[] {6}\r\n", b"a\r\n", b"b\r\n"):
        channel.write_part(part)
        channel.interject(_LINE)
    channel.write(b")\r\n")
    channel.interject(_LINE)
    assert wire.sent == b"* 1 FETCH (BODY[] {6}\r\na\r\nb\r\n)\r\n" + _LINE


async def test_each_pause_can_be_read_at_once_and_holds_no_deflater() -> None:
    wire = SlowWire()
    channel = channel_of(wire)
    await channel.begin_compression()
    inflater = zlib.decompressobj(-15)
    for number in range(20):
        line = b"* %d EXISTS\r\n" % number
        channel.write(line)
        await channel.flush()
        assert inflater.decompress(wire.sent) == line
        wire.sent = b""
        assert channel._compression is not None and channel._compression._deflater is None
