"""The scores of FUZZY keys: from 1 to 100, of keys that a message is found for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from services.mailstore.search.compile import FuzzyQuestion
from services.mailstore.search.relevancy import NOT_RANKED, Relevancy, words_query
from services.mailstore.search.text_index import RankAnswer, TextIndex
from shared.protocol.search.fuzzy import FuzzyField
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as indexer
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


class _Index:
    def __init__(self, scores: dict[int, float] | None) -> None:
        self._scores = scores
        self.queries: list[indexer.WordQuery] = []

    async def rank(self, _account: str, _mailboxes: Sequence[str], query: indexer.WordQuery, _limit: int) -> object:
        self.queries.append(query)
        if self._scores is None:
            return None
        return RankAnswer([indexer.RankedMessage(uid=uid, score=score) for uid, score in self._scores.items()], {})


def _fuzzy(text: str, *, negated: bool = False) -> pb.SearchKey:
    return pb.SearchKey(body=text, fuzzy=True, negated=negated)


async def _scores(index: _Index | None, key: pb.SearchKey, *uids: int) -> list[int]:
    scores = await Relevancy(cast(TextIndex, index)).scores("account", "mailbox", key)
    return list(await scores.of_spans([(uid, uid) for uid in uids]))


async def test_scores_use_the_whole_range() -> None:
    index = _Index({1: 8.0, 2: 3.0, 3: 0.5})
    assert await _scores(index, _fuzzy("word"), 1, 2, 3, 4) == [100, 34, 1, NOT_RANKED]
    assert await _scores(_Index({7: 0.25}), _fuzzy("word"), 7) == [100]


async def test_without_an_index_all_are_equal() -> None:
    assert await _scores(None, _fuzzy("word"), 1, 2) == await _scores(_Index(None), _fuzzy("word"), 1, 2) == [50, 50]


async def test_keys_of_not_do_not_count() -> None:
    index = _Index({})
    key = pb.SearchKey()
    key.any_of.keys.extend([_fuzzy("wished"), _fuzzy("unwished", negated=True), pb.SearchKey(body="exact")])
    await _scores(index, key)
    assert "wished" in str(index.queries[0]) and "unwished" not in str(index.queries[0])
    assert "exact" not in str(index.queries[0])
    await _scores(index, pb.SearchKey(all=True))
    assert len(index.queries) == 1


def test_a_query_has_fewer_parts_than_the_index_takes() -> None:
    text = " ".join(f"word{number}" for number in range(400))
    query = words_query([FuzzyQuestion(FuzzyField.BODY, text)] * 40)
    assert _parts(query) <= 500


def _parts(query: indexer.WordQuery) -> int:
    inner = (*query.all_of.queries, *query.any_of.queries)
    return 1 + sum(map(_parts, inner))
