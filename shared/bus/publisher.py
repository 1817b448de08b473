"""Publishes events and waits until the stream confirms them, with one inbox for all answers and one timer for all
limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import MaxPayloadError

from shared.bus.connection import BusConnection
from shared.bus.errors import BusError, BusRefused, BusUnavailable
from shared.bus.outgoing import Outgoing
from shared.bus.settings import BusSettings

_ID_HEADER = "Nats-Msg-Id"
_NO_RESPONDERS = "503"
_STUCK_AFTER = 2.0
"""Silence in multiples of the publish timeout after which a living connection counts as stuck."""
_TOO_LARGE = frozenset({10049, 10054})
"""JetStream's `err_code` for a message that is too large for its stream. All its other errors (no room, no leader) are
temporary."""


@dataclass(slots=True)
class _Waiting:
    """A publish that was not answered yet."""

    subject: str
    headers: dict[str, str] | None
    payload: bytes
    answer: asyncio.Future[None]
    deadline: float


class Publisher:
    """Holds every publish until it is confirmed, and sends all of them again after a reconnect; the stream knows their
    ids."""

    def __init__(self, settings: BusSettings, connection: BusConnection, outgoing: Outgoing) -> None:
        self._settings = settings
        self._connection = connection
        self._outgoing = outgoing
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, _Waiting] = {}
        self._inbox = ""
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._heard = 0.0
        self._silent_since: float | None = None

    async def attach(self, client: Client) -> None:
        """Listen for answers on a new inbox."""
        self._inbox = client.new_inbox() + "."
        self._heard = self._loop.time()
        self._silent_since = None
        await client.subscribe(self._inbox + "*", cb=self._on_answer)

    @property
    def patience(self) -> float:
        """Seconds of silence after which the streams count as stuck."""
        return _STUCK_AFTER * self._settings.publish_timeout_seconds

    @property
    def is_stuck(self) -> bool:
        """Whether the server accepts publishes but confirms none.

        nats-server does so after a full disk, until its stream is created again.
        """
        silent = self._silent_since
        return silent is not None and self._loop.time() - silent >= self.patience

    def resend(self) -> None:
        """Send everything that was not answered again."""
        for token, waiting in self._waiting.items():
            self._send(token, waiting)

    async def publish(self, subject: str, message_id: str, payload: bytes) -> None:
        """Publish; returns when the stream has stored the message, or had stored it under this id.

        Raises BusUnavailable or BusRefused.
        """
        self._check_room()
        headers = {_ID_HEADER: message_id} if message_id else None
        waiting = _Waiting(subject, headers, payload, self._loop.create_future(), self._deadline())
        self._count += 1
        token = str(self._count)
        self._waiting[token] = waiting
        try:
            self._send(token, waiting)
            await waiting.answer
        finally:
            self._waiting.pop(token, None)

    def stop(self) -> None:
        """Fail everything that was not answered, and every later publish."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            _fail(waiting, BusUnavailable("the bus is closed"))

    def denied(self, subject: str) -> None:
        """Note that the server does not allow this client to publish on a subject."""
        for waiting in self._waiting.values():
            if waiting.subject == subject:
                _fail(waiting, BusRefused(f"{subject}: no permission to publish"))

    def _check_room(self) -> None:
        if self._stopped:
            raise BusUnavailable("the bus is closed")
        if len(self._waiting) >= self._settings.max_waiting_publishes:
            raise BusUnavailable(f"{len(self._waiting)} publishes wait for the bus")

    def _deadline(self) -> float:
        """Check the first publish. All have the same limit, so the oldest is due first and one timer is enough."""
        deadline = self._loop.time() + self._settings.publish_timeout_seconds
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._expire)
        return deadline

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for waiting in self._waiting.values():
            if waiting.deadline > now:
                self._timer = self._loop.call_at(waiting.deadline, self._expire)
                break
            self._note_silence(waiting)
            _fail(
                waiting, BusUnavailable(f"no answer from the bus within {self._settings.publish_timeout_seconds:g} s")
            )

        if self.is_stuck:
            self._connection.heal("publishes are taken and not confirmed")

    def _note_silence(self, waiting: _Waiting) -> None:
        """Note that nothing at all was received while this publish waited."""
        sent = waiting.deadline - self._settings.publish_timeout_seconds
        if self._silent_since is None and self._connection.ready and sent > self._heard:
            self._silent_since = sent

    def _send(self, token: str, waiting: _Waiting) -> None:
        def refused(error: Exception) -> None:
            # Of the client's errors only this one belongs to the message; the others belong to the connection and are
            # temporary.
            kind = BusRefused if isinstance(error, MaxPayloadError) else BusUnavailable
            _fail(waiting, kind(f"{waiting.subject}: {error!r}"))

        self._outgoing.send(waiting.subject, waiting.payload, self._inbox + token, waiting.headers, refused)

    async def _on_answer(self, message: Msg) -> None:
        self._heard, self._silent_since = self._loop.time(), None
        waiting = self._waiting.get(message.subject.rpartition(".")[2])
        if waiting is None or waiting.answer.done():
            return
        if message.headers is not None and message.headers.get("Status") == _NO_RESPONDERS:
            self._connection.heal(f"no stream takes {waiting.subject}")  # it is sent again afterwards
        elif b'"error"' in message.data:
            _fail(waiting, _error_in(waiting.subject, message.data))
        else:
            waiting.answer.set_result(None)


def _fail(waiting: _Waiting, error: BusError) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


def _error_in(subject: str, answer: bytes) -> BusError:
    """The error in the stream's answer."""
    error = orjson.loads(answer)["error"]
    kind = BusRefused if error.get("err_code") in _TOO_LARGE else BusUnavailable
    return kind(f"{subject}: {error.get('description', '')}")
