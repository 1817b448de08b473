"""Which scripts work for which accounts, in the memory of a service that runs them.

The mailstore owns the scripts. A doorbell names each owner whose scripts have changed, and a stamp of all scripts shows
whether a doorbell was lost. An account without scripts therefore costs a look in a dictionary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.background import BackgroundTask, woken_within
from shared.bus.bus import Bus
from shared.bus.subjects import SCRIPTS_DOORBELL
from shared.events.scripts import ACTIVE, SERVER
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError, Unavailable
from shared.rpc.mailfold.mailstore.v1.scripts_pb2 import ListPlacesRequest, ScriptPlace
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub

_COMPARE_SECONDS = 30.0
_PAGE = 500
_MOST_ASKED = 200
"""Owners that are asked about one by one; of more, all are read again."""


class PlacedScript(NamedTuple):
    """A script that works in a place."""

    name: str
    digest: str
    requires: frozenset[str] = frozenset()


Places = Mapping[str, PlacedScript]
_NONE: Places = {}


class ActiveScripts:
    """The scripts in places, by owner and place."""

    def __init__(self, service: str, mailstore: Channel, bus: Bus) -> None:
        self._scripts = ScriptsStub(mailstore)
        self._bus = bus
        self._places: dict[str, dict[str, PlacedScript]] = {}
        self._stamp: str | None = None
        """The stamp of all scripts when they were read; None until they were."""
        self._rung: set[str] = set()
        self._asking = asyncio.Lock()
        """Answers about one owner come one after the other, so that a late older one replaces no newer one."""
        self._wake = asyncio.Event()
        self._must_compare = True
        self._is_read = asyncio.Event()
        self._task = BackgroundTask(
            service, "active-scripts", self._turn, not_now=(ServiceError,), longest_pause=2.0, longest=300.0
        )

    async def start(self) -> None:
        """Read all places, then follow the changes."""
        await self._bus.listen(SCRIPTS_DOORBELL, self._on_rung)
        self._bus.on_connected(self._on_connected)
        self._task.start()

    async def wait(self, seconds: float) -> None:
        """Wait until all places were read once, for so many seconds at most."""
        await woken_within(self._is_read, seconds)

    async def stop(self) -> None:
        """Follow no more."""
        await self._task.stop()

    def of(self, owner: str) -> Places:
        """The scripts in the places of an account, or of the server. Raises Unavailable until they were read once."""
        if self._stamp is None:
            raise Unavailable("the scripts of the accounts are being read", "scripts")
        return self._places.get(owner, _NONE)

    def has_scripts(self, account: str) -> bool:
        """Whether any script runs over mail for an account. Raises Unavailable."""
        return bool(self.of(SERVER)) or ACTIVE in self.of(account)

    async def follow(self, owner: str) -> None:
        """Ask about an owner now; returns when its scripts are known as they are. Raises ServiceError."""
        await self._ask(owner)

    def forget(self, owner: str) -> None:
        """Ask again about an owner, because what is known has turned out to be old."""
        self._on_rung(SCRIPTS_DOORBELL, owner.encode())

    def _on_rung(self, _subject: str, payload: bytes) -> None:
        self._rung.add(payload.decode("utf-8", "replace"))
        self._wake.set()

    async def _on_connected(self) -> None:
        """Doorbells may have been lost before."""
        self._must_compare = True
        self._wake.set()

    async def _turn(self) -> None:
        woken = self._must_compare or bool(self._rung) or await woken_within(self._wake, _COMPARE_SECONDS)
        self._wake.clear()
        if self._must_compare or not woken or len(self._rung) > _MOST_ASKED:
            await self._compare()
        while self._rung:
            owner = next(iter(self._rung))
            self._rung.discard(owner)
            await self._ask(owner)

    async def _compare(self) -> None:
        """Read all places where the stamp is another one than that of the last reading."""
        self._must_compare = True
        reply = await self._scripts.ListPlaces(ListPlacesRequest(limit=1))
        if self._stamp is None or reply.stamp != self._stamp or len(self._rung) > _MOST_ASKED:
            await self._read_all()
        self._must_compare = False

    async def _read_all(self) -> None:
        """Read all pages. What changes meanwhile rings, or changes the stamp for the next comparison."""
        self._rung.clear()
        read: dict[str, dict[str, PlacedScript]] = {}
        after, stamp = "", None
        while True:
            reply = await self._scripts.ListPlaces(ListPlacesRequest(after=after, limit=_PAGE))
            stamp = reply.stamp if stamp is None else stamp
            _add(read, reply.places)
            after = reply.next
            if not after:
                break
        self._places, self._stamp = read, stamp
        self._is_read.set()

    async def _ask(self, owner: str) -> None:
        """Read the places of one owner; when that fails now, the owner is asked about again."""
        read: dict[str, dict[str, PlacedScript]] = {}
        async with self._asking:
            try:
                reply = await self._scripts.ListPlaces(ListPlacesRequest(owner=owner, limit=_PAGE))
            except ServiceError:
                self._rung.add(owner)
                raise
            _add(read, reply.places)
            self._places.pop(owner, None)
            if owner in read:
                self._places[owner] = read[owner]


def _add(read: dict[str, dict[str, PlacedScript]], places: Iterable[ScriptPlace]) -> None:
    for place in places:
        script = PlacedScript(place.name, place.digest, frozenset(place.requires))
        read.setdefault(place.owner, {})[place.place] = script
