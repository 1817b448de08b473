"""The step of the classifier in the erasure of a deleted account."""

from __future__ import annotations

import asyncio
from functools import partial

from services.classifier.domain.erasure import without_contents
from services.classifier.projections.lessons import unpack
from shared.bus.bus import Bus
from shared.erasure.log_erasure import Advanced, Erased, LogErasure
from shared.erasure.worker import ErasureWorker
from shared.events.spam import LessonForgotten
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel

_PAGE = 50
"""Lessons that one unit of work forgets; the model unlearns them after its commit."""
_LESSONS = "SELECT content, label, tokenizer, features FROM lesson WHERE account = ? ORDER BY content LIMIT ?"
_ACTOR = Actor("service", "classifier")


class ClassifierErasure:
    """Unlearns the lessons of the account, and erases its verdicts.

    The model unlearns at once; the linear models are trained anew soon after, without these lessons.
    """

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus, still: asyncio.Lock) -> None:
        """`still` is held while lessons are written, as everywhere."""
        self._store = store
        self._still = still
        self._erasure = LogErasure(store, without_contents)
        self.worker = ErasureWorker(service, directory, bus, {"erase": self._erase})

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        count = 0
        while forgotten := await self._forgotten(erased.account):
            count += forgotten
            advanced(count)
        await self._erasure.run(erased, advanced)
        return ""

    async def _forgotten(self, account: str) -> int:
        async with self._still:
            return await self._store.write(partial(_forget_page, account=account))


def _forget_page(tx: Transaction, account: str) -> int:
    """Forget some lessons; returns their number."""
    rows = tx.all(_LESSONS, (account, _PAGE))
    forgotten = [
        LessonForgotten(account, content, label, unpack(bytes(features)), tokenizer)
        for content, label, tokenizer, features in rows
    ]
    tx.append(f"lessons:{account}", forgotten, Provenance(_ACTOR), owner=account)
    return len(forgotten)
