"""SORT and THREAD of very many, very large and very odd messages: bounded memory, and no recursion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import cast

import pytest

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.listing.summaries import MessageSummary
from services.mailstore.ordering.kept import KeptOrders
from services.mailstore.ordering.matches import Extent, MatchingSummaries, Whole
from services.mailstore.ordering.sorting import Sorter
from services.mailstore.ordering.threads import Threader
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion, ThreadRequest
from shared.turns import SHARE, Turns

_PAGE = 200
_MANY = 10_000
_KEY = SearchKey(all=True)


class _Messages:
    """Matching messages that are in no store."""

    def __init__(self, messages: Iterable[MessageSummary]) -> None:
        self._messages = list(messages)

    async def whole(self, mailbox: str, key: SearchKey) -> Whole | None:
        return Whole(Extent(len(self._messages) + 1, len(self._messages)), 0)

    async def all_uids(self, mailbox: str) -> list[int]:
        return [message.uid for message in self._messages]

    async def read(self, mailbox: str, uids: Iterable[int], *, headers: bool) -> AsyncIterator[list[MessageSummary]]:
        asked = frozenset(uids)
        messages = [message for message in self._messages if message.uid in asked]
        for start in range(0, len(messages), _PAGE):
            yield messages[start : start + _PAGE]


def _message(uid: int, message_id: str = "", references: tuple[str, ...] = (), subject: str = "") -> MessageSummary:
    return MessageSummary(uid, uid, 0, 1, None, subject, (), (), (), message_id, (), references)


def _threader(messages: Iterable[MessageSummary], megaoctets: int = 256) -> tuple[Threader, Turns]:
    turns = Turns()
    return Threader(cast(MatchingSummaries, _Messages(messages)), turns, megaoctets, KeptOrders(1 << 30)), turns


async def _threads(messages: Iterable[MessageSummary], algorithm: ThreadRequest.Algorithm.ValueType) -> str:
    threader, turns = _threader(messages)
    pieces = await threader.threads("m", _KEY, 0, algorithm)
    assert turns.longest.cost <= 2 * SHARE
    return b"".join(pieces).decode()


@pytest.mark.parametrize("algorithm", [ThreadRequest.REFERENCES, ThreadRequest.REFS])
async def test_a_chain(algorithm: ThreadRequest.Algorithm.ValueType) -> None:
    chain = [_message(uid, f"{uid}", (f"{uid - 1}",), "a") for uid in range(1, _MANY + 1)]
    assert await _threads(chain, algorithm) == f"({' '.join(map(str, range(1, _MANY + 1)))})"


@pytest.mark.parametrize("algorithm", [ThreadRequest.REFERENCES, ThreadRequest.REFS])
async def test_rings(algorithm: ThreadRequest.Algorithm.ValueType) -> None:
    ring = [_message(uid, f"{uid}", (f"{uid % _MANY + 1}",)) for uid in range(1, _MANY + 1)]
    assert _numbers(await _threads(ring, algorithm)) == [*range(1, _MANY + 1)]
    pairs = [_message(uid, f"{uid}", (f"{uid ^ 1}", f"{uid}")) for uid in range(2, _MANY)]
    assert _numbers(await _threads(pairs, algorithm)) == [*range(2, _MANY)]


async def test_a_star_and_equal_ids() -> None:
    star = [_message(uid, "1" if uid < 3 else f"{uid}", ("1",) if uid > 2 else ()) for uid in range(1, _MANY)]
    assert _numbers(await _threads(star, ThreadRequest.REFERENCES)) == [*range(1, _MANY)]
    same = [_message(uid, "x", ("x", "x")) for uid in range(1, _MANY)]
    assert _numbers(await _threads(same, ThreadRequest.REFERENCES)) == [*range(1, _MANY)]


async def test_equal_subjects() -> None:
    messages = [_message(uid, subject=f"{'Re: ' * (uid % 300)}x") for uid in range(1, _MANY)]
    answer = await _threads(messages, ThreadRequest.ORDEREDSUBJECT)
    assert answer.startswith("(1 (2)(3)")
    assert _numbers(answer) == [*range(1, _MANY)]


async def test_references_take_bounded_memory() -> None:
    messages = (_message(uid, f"{uid}", tuple(f"{uid}-{at}{'x' * 900}" for at in range(100))) for uid in range(400))
    threader, _ = _threader(messages, megaoctets=16)
    with pytest.raises(MailboxRefused, match="too many messages"):
        await threader.threads("m", _KEY, 0, ThreadRequest.REFERENCES)


async def test_sort_keys_take_bounded_memory() -> None:
    messages = [_message(uid, subject=f"{'😀' * 250}{uid}") for uid in range(1, 20_000)]
    turns = Turns()
    sorter = Sorter(cast(MatchingSummaries, _Messages(messages)), turns, 16, KeptOrders(1 << 30))
    with pytest.raises(MailboxRefused, match="too many messages"):
        await sorter.sort("m", _KEY, 0, [SortCriterion(field=SortCriterion.SUBJECT)])
    outcome = await sorter.sort("m", _KEY, 0, [SortCriterion(field=SortCriterion.ARRIVAL, reverse=True)])
    assert list(outcome.uids) == [*range(19_999, 0, -1)]
    assert turns.longest.cost <= 2 * SHARE


def _numbers(answer: str) -> list[int]:
    return sorted(map(int, answer.replace("(", " ").replace(")", " ").split()))
