"""INPROGRESS (RFC 9585): a client hears from a command that takes long."""

from __future__ import annotations

import asyncio
from types import TracebackType

from services.access.session.channel import ImapChannel
from shared.protocol.imap import response
from shared.protocol.imap.response_code import inprogress


class Progress:
    """Says every so many seconds that a command is still carried out, while the session awaits another service.

    Nothing is said within a response, and nothing to a client that does not read.
    """

    def __init__(self, channel: ImapChannel, tag: bytes, seconds: float) -> None:
        self._channel = channel
        self._tag = tag
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Progress:
        if self._seconds:
            self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._report)

    def _report(self) -> None:
        self._channel.interject(response.ok(response.UNTAGGED, "Still working", inprogress(self._tag)))
        self._wait()
