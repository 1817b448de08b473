"""Doorbells, as core NATS messages without a stream.

One may be lost; a receiver asks the owner for the present version. Listeners in the same process are called directly,
and the server does not echo (`Connection`). That saves a hop on the way of a mail to a waiting session, and four
messages for each mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from shared.bus.outgoing import Outgoing

log = structlog.get_logger("bus")

Heard = Callable[[str, bytes], None]
"""Takes the subject and the payload of a doorbell; must be quick."""


class Listening:
    """One listener at a subject."""

    def __init__(self, subject: str, callback: Heard, forget: Callable[[Listening], Awaitable[None]]) -> None:
        self.subject = subject
        self.callback = callback
        self._forget = forget

    async def close(self) -> None:
        """Stop listening."""
        await self._forget(self)


class Doorbells:
    """Rings and receives doorbells. Listeners at one subject share one subscription."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._client: Client | None = None
        self._listeners: dict[str, list[Listening]] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._loop = asyncio.get_running_loop()
        self._rung: dict[str, bytes] = {}

    def ring(self, subject: str, payload: bytes = b"", *, batched: bool = False) -> None:
        """Ring a doorbell.

        When several rings at one subject are sent together, only the last payload is sent. While disconnected, rings
        only reach this process.
        """
        self._outgoing.send_last(subject, payload, batched=batched)
        if not self._rung:
            self._loop.call_soon(self._ring_here)
        self._rung[subject] = payload

    async def listen(self, subject: str, callback: Heard) -> Listening:
        """Call `callback` at every ring from now on, also after reconnects."""
        listening = Listening(subject, callback, self._forget)
        self._listeners.setdefault(subject, []).append(listening)
        if self._client is not None:
            await self._subscribe(self._client, subject)
        return listening

    async def attach(self, client: Client) -> None:
        """Subscribe with a new client; the same client keeps its subscriptions over reconnects."""
        if client is self._client:
            return
        self._subscriptions.clear()
        self._client = client
        for subject in list(self._listeners):
            await self._subscribe(client, subject)

    async def _subscribe(self, client: Client, subject: str) -> None:
        if subject in self._subscriptions:
            return

        async def heard(message: Msg) -> None:
            for listening in tuple(self._listeners.get(subject, ())):
                _call(listening, message.subject, message.data)

        try:
            self._subscriptions[subject] = await client.subscribe(subject, cb=heard)
        except NatsError as error:  # closed for good: its successor subscribes
            log.debug("bus.subscribe_failed", subject=subject, error=repr(error))

    def _ring_here(self) -> None:
        rung, self._rung = self._rung, {}
        for subject, payload in rung.items():
            for listening in tuple(self._here(subject)):
                _call(listening, subject, payload)

    def _here(self, subject: str) -> Iterator[Listening]:
        """The listeners in this process, at the subject or at its pattern (`subjects.py` only has `<who>.*`)."""
        yield from self._listeners.get(subject, ())
        yield from self._listeners.get(f"{subject.rpartition('.')[0]}.*", ())

    async def _forget(self, listening: Listening) -> None:
        listeners = self._listeners.get(listening.subject, [])
        if listening in listeners:
            listeners.remove(listening)
        if listeners or self._listeners.pop(listening.subject, None) is None:
            return
        if (subscription := self._subscriptions.pop(listening.subject, None)) is not None:
            try:
                await subscription.unsubscribe()
            except NatsError as error:
                log.debug("bus.unsubscribe_failed", subject=listening.subject, error=repr(error))


def _call(listening: Listening, subject: str, payload: bytes) -> None:
    """Call a listener; its error does not affect the others."""
    try:
        listening.callback(subject, payload)
    except Exception as error:
        log.error("bus.listener_failed", subject=subject, exc_info=error)
