"""Which documents in OpenSearch may contain a text, by its pieces of up to three characters.

A query is made of terms, never of a language, so no character of a text means anything. It names at most 32 pieces for
each field; the texts themselves are compared afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.indexer.adapters.gram_tables import storable
from services.indexer.adapters.opensearch_documents import TextOwner
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.adapters.opensearch_mapping import LONGEST_GRAM
from services.indexer.domain.engine import IndexUnavailable
from services.indexer.domain.places import NONE, Numbers, as_numbers
from shared.opensearch.searching import point_in_time, search

_MOST = 32
_PAGE = 10_000
"""Hits that OpenSearch gives at most for a request."""
_KEEP_ALIVE = "2m"
_SHORT = {"filter_path": "hits.hits.sort,timed_out,_shards.failed"}
Clause = Mapping[str, Any]


class GramQuestion(NamedTuple):
    """The pieces of a needle, and whether every document that has them in a field contains the needle there."""

    grams: tuple[str, ...]
    is_exact: bool

    def within(self, *fields: str) -> Clause:
        """The clause for documents that have all pieces in one of the fields."""
        parts = [{"bool": {"filter": [{"term": {field: gram}} for gram in self.grams]}} for field in fields]
        return parts[0] if len(parts) == 1 else {"bool": {"should": parts, "minimum_should_match": 1}}


def gram_question(needle: str) -> GramQuestion:
    """What to ask for a folded needle, which is not empty."""
    text = storable(needle)
    if len(text) <= LONGEST_GRAM:
        return GramQuestion((text,), "\ufffd" not in text)
    count = len(text) - LONGEST_GRAM + 1
    starts = range(count) if count <= _MOST else [index * (count - 1) // (_MOST - 1) for index in range(_MOST)]
    return GramQuestion(tuple(dict.fromkeys(text[start : start + LONGEST_GRAM] for start in starts)), False)


def owned(owner: TextOwner, *clauses: Clause) -> list[Clause]:
    """The filter for documents of an account in an epoch, first of all."""
    return [{"term": {"account": owner.account}}, {"term": {"epoch": owner.epoch}}, *clauses]


async def candidates(
    index: TextIndexInOpenSearch, owner: TextOwner, bounds: tuple[int, int], *clauses: Clause
) -> Numbers:
    """The numbers of the documents between two numbers that the clauses give, ascending. Raises IndexUnavailable."""
    within = {"range": {"number": {"gte": bounds[0], "lte": bounds[1]}}}
    body = {"query": {"bool": {"filter": owned(owner, within, *clauses)}}, "sort": [{"number": "asc"}]}
    rows = await sorted_hits(index, owner.account, body)
    return as_numbers([row[0] for row in rows]) if rows else NONE


async def sorted_hits(
    index: TextIndexInOpenSearch, account: str, body: Mapping[str, Any], most: int = 1 << 40
) -> Sequence[Sequence[Any]]:
    """The sort values of at least `most` hits, or of all. A first page is a state of the index by itself; what follows
    is read in a point in time. The last sort key is a document's number. Raises IndexUnavailable."""
    asked = {**body, "size": min(_PAGE, most), "_source": False, "track_total_hits": False}
    async with index.asking():
        rows = await _page(index, index.name, asked, {"routing": account})
        if len(rows) < asked["size"] or len(rows) >= most:
            return rows
        async with point_in_time(index.client, index.name, routing=account) as point:
            asked["pit"] = {"id": point, "keep_alive": _KEEP_ALIVE}
            while len(rows) < most:
                page = await _page(index, "", {**asked, "search_after": rows[-1]}, {})
                rows += page
                if len(page) < asked["size"]:
                    break
    return rows


async def _page(
    index: TextIndexInOpenSearch, name: str, body: Mapping[str, Any], params: Mapping[str, str]
) -> list[list[Any]]:
    answer = await search(index.client, name, body, {**_SHORT, **params})
    return [hit["sort"] for hit in answer.get("hits", {}).get("hits", ())]


async def fetch(
    index: TextIndexInOpenSearch, owner: TextOwner, numbers: Sequence[int], part: str
) -> Sequence[Mapping[str, Any]]:
    """What documents keep, or a part of it. The answer has a row for each, also for one that is not there.

    Raises IndexUnavailable.
    """
    body = {"ids": [owner.id(number) for number in numbers]}
    params = {"routing": owner.account, "_source": f"stored.{part}", "realtime": "false" if part != "*" else "true"}
    filtered = {"filter_path": "docs._id,docs.found,docs._source,docs.error"}
    rows = (await index.request("POST", "_mget", body, **params, **filtered)).get("docs", ())
    if len(rows) != len(numbers) or any("error" in row for row in rows):
        raise IndexUnavailable("the answer of OpenSearch is not whole")
    return list(rows)
