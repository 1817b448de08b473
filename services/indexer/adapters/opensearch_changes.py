"""What changes the documents in OpenSearch: new messages, texts of attachments, and messages that are gone.

The file of an account is changed after OpenSearch has confirmed, so a write that ends half way is repeated. Nothing is
written again under an older version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np

from services.indexer.adapters import opensearch_notes as noting
from services.indexer.adapters.account_file import AccountFile
from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.header_fields import octets_of
from services.indexer.adapters.opensearch_accounts import OpenSearchAccounts
from services.indexer.adapters.opensearch_candidates import candidates, fetch, owned
from services.indexer.adapters.opensearch_documents import (
    KeptTexts,
    TextOwner,
    deletion,
    index_write,
    kept,
    read_texts,
    stored_of,
)
from services.indexer.domain.document import Document
from services.indexer.domain.engine import Batch, IndexUnavailable
from services.indexer.domain.places import NONE, among
from shared.opensearch.bulk import BulkWrite

_AT_ONCE = 200
"""Documents that are deleted with one request."""
_OCTETS = 8 * 1024 * 1024
"""Octets of texts that are read and written again at once when attachments come."""
_DELETED_AT_ONCE = 10_000
_ROUNDS = 1000


class DocumentChanges:
    """Changes the index and the files together. Its methods raise IndexUnavailable."""

    def __init__(self, accounts: OpenSearchAccounts, executor: Executor) -> None:
        self._accounts = accounts
        self._index = accounts.index
        self._executor = executor

    async def add(self, account: str, batch: Batch) -> None:
        """Keep the messages of a batch, all or none."""
        planned = await self._accounts.write(account, lambda file: noting.plan(file, batch), begins=True)
        assert planned is not None
        owner, new = TextOwner(account, planned.epoch), planned.numbers
        texts = await self._prepared({number: batch.documents[key] for key, number in new.items()})
        refused = await self._put(owner, texts, planned.version) if texts else ()
        added = noting.AddedTexts(planned, {number: text.octets for number, text in texts.items()}, refused)
        await self._accounts.write(account, lambda file: noting.enter(file, batch, added), begins=True)

    async def _prepared(self, documents: Mapping[int, Document]) -> dict[int, KeptTexts]:
        def work() -> dict[int, KeptTexts]:
            return {number: kept(document) for number, document in documents.items()}

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def add_attachments(self, account: str, texts: Mapping[bytes, str]) -> None:
        """Keep the folded texts of attachments."""
        nothing: dict[bytes, int] = {}
        known = await self._accounts.read(account, lambda file: Bookkeeping(file).documents(list(texts)), nothing)
        sizes: dict[int, noting.TextSize] = {}
        for part in _parts(list(known.values())):
            sizes |= await self._accounts.sizes(account, part)
        octets = {number: octets_of(texts[key]) for key, number in known.items() if number in sizes}
        changed = {number: text for number, text in sorted(octets.items()) if text or sizes[number].attached}
        for group in _groups(changed, sizes):
            await self._attach(account, group)
        rest = dict.fromkeys(octets.keys() - changed.keys(), 0)
        await self._accounts.write(account, lambda file: noting.attached(file, rest))

    async def _attach(self, account: str, texts: Mapping[int, bytes]) -> None:
        """Write documents again, with attachments."""
        origin = await self._accounts.write(account, noting.origin_of_write)
        if origin is None:
            return
        owner = TextOwner(account, origin[0])
        stored = stored_of(await fetch(self._index, owner, list(texts), "*"))
        if len(stored) != len(texts):
            await self._accounts.begin_anew(account, "documents are missing in OpenSearch")
        whole = {
            number: read_texts(stored[owner.id(number)])._replace(attachments=text) for number, text in texts.items()
        }
        refused = await self._put(owner, whole, origin[1])
        octets = {number: 0 if number in refused else len(text) for number, text in texts.items()}
        await self._accounts.write(account, lambda file: noting.attached(file, octets))

    async def _put(self, owner: TextOwner, texts: Mapping[int, KeptTexts], version: int) -> Sequence[int]:
        """Write documents; returns those that OpenSearch refuses."""
        alias = self._index.alias

        def work() -> dict[int, BulkWrite]:
            return {number: index_write(alias, owner, number, text, version) for number, text in texts.items()}

        writes = await asyncio.get_running_loop().run_in_executor(self._executor, work)
        refused = await self._index.write(owner.account, writes)
        await self._accounts.written()
        return refused

    async def remove_orphans(self, account: str) -> None:
        """Delete the documents that no place needs any more."""
        nothing: list[int] = []
        while orphans := await self._accounts.read(account, lambda file: Bookkeeping(file).orphans(_AT_ONCE), nothing):
            await self._delete(account, orphans)

    async def _delete(self, account: str, numbers: Sequence[int]) -> None:
        origin = await self._accounts.write(account, noting.origin_of_write)
        if origin is None:
            return
        owner = TextOwner(account, origin[0])
        writes = {number: deletion(self._index.alias, owner, number, origin[1]) for number in numbers}
        if refused := await self._index.write(account, writes):
            raise IndexUnavailable(f"OpenSearch does not delete {len(refused)} documents")
        await self._accounts.write(account, lambda file: noting.forget(file, numbers))
        await self._accounts.written()

    async def drop(self, account: str, *, expunges: bool) -> None:
        """Delete the documents of an account, also those of lost files, until none is left; then its file.

        With `expunges`, OpenSearch rewrites its files without what was deleted.
        """
        await self._index.ready()
        await self._index.refresh()
        deleted = await self._delete_where(account, [])
        if expunges and (deleted or account in await self._accounts.files.accounts()):
            await self._accounts.expunge()
        await self._accounts.files.remove(account)
        self._index.unrefreshed.forget(account)

    async def _delete_where(self, account: str, excluded: Sequence[Mapping[str, object]]) -> int:
        """Delete documents of an account, but for the excluded ones; returns how many there were.

        A document that changes meanwhile is left out and deleted in the next round.
        """
        query = {"query": {"bool": {"filter": [{"term": {"account": account}}], "must_not": list(excluded)}}}
        options = {"conflicts": "proceed", "refresh": "true", "max_docs": _DELETED_AT_ONCE, "routing": account}
        total = 0
        for _ in range(_ROUNDS):
            left = await self._index.count(query, account)
            if not left:
                return total
            answer = await self._index.request("POST", "_delete_by_query", query, **options)
            if answer.get("timed_out") or answer.get("failures"):
                raise IndexUnavailable(f"OpenSearch has deleted {answer.get('deleted')} of {left} documents")
            total += int(answer.get("deleted", 0))
        raise IndexUnavailable(f"OpenSearch still has documents of an account after {_ROUNDS} rounds")

    async def compare(self, account: str) -> None:
        """Delete what OpenSearch has and nothing is noted about; begin anew when it lacks what is noted."""
        await self.remove_orphans(account)
        await self._accounts.files.use(account, AccountFile.checkpoint, begin=False)
        await self._index.ready()
        await self._index.refresh()
        epoch, documents = await self._accounts.read(account, noting.noted_documents, ("", NONE))
        if not epoch:
            return
        await self._delete_where(account, [{"term": {"epoch": epoch}}])
        owner = TextOwner(account, epoch)
        if await self._index.count({"query": {"bool": {"filter": owned(owner)}}}, account) == len(documents):
            return
        there = await candidates(self._index, owner, (0, 1 << 62))
        if not among(documents, there).all():
            await self._accounts.begin_anew(account, "documents are missing in OpenSearch")
        strays = there[~np.isin(there, documents)].tolist()
        for part in _parts(strays):
            await self._delete(account, part)


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _groups(texts: Mapping[int, bytes], sizes: Mapping[int, noting.TextSize]) -> Iterator[dict[int, bytes]]:
    """Documents that are written again together."""
    group: dict[int, bytes] = {}
    octets = 0
    for number, text in texts.items():
        size = len(text) + sizes[number].octets
        if group and octets + size > _OCTETS:
            yield group
            group, octets = {}, 0
        group[number] = text
        octets += size
    if group:
        yield group
