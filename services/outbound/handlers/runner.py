"""Sends what is due: new mail at once from memory, everything else as its time comes.

New mail reaches the runner with its commit. What does not fit into memory, or waits for a later attempt, is read from
the store by the due times of its destinations. An entry is claimed while it is in memory, so that it is sent once; the
claims end with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.ready import ClaimedEntries, HopState, ReadyMail, ReadyMails
from services.outbound.handlers.attempts import Attempts
from services.outbound.handlers.due import DueDomain, DueEntries, DuePage, grouped
from services.outbound.handlers.holds import Holds
from services.outbound.handlers.routes import Route, Routes
from services.outbound.settings import OutboundSettings
from shared.background import BackgroundTask, spawn, woken_within
from shared.clock import Clock
from shared.events.outbound import (
    OutboundHeld,
    OutboundPaused,
    OutboundQueued,
    OutboundReleased,
    OutboundRescheduled,
    OutboundResumed,
)
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded
from shared.grpc.errors import ServiceError

log = structlog.get_logger("outbound")
_IDLE_SECONDS = 60.0
_LEAST_PAUSE = 0.2
_PAGE = 100
_DOMAINS_PER_LOOK = 1_000
_START = DueDomain("", -1)
_SECOND = 1_000_000
_LOADING = 50
"""Mails whose next hops are looked for at once."""
_SERVICE_PAUSE = 5.0
"""Seconds until a mail is looked at again after another service gave no answer."""
_FAULT_PAUSE = 60.0
"""Seconds until the mail of a domain is looked at again after an error that nobody expected; it is logged."""
_MOST_SKIPPED = 100_000
_OF_A_COMMAND = ""
"""Stands for the domain of entries that a command or their age has claimed."""
_STOP_SECONDS = 5.0
"""Seconds that attempts in progress have to end when the service stops."""


class Runner:
    """The runner of a process."""

    def __init__(
        self,
        due: DueEntries,
        routes: Routes,
        attempts: Attempts,
        holds: Holds,
        settings: OutboundSettings,
        clock: Clock,
    ) -> None:
        self._due = due
        self._holds = holds
        self._routes = routes
        self._attempts = attempts
        self._settings = settings
        self._clock = clock
        self._ready = ReadyMails()
        self._claimed = ClaimedEntries()
        self._skipped: dict[str, float] = {}
        """Domains whose next hop is not tried, and until when (seconds of the monotonic clock)."""
        self._in_flight = 0
        self._is_stopping = False
        self._calls: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Semaphore(_LOADING)
        self._looked_to = _START
        """The destination at which the last look ended, so that many blocked ones do not hide others."""
        self._look = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task = BackgroundTask(
            "outbound", "due", self._turn, longest=_IDLE_SECONDS * 4, not_now=(StoreUnavailable,), longest_pause=2.0
        )

    def start(self) -> None:
        """Begin to send."""
        if self._settings.sending:
            self._task.start()

    async def stop(self) -> None:
        """Begin no more attempts, wait a moment for those in progress, and give the others up.

        What is given up is tried again after the next start; a mail whose reply was under way may then leave twice.
        """
        self._is_stopping = True
        await self._task.stop()
        if self._timer is not None:
            self._timer.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=_STOP_SECONDS)
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    @contextmanager
    def claiming(self, entries: Sequence[str]) -> Iterator[list[str]]:
        """Claim the entries that are not claimed, for the block: no attempt begins at them meanwhile."""
        free = self._claimed.add_free(_OF_A_COMMAND, entries)
        try:
            yield free
        finally:
            self._claimed.remove_entries(_OF_A_COMMAND, free)

    def is_claimed(self, entry: str) -> bool:
        """Whether an entry is being sent, or is about to be."""
        return entry in self._claimed

    @property
    def in_flight(self) -> int:
        """The number of mails that are being sent."""
        return self._in_flight

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Take new mail into memory; look into the store for what was released."""
        held = {item.event.entry for item in recorded if isinstance(item.event, OutboundHeld)}
        new: list[QueueEntry] = []
        for item in recorded:
            match item.event:
                case OutboundQueued(entry) as queued if entry not in held:
                    new.append(QueueEntry(queued, item.at, item.at, item.at, version=item.version))
                case OutboundReleased() | OutboundHeld() | OutboundResumed():
                    self._look.set()
                case OutboundRescheduled():
                    self._unblock()
                case OutboundPaused():
                    self._drop_ready()
        if new:
            self._take(new)

    # --- new mail

    def _take(self, entries: list[QueueEntry]) -> None:
        if not self._may_send() or len(self._claimed) + len(entries) > self._settings.ready_entries:
            self._look.set()
            return
        for mail in grouped(entries, self._settings.recipients_per_mail):
            if self._claimed.add(mail):
                self._spawn(self._load(mail))

    async def _load(self, mail: ReadyMail) -> None:
        """Find the next hop of a claimed mail, and make the mail ready; else the claim ends."""
        is_ready = False
        try:
            async with self._loading:
                route = await self._routes.of(mail)
            if isinstance(route, Route):
                is_ready = self._make_ready(mail, route)
            else:
                await self._attempts.without_hop(mail, route)
        except (StoreUnavailable, ServiceError) as error:
            log.warning("outbound.load_failed", queue_id=mail.queue_id, error=str(error))
            self._skip(mail.domain, self._clock.monotonic() + _SERVICE_PAUSE)
        except Exception:
            self._skip(mail.domain, self._clock.monotonic() + _FAULT_PAUSE)
            raise
        finally:
            if not is_ready:
                self._claimed.remove(mail)
        if is_ready:
            self._pump()

    def _make_ready(self, mail: ReadyMail, route: Route) -> bool:
        """Put a mail to those that are ready; False when its hop or all sending is stopped now."""
        state = self._ready.hop(route.hop, route.limits)
        if state.blocked_until > self._clock.monotonic():
            self._skip(mail.domain, state.blocked_until)
            return False
        if not self._may_send():
            return False
        self._ready.put(state, msgspec.structs.replace(mail, sending=route.sending))
        return True

    def _unblock(self) -> None:
        """Test the destinations that are not tried at present: an operator asked for an attempt now."""
        self._skipped.clear()
        self._ready.unblock()
        self._look.set()

    def _drop_ready(self) -> None:
        """End the claims of mails that are not begun, so that an operator can change them during a pause."""
        for mail in self._ready.drop():
            self._claimed.remove(mail)

    # --- sending

    def _pump(self) -> None:
        """Begin as many attempts as there is room for."""
        now = self._clock.monotonic()
        while self._may_send() and self._in_flight < self._settings.attempts_at_once:
            taken = self._ready.take(now)
            if taken is None:
                break
            self._in_flight += 1
            self._spawn(self._send(*taken))
        self._wake_for_rates(now)

    async def _send(self, state: HopState, mail: ReadyMail) -> None:
        try:
            await self._attempts.attempt(state, mail, self._pump)
        except Exception:  # without a pause the mail would be sent again at once, and again
            self._skip(mail.domain, self._clock.monotonic() + _FAULT_PAUSE)
            raise
        finally:
            state.in_flight -= 1
            self._in_flight -= 1
            self._claimed.remove(mail)
            self._after(state, mail)

    def _after(self, state: HopState, mail: ReadyMail) -> None:
        if state.failures:
            self._skip(mail.domain, state.blocked_until)
            for dropped in state.drop():
                self._skip(dropped.domain, state.blocked_until)
                self._claimed.remove(dropped)
        if not state.mails:
            self._look.set()
        self._pump()

    def _wake_for_rates(self, now: float) -> None:
        time = self._ready.next_time(now)
        if time is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(0.01, time - now), self._pump)

    # --- what is due in the store

    async def _turn(self) -> None:
        """Look once for what is due, and wait for the next time."""
        self._look.clear()
        if self._may_send():
            await self._release_held()
            loaded = await self._load_due()
        else:
            loaded = 0
        pause = _LEAST_PAUSE if loaded else await self._pause()
        await asyncio.sleep(_LEAST_PAUSE)
        await woken_within(self._look, pause)

    async def _release_held(self) -> None:
        while entries := await self._due.to_release(self._clock.now(), _PAGE):
            await self._holds.release(entries)

    async def _load_due(self) -> int:
        """Load due mails, destination by destination, while there is room; returns how many."""
        loaded = seen = 0
        while seen < _DOMAINS_PER_LOOK and self._room():
            page = await self._due.domains(self._clock.now(), self._looked_to, _PAGE)
            for due in page:
                loaded += await self._load_domain(due.domain)
            self._looked_to, seen = (page[-1] if page else _START), seen + len(page)
            if not page:
                break
        return loaded

    async def _load_domain(self, domain: str) -> int:
        if self._skipped.get(domain, 0.0) > self._clock.monotonic() or not self._room():
            return 0
        self._skipped.pop(domain, None)
        page = DuePage(domain, self._clock.now(), min(_PAGE, self._room()), self._settings.recipients_per_mail)
        mails = await self._claim_due(page)
        for mail in mails:
            self._spawn(self._load(mail))
        return len(mails)

    async def _claim_due(self, page: DuePage) -> list[ReadyMail]:
        """Claim due entries before they are read, so that none is sent as it was before another attempt ended."""
        ids = self._claimed.add_free(page.domain, await self._due.ids(page, self._claimed.of(page.domain)))
        mails: list[ReadyMail] = []
        try:
            mails = await self._due.mails(ids, page)
        finally:
            kept = {entry for mail in mails for entry in mail.ids}
            self._claimed.remove_entries(page.domain, [entry for entry in ids if entry not in kept])
        return mails

    async def _pause(self) -> float:
        """Seconds until something is due, or a destination may be tested again."""
        if self._looked_to != _START:
            return _LEAST_PAUSE
        now, monotonic = self._clock.now(), self._clock.monotonic()
        time = await self._due.next_time(now)
        due = _IDLE_SECONDS if time is None else (time - now) / _SECOND
        self._skipped = {domain: until for domain, until in self._skipped.items() if until > monotonic}
        blocked = min(self._skipped.values(), default=monotonic + _IDLE_SECONDS) - monotonic
        return max(0.0, min(_IDLE_SECONDS, due, blocked))

    # --- claims

    def _may_send(self) -> bool:
        return self._settings.sending and not self._holds.is_paused and not self._is_stopping

    def _room(self) -> int:
        return max(0, self._settings.ready_entries - len(self._claimed))

    def _skip(self, domain: str, until: float) -> None:
        if len(self._skipped) >= _MOST_SKIPPED:
            self._skipped.clear()
        self._skipped[domain] = until

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        call = spawn(work, "outbound-attempt")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
