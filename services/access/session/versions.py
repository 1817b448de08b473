"""The newest known version of each watched account.

Versions come from doorbells and from own writes, and are compared with the mailstore now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from services.access.adapters.mailstore import MailstoreClient
from shared.background import BackgroundTask, woken_within
from shared.bus.bus import Bus
from shared.bus.doorbells import Listening
from shared.bus.subjects import RIGHTS_DOORBELL, account_doorbell
from shared.grpc.errors import ServiceError

log = structlog.get_logger("access")

_FRESH_SECONDS = 1.0
_COMPARISONS_MISSED = 4
_RIGHTS_SECONDS = 1.0
"""Sessions look at their rights again at most so often, because any owner can change a list many times."""
Wake = Callable[[], None]


class Watch:
    """The version of one account, shared by all its sessions in this process."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.version = 0
        self.sessions = 0
        self.idle: set[Wake] = set()
        """Callbacks to wake at every new version."""
        self.listening: Listening | None = None

    def note(self, version: int) -> None:
        """Note a version that is known to exist."""
        if version > self.version:
            self.version = version
            for wake in tuple(self.idle):
                wake()

    def on_doorbell(self, _subject: str, payload: bytes) -> None:
        """Receive a doorbell, whose payload is the version."""
        if payload.isdigit():
            self.note(int(payload))


class Versions:
    """Watches the versions of accounts.

    A doorbell may be lost, so versions are compared after each (re)connect and every `compare_seconds`.
    """

    def __init__(self, bus: Bus, mailstore: MailstoreClient, compare_seconds: float) -> None:
        self._bus = bus
        self._mailstore = mailstore
        self._seconds = compare_seconds
        self._watches: dict[str, Watch] = {}
        self._fresh: set[Watch] = set()
        self._soon = asyncio.Event()
        self._due = 0.0
        self.rights = 0
        """How often the rights to mailboxes of others may have changed."""
        self._rights: Listening | None = None
        self._rights_pause: asyncio.TimerHandle | None = None
        self._rights_rung: set[str] = set()
        """The owners for whom the doorbell rang; empty text: all."""
        self.sharing: set[Wake] = set()
        """Callbacks to wake when an owner may share other mailboxes than before: the sessions in which NOTIFY watches
        mailboxes of others."""
        self._task = BackgroundTask("access", "versions", self._turn, longest=_COMPARISONS_MISSED * compare_seconds)

    @property
    def trusted(self) -> bool:
        """Whether doorbells arrive; without the bus every session asks the mailstore by itself."""
        return self._bus.connected

    @property
    def idle(self) -> int:
        """The number of sessions in IDLE."""
        return sum(len(watch.idle) for watch in self._watches.values())

    async def start(self) -> None:
        """Begin to compare versions."""
        self._bus.on_connected(self._connected)
        self._rights = await self._bus.listen(RIGHTS_DOORBELL, self._on_rights)
        self._due = asyncio.get_running_loop().time() + self._seconds
        self._task.start()

    async def stop(self) -> None:
        """Stop comparing versions."""
        await self._task.stop()
        if self._rights is not None:
            await self._rights.close()
        if self._rights_pause is not None:
            self._rights_pause.cancel()

    async def _connected(self) -> None:
        self._on_rights("", b"")  # it may have rung while there was no connection
        await self.compare_all()

    def _on_rights(self, _subject: str, payload: bytes) -> None:
        self._rights_rung.add(payload.decode("utf-8", "replace"))
        if self._rights_pause is None:
            self._look_at_rights()

    def _look_at_rights(self) -> None:
        """Wake whoever is concerned: one whose selected mailbox is an owner's may have lost it."""
        self._rights_pause = None
        if not self._rights_rung:
            return
        owners, self._rights_rung = self._rights_rung, set()
        self.rights += 1
        self._rights_pause = asyncio.get_running_loop().call_later(_RIGHTS_SECONDS, self._look_at_rights)
        watches = [watch for watch in self._watches.values() if "" in owners or watch.account in owners]
        for wake in self.sharing.union(*(watch.idle for watch in watches)):
            wake()

    async def watch(self, account: str) -> Watch:
        """Watch an account; `leave` must be called when the session ends."""
        watch = self._watches.setdefault(account, Watch(account))
        watch.sessions += 1
        if watch.sessions == 1:
            try:
                await self._listen(watch)
            except BaseException:
                await self.leave(watch)
                raise
        return watch

    async def _listen(self, watch: Watch) -> None:
        watch.listening = await self._bus.listen(account_doorbell(watch.account), watch.on_doorbell)
        # The subscription may become active a moment after the first look at the mailbox.
        self._fresh.add(watch)
        self._soon.set()

    async def leave(self, watch: Watch) -> None:
        """Release a session's watch; after the last one the account's doorbell is no longer received."""
        watch.sessions -= 1
        if watch.sessions == 0:
            self._watches.pop(watch.account, None)
            self._fresh.discard(watch)
            if watch.listening is not None:
                await watch.listening.close()

    async def compare_all(self) -> None:
        """Compare the version of every watched account with the mailstore."""
        for watch in tuple(self._watches.values()):
            await self._compare(watch)

    async def _compare(self, watch: Watch) -> None:
        try:
            watch.note(await self._mailstore.version(watch.account))
        except ServiceError as error:
            log.debug("access.compare_failed", account=watch.account, error=str(error))

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        await woken_within(self._soon, max(self._due - loop.time(), 0.01))
        if loop.time() >= self._due:
            self._due = loop.time() + self._seconds
            await self.compare_all()
        if self._soon.is_set():
            self._soon.clear()
            await asyncio.sleep(_FRESH_SECONDS)
            fresh, self._fresh = self._fresh, set()
            for watch in fresh:
                await self._compare(watch)
