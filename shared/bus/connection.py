"""Keeps a connection to the bus, without ever giving up, and restores the server's state after every (re)connect."""

from __future__ import annotations

import asyncio
import random
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client

from shared.background import BackgroundTask, woken_within
from shared.bus.attempt import delay_after
from shared.bus.settings import BusSettings

log = structlog.get_logger("bus")

_RECONNECT_SECONDS = 0.25
_CONNECT_SECONDS = 2
_PING_SECONDS = 10
_CLOSE_SECONDS = 2.0
_CALM_SECONDS = 0.5
MEND_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds before streams are declared again after a failure; the last value repeats."""
_BROKEN = (nats.errors.Error, OSError, TimeoutError)
_DENIED = re.compile(r"permissions violation for publish to \"([^\"]+)\"", re.IGNORECASE)

Restore = Callable[[Client], Awaitable[None]]
Denied = Callable[[str], None]
"""Takes a subject on which the server does not allow this client to publish."""


class BusConnection:
    """Connects with nats-py's client and connects again whenever the connection is lost.

    `restore(client)` is awaited after every connect, reconnect and `heal()`; until it has succeeded `ready` is false.
    Then `resume(client)` is awaited. `epoch` counts the restores: anything of an older epoch (an acknowledgement, an
    inbox) must not be used any more, because the server may have lost its data in between, and counts from one again.
    """

    def __init__(self, settings: BusSettings, name: str, restore: Restore, resume: Restore, denied: Denied) -> None:
        self._settings = settings
        self.name = name
        self._restore = restore
        self._resume = resume
        self._denied = denied
        self._client: Client | None = None
        self._mending = asyncio.Event()
        self._restored = asyncio.Event()
        self._keeper = BackgroundTask("bus", "keeper", self._keep)
        self._stopping = False
        self._outage_known = False
        self._cut_off_at = time.monotonic()
        self.epoch = 0

    @property
    def ready(self) -> bool:
        """Whether it is connected and everything is restored."""
        return self._restored.is_set()

    @property
    def cut_off(self) -> float:
        """Seconds without the bus up to now; 0 while it is `ready`."""
        return 0.0 if self.ready else time.monotonic() - self._cut_off_at

    @property
    def client(self) -> Client | None:
        """The client for sending; None while not `ready`."""
        return self._client if self._restored.is_set() else None

    async def start(self, wait_seconds: float) -> None:
        """Begin to connect; returns when ready or after so many seconds, and keeps trying in the background."""
        self._mending.set()
        self._keeper.start()
        await woken_within(self._restored, wait_seconds)

    async def stop(self) -> None:
        """Close the connection for good."""
        self._stopping = True
        self._cut_off()
        await self._keeper.stop()
        await self._close_client()

    def heal(self, reason: str) -> None:
        """Restore the server's state, because something is missing on it (a stream, a consumer)."""
        if self._restored.is_set() and not self._stopping:
            log.warning("bus.healing", reason=reason)
            self._cut_off()
            self._mending.set()

    async def _keep(self) -> None:
        await self._mending.wait()
        await self._mend()
        # so that a server which accepts declarations but refuses work does not cause a busy loop
        await asyncio.sleep(_CALM_SECONDS)

    async def _mend(self) -> None:
        """Try until connected and restored."""
        failures = 0
        while self._mending.is_set():
            try:
                await self._mend_once()
            except Exception as error:  # this task must survive any error
                failures += 1
                self._note_outage(error)
                await asyncio.sleep(delay_after(failures, MEND_SECONDS, random.random))

    async def _mend_once(self) -> None:
        client = await self._open_client()
        self._mending.clear()
        try:
            await self._restore(client)
            if client.is_connected and not self._mending.is_set():
                self._become_ready()
                await self._resume(client)
        except BaseException:
            self._cut_off()
            self._mending.set()
            raise

    def _cut_off(self) -> None:
        if self._restored.is_set():
            self._cut_off_at = time.monotonic()
        self._restored.clear()

    def _become_ready(self) -> None:
        self.epoch += 1
        self._outage_known = False
        self._restored.set()
        log.info("bus.connected", process=self.name, epoch=self.epoch)

    async def _open_client(self) -> Client:
        """The connected client; a new one when the last was closed for good, as when its credentials were refused."""
        if self._client is None or self._client.is_closed:
            self._client = Client()
            await self._client.connect(**self._options())
        while not self._client.is_connected:
            if self._client.is_closed:
                raise nats.errors.ConnectionClosedError
            await asyncio.sleep(_RECONNECT_SECONDS)
        return self._client

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "servers": [settings.url],
            "name": self.name,
            "connect_timeout": _CONNECT_SECONDS,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": _RECONNECT_SECONDS,
            "ping_interval": _PING_SECONDS,
            # doorbells of this process reach its own listeners without the server; messages of streams come from the
            # server itself
            "no_echo": True,
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnected,
            "reconnected_cb": self._on_reconnected,
            "closed_cb": self._on_reconnected,
        }
        if settings.user:
            options |= {"user": settings.user, "password": settings.password}
        if settings.url.startswith("tls://"):
            options["tls"] = ssl.create_default_context(cafile=settings.ca_file or None)
        return options

    async def _on_disconnected(self) -> None:
        self._cut_off()
        self._note_outage("disconnected")

    async def _on_reconnected(self) -> None:
        """Note that the connection is back or closed for good, so that the task continues."""
        self._cut_off()
        self._mending.set()

    async def _on_error(self, error: Exception) -> None:
        """Log an error. nats-py reports every failed attempt to connect; an outage is logged once."""
        if denied := _DENIED.search(str(error)):
            self._denied(denied[1])
        if self._restored.is_set():
            log.warning("bus.error", error=repr(error))
        else:
            self._note_outage(error)

    def _note_outage(self, error: Exception | str) -> None:
        if not self._outage_known and not self._stopping:
            self._outage_known = True
            log.warning("bus.unavailable", url=self._settings.url, error=str(error) or repr(error))

    async def _close_client(self) -> None:
        if self._client is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._client.close()
        except _BROKEN as error:
            log.debug("bus.close_failed", error=repr(error))
