"""The OpenSearch engine of the text index: texts are in OpenSearch, what is noted about them in a small file of each
account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from services.indexer.adapters import opensearch_notes as noting
from services.indexer.adapters.account_file import octets_on_disk
from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.opensearch_accounts import OpenSearchAccounts
from services.indexer.adapters.opensearch_answers import OpenSearchFinder, answer_in_opensearch
from services.indexer.adapters.opensearch_candidates import Clause, owned, sorted_hits
from services.indexer.adapters.opensearch_changes import DocumentChanges
from services.indexer.adapters.opensearch_documents import TextOwner
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.adapters.opensearch_words import places_of_ranked, word_clause
from services.indexer.domain.document import IndexQuestion
from services.indexer.domain.engine import Batch, IndexState, Ranked, TextAnswer
from services.indexer.domain.places import NONE, Numbers, as_numbers
from services.indexer.domain.word_query import WordQuery
from shared.protocol.imap.ranges import Ranges

_NAMED = 20_000
"""Documents that a query for words names; of more it names the first and the last."""
_RANKED = 200_000
"""Documents that a query for words looks at, the best ones."""


class OpenSearchEngine:
    """Implements TextEngine and TextsElsewhere. `folder` is for the files of accounts; it closes the index."""

    def __init__(self, folder: Path, index: TextIndexInOpenSearch, *, open_files: int, expunges: bool) -> None:
        """`expunges`: after an account was dropped, OpenSearch rewrites its files without what was deleted."""
        self._index = index
        self._expunges = expunges
        self._accounts = OpenSearchAccounts(folder, index, open_files)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="text-search")
        self._changes = DocumentChanges(self._accounts, self._threads)

    async def reached(self, account: str) -> Mapping[str, int]:
        """By mailbox, the UID up to which messages were handed over."""
        nothing: dict[str, int] = {}
        return await self._accounts.read(account, lambda file: Bookkeeping(file).reached(), nothing)

    async def lacking(self, account: str, keys: Sequence[bytes]) -> Sequence[bytes]:
        """Those of the keys whose texts it does not have."""
        nothing: dict[bytes, int] = {}
        known = await self._accounts.read(account, lambda file: Bookkeeping(file).documents(keys), nothing)
        return [key for key in keys if key not in known]

    async def add(self, account: str, batch: Batch) -> None:
        """Keep the messages of a batch, all or none."""
        await self._changes.add(account, batch)

    async def unread(self, account: str) -> Sequence[tuple[str, int]]:
        """The places of messages that could not be read."""
        nothing: list[tuple[str, int]] = []
        return await self._accounts.read(account, lambda file: Bookkeeping(file).unread(), nothing)

    async def awaiting(self, account: str, limit: int) -> Mapping[bytes, str]:
        """By key, the blobs of messages whose attachments are to be extracted, the newest first."""
        nothing: dict[bytes, str] = {}
        return await self._accounts.read(account, lambda file: Bookkeeping(file).awaiting(limit), nothing)

    async def attached(self, account: str) -> frozenset[str]:
        """The blobs of the messages that have attachments."""
        return await self._accounts.read(account, lambda file: Bookkeeping(file).attached(), frozenset())

    async def await_again(self, account: str, blobs: Sequence[str]) -> None:
        """Note that the attachments of messages with these blobs are to be extracted again."""
        await self._accounts.write(account, lambda file: Bookkeeping(file).await_again(blobs))

    async def add_attachments(self, account: str, texts: Mapping[bytes, str]) -> None:
        """Keep the folded texts of attachments."""
        await self._changes.add_attachments(account, texts)

    async def answer(
        self, account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexQuestion]
    ) -> TextAnswer:
        """Answer questions about the messages of a mailbox between two UIDs."""
        accounts, index = self._accounts, self._index
        await index.ready()
        await index.make_visible(account)
        noted = await accounts.read(account, lambda file: noting.noted_places(file, mailbox, bounds), None)
        if noted is None:
            return TextAnswer((), [()] * len(questions))
        # What is noted was written before, so a document is either hidden here or a search sees it.
        hidden = as_numbers(sorted(index.unrefreshed.of(account)))
        documents, owner = np.unique(noted.places.documents), TextOwner(account, noted.epoch)
        sizes = accounts.sizes
        finder = OpenSearchFinder(index, owner, documents, lambda numbers: sizes(account, numbers), self._threads)
        return await answer_in_opensearch(noted, hidden, finder, questions)

    async def rank(self, account: str, mailboxes: Sequence[str], query: WordQuery, limit: int) -> Sequence[Ranked]:
        """The messages that have the words of a query, best first. Raises QueryTooLarge."""
        clause = word_clause(query)
        if clause is None:
            return []
        await self._index.ready()
        await self._index.make_visible(account)
        epoch, documents = await self._accounts.read(
            account, lambda file: noting.noted_documents(file, mailboxes), ("", NONE)
        )
        if not len(documents):
            return []
        asked = {"must": [clause], "filter": owned(TextOwner(account, epoch), _numbered(documents, mailboxes))}
        body = {"query": {"bool": asked}, "sort": [{"_score": "desc"}, {"number": "desc"}]}
        rows = await sorted_hits(self._index, account, body, _RANKED)
        scores = {int(number): float(score) for score, number in rows}
        nothing: list[Ranked] = []
        return await self._accounts.read(
            account, lambda file: places_of_ranked(file, mailboxes, scores, limit), nothing
        )

    async def retain(self, account: str, mailbox: str, live: Ranges) -> int:
        """Forget the places of a mailbox that are not among `live`, and texts that no place needs."""
        removed = await self._accounts.write(account, lambda file: Bookkeeping(file).retain(mailbox, live))
        await self._changes.remove_orphans(account)
        return removed or 0

    async def drop_mailbox(self, account: str, mailbox: str) -> None:
        """Forget a mailbox."""
        await self._accounts.write(account, lambda file: Bookkeeping(file).drop_mailbox(mailbox))
        await self._changes.remove_orphans(account)

    async def drop_account(self, account: str) -> None:
        """Delete the documents of an account until none is left, and its file."""
        await self._changes.drop(account, expunges=self._expunges)

    async def tend(self, account: str) -> None:
        """Compare what is noted with what OpenSearch has."""
        await self._changes.compare(account)

    async def state(self, account: str) -> IndexState:
        """How much is indexed; of the octets, those of the file of the account."""
        files = self._accounts.files
        path, nothing = files.path(account), IndexState(0, 0, 0, 0, 0, 0)
        return await files.read(account, lambda file: noting.state(file, octets_on_disk(path)), nothing)

    async def accounts(self) -> Sequence[str]:
        """The accounts that have a file."""
        return await self._accounts.files.accounts()

    def when_lost(self, call: Callable[[str], None]) -> None:
        """Call this with each account whose index begins anew, or with ALL_ACCOUNTS."""
        self._accounts.when_lost(call)

    async def serve(self) -> None:
        """Let the name of the installation's text index stand for this index."""
        await self._index.serve()

    async def octets(self) -> int:
        """What the index takes in OpenSearch."""
        return await self._index.octets()

    async def discard(self) -> None:
        """Delete the index in OpenSearch, and the files."""
        await self._index.discard()
        await self.close()
        await self._accounts.files.discard()

    async def close(self) -> None:
        """Wait for what runs, and close all files and connections."""
        await asyncio.to_thread(self._threads.shutdown)
        await self._accounts.close()


def _numbered(documents: Numbers, mailboxes: Sequence[str]) -> Clause:
    """The clause for documents by number. Of many, it gives more; the places decide."""
    if mailboxes and len(documents) <= _NAMED:
        return {"terms": {"number": documents.tolist()}}
    return {"range": {"number": {"gte": int(documents[0]), "lte": int(documents[-1])}}}
