"""One name server: its sockets, and whether it is worth asking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.clock import Clock
from shared.dns.channel import DnsChannel, Sent
from shared.dns.settings import ResolverSettings, ServerAddress

_LENGTH = 2
_WITHOUT_EDNS = 900.0
"""Seconds for which a server is asked without EDNS."""
_UP = float("-inf")


class NameServer:
    """A name server.

    When it answers nothing for a whole wait, it is down for a while; then a single question tests it.
    """

    def __init__(self, address: ServerAddress, settings: ResolverSettings, clock: Clock) -> None:
        self.address = address
        self.name = address[0]
        self._settings = settings
        self._clock = clock
        self._channels: list[DnsChannel | None] = [None] * settings.sockets
        self._retired: list[DnsChannel] = []
        self._turn = 0
        self.heard = 0
        """Number of responses to any question."""
        self._down_until = _UP
        self._is_probed = False
        self._no_edns_until = _UP

    @property
    def has_edns(self) -> bool:
        """Whether to ask with EDNS (RFC 6891)."""
        return self._clock.monotonic() >= self._no_edns_until

    def note_no_edns(self) -> None:
        """Note that it did not understand a question with EDNS.

        This is forgotten after a while, because one odd answer may be an accident.
        """
        self._no_edns_until = self._clock.monotonic() + _WITHOUT_EDNS

    def is_worth_asking(self) -> bool:
        """Whether it is up, or its time as down is over and no other question tests it."""
        if self._down_until == _UP:
            return True
        return not self._is_probed and self._clock.monotonic() >= self._down_until

    @property
    def is_down(self) -> bool:
        """Whether it answered nothing when it was last asked."""
        return self._down_until != _UP

    def send(self, query: bytes, asked: bytes, on_message: Callable[[bytes | None], None]) -> Sent:
        """Send a query without its id. Raises OSError."""
        self._is_probed = self.is_down

        def heard(message: bytes | None) -> None:
            if message is not None:
                self.note_heard()
            on_message(message)

        return self._channel().send(query, asked, heard)

    def note_heard(self) -> None:
        """Note a response, so it is up."""
        self.heard += 1
        self._down_until = _UP
        self._is_probed = False

    def note_silence(self, heard_before: int) -> None:
        """Note that a question got no response.

        The server is down unless it answered others meanwhile; `heard_before` is `heard` when the question was sent.
        """
        self._is_probed = False
        if self.heard == heard_before:
            self._down_until = self._clock.monotonic() + self._settings.down_for

    def release_probe(self) -> None:
        """Note that the question which tested it was cancelled."""
        self._is_probed = False

    async def ask_tcp(self, query: bytes) -> bytes:
        """Send the query over TCP (RFC 7766); returns the response with its id. Raises OSError, EOFError."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write((len(query)).to_bytes(_LENGTH) + query)
            length = int.from_bytes(await reader.readexactly(_LENGTH))
            return await reader.readexactly(length)
        finally:
            writer.close()

    def strangers(self) -> int:
        """Number of datagrams that were no response to an open question."""
        return sum(channel.strangers for channel in self._channels if channel is not None)

    def close(self) -> None:
        """Close all sockets."""
        for channel in [*self._channels, *self._retired]:
            if channel is not None:
                channel.close()
        self._channels = [None] * len(self._channels)
        self._retired = []

    def _channel(self) -> DnsChannel:
        """The next socket in turn; each is replaced by one with another port after a number of questions."""
        self._turn = (self._turn + 1) % len(self._channels)
        channel = self._channels[self._turn]
        if channel is None or channel.asked >= self._settings.questions_per_socket:
            if channel is not None:
                self._retire(channel)
            channel = self._channels[self._turn] = DnsChannel(self.address, asyncio.get_running_loop())
        return channel

    def _retire(self, channel: DnsChannel) -> None:
        self._retired.append(channel)
        waiting = []
        for old in self._retired:
            if old.is_idle:
                old.close()
            else:
                waiting.append(old)
        self._retired = waiting
