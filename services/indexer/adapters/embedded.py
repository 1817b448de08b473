"""The embedded engine of the text index: an SQLite file for each account, read and written in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import apsw

from services.indexer.adapters.account_file import AccountFile, octets_on_disk
from services.indexer.adapters.account_files import AccountFiles
from services.indexer.adapters.awaited_answer import AwaitedAnswer
from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.embedded_texts import SCHEMA, add_attachments, add_documents, remove_documents
from services.indexer.adapters.gram_tables import ask_by_grams
from services.indexer.adapters.text_answers import answer_questions
from services.indexer.adapters.upkeep import REMOVED, TEXT_OCTETS, Upkeep
from services.indexer.adapters.word_answers import ranked_places
from services.indexer.adapters.word_expression import word_expression
from services.indexer.domain.document import IndexQuestion
from services.indexer.domain.engine import Batch, IndexState, Ranked, TextAnswer
from services.indexer.domain.places import as_numbers
from services.indexer.domain.word_query import WordQuery
from shared.protocol.imap.ranges import Ranges
from shared.protocol.message.folding import FOLDING_VERSION
from shared.protocol.message.scan import SCANNER_VERSION
from shared.protocol.message.search_texts import TEXTS_VERSION
from shared.protocol.search.words import WORDS_VERSION

_TABLES = 1
VERSION = crc32(f"{_TABLES} {TEXTS_VERSION} {SCANNER_VERSION} {FOLDING_VERSION} {WORDS_VERSION}".encode()) >> 1
"""Of the tables, and of how their content is made of messages. A file of another version is begun anew."""
_REMOVED_AT_ONCE = 200
"""Documents that are removed in a transaction."""


class EmbeddedEngine:
    """Implements TextEngine in a folder.

    `open_files` accounts are kept open at most, and none that was idle for `idle_seconds`. Words of removed messages
    leave the index at the upkeep that follows after `purge_days`, or earlier when a twentieth of the messages is gone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        open_files: int = 16,
        idle_seconds: float = 60.0,
        threads: int = 4,
        purge_days: float = 7.0,
    ) -> None:
        self._files = AccountFiles(folder, _opened, open_files=open_files, idle_seconds=idle_seconds, threads=threads)
        self._searchers = ThreadPoolExecutor(2, thread_name_prefix="text-search")
        self._upkeep = Upkeep(purge_days)

    async def reached(self, account: str) -> Mapping[str, int]:
        """By mailbox, the UID up to which messages were handed over."""
        return await self._files.read(account, lambda file: Bookkeeping(file).reached(), {})

    async def lacking(self, account: str, keys: Sequence[bytes]) -> Sequence[bytes]:
        """Those of the keys whose texts it does not have."""
        nothing: dict[bytes, int] = {}
        known = await self._files.read(account, lambda file: Bookkeeping(file).documents(keys), nothing)
        return [key for key in keys if key not in known]

    async def add(self, account: str, batch: Batch) -> None:
        """Keep the messages of a batch, all or none."""
        await self._files.write(account, lambda file: _add(file, batch))

    async def unread(self, account: str) -> Sequence[tuple[str, int]]:
        """The places of messages that could not be read."""
        return await self._files.read(account, lambda file: Bookkeeping(file).unread(), [])

    async def awaiting(self, account: str, limit: int) -> Mapping[bytes, str]:
        """By key, the blobs of messages whose attachments are to be extracted, the newest first."""
        return await self._files.read(account, lambda file: Bookkeeping(file).awaiting(limit), {})

    async def attached(self, account: str) -> frozenset[str]:
        """The blobs of the messages that have attachments."""
        return await self._files.read(account, lambda file: Bookkeeping(file).attached(), frozenset())

    async def await_again(self, account: str, blobs: Sequence[str]) -> None:
        """Note that the attachments of messages with these blobs are to be extracted again."""
        await self._files.write(account, lambda file: Bookkeeping(file).await_again(blobs), begin=False)

    async def add_attachments(self, account: str, texts: Mapping[bytes, str]) -> None:
        """Keep the folded texts of attachments."""
        await self._files.write(account, lambda file: _add_attachments(file, texts))

    async def answer(
        self, account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexQuestion]
    ) -> TextAnswer:
        """Answer questions about the messages of a mailbox between two UIDs."""
        awaited = AwaitedAnswer()

        def work(file: apsw.Connection) -> TextAnswer:
            return answer_questions(file, mailbox, bounds, questions, self._searchers, awaited)

        with awaited.awaited():
            return await self._files.read(account, work, TextAnswer((), [()] * len(questions)))

    async def rank(self, account: str, mailboxes: Sequence[str], query: WordQuery, limit: int) -> Sequence[Ranked]:
        """The messages that have the words of a query, best first. Raises QueryTooLarge."""
        expression = word_expression(query)
        if expression is None:
            return []
        return await self._files.read(account, lambda file: ranked_places(file, mailboxes, expression, limit), [])

    async def retain(self, account: str, mailbox: str, live: Ranges) -> int:
        """Forget the places of a mailbox that are not among `live`, and texts that no place needs."""
        removed = await self._files.write(account, lambda file: Bookkeeping(file).retain(mailbox, live), begin=False)
        await self._remove_orphans(account)
        return removed or 0

    async def drop_mailbox(self, account: str, mailbox: str) -> None:
        """Forget a mailbox."""
        await self._files.write(account, lambda file: Bookkeeping(file).drop_mailbox(mailbox), begin=False)
        await self._remove_orphans(account)

    async def drop_account(self, account: str) -> None:
        """Remove the file of an account with all that is beside it."""
        await self._files.remove(account)

    async def tend(self, account: str) -> None:
        """Do the upkeep that is due, in small steps between which others read and write."""
        await self._remove_orphans(account)
        for step in self._upkeep.steps():
            while await self._files.write(account, step, begin=False):
                await self._files.use(account, AccountFile.checkpoint, begin=False)
        await self._files.use(account, AccountFile.checkpoint, begin=False)

    async def state(self, account: str) -> IndexState:
        """How much is indexed."""
        path = self._files.path(account)
        return await self._files.read(
            account, lambda file: _state(file, octets_on_disk(path)), IndexState(0, 0, 0, 0, 0, 0)
        )

    async def accounts(self) -> Sequence[str]:
        """The accounts that have a file."""
        return await self._files.accounts()

    def when_lost(self, call: Callable[[str], None]) -> None:
        """Call this with each account whose index begins anew."""
        self._files.when_lost(call)

    async def discard(self) -> None:
        """Close all files, and delete them."""
        await self._files.discard()
        await asyncio.to_thread(self._searchers.shutdown)

    async def close(self) -> None:
        """Wait for what runs, and close all files."""
        await self._files.close()
        await asyncio.to_thread(self._searchers.shutdown)

    async def _remove_orphans(self, account: str) -> None:
        while await self._files.write(account, _remove_some, begin=False):
            pass


def _opened(path: Path) -> AccountFile:
    return AccountFile(path, VERSION, SCHEMA, ask_by_grams)


def _add(connection: apsw.Connection, batch: Batch) -> None:
    notes = Bookkeeping(connection)
    mailbox, entries = notes.fresh(batch)
    numbers = notes.documents(list(dict.fromkeys(key for _, key in entries)))
    new = dict.fromkeys(key for _, key in entries if key not in numbers and key in batch.documents)
    added = notes.new_documents(new)
    notes.count(TEXT_OCTETS, add_documents(connection, [(added[key], batch.documents[key]) for key in new]))
    notes.await_attachments({number: batch.awaiting[key] for key, number in added.items() if key in batch.awaiting})
    numbers |= added
    places = [(uid, numbers[key]) for uid, key in entries if key in numbers]
    notes.enter(mailbox, places, batch, [uid for uid, key in entries if key not in numbers])


def _add_attachments(connection: apsw.Connection, texts: Mapping[bytes, str]) -> None:
    notes = Bookkeeping(connection)
    numbers = notes.documents(list(texts))
    notes.count(TEXT_OCTETS, add_attachments(connection, {number: texts[key] for key, number in numbers.items()}))
    notes.extracted(numbers.values())


def _remove_some(connection: apsw.Connection) -> bool:
    """Remove the texts of some documents without a place; whether there may be more."""
    notes = Bookkeeping(connection)
    orphans = notes.orphans(_REMOVED_AT_ONCE)
    if not orphans:
        return False
    notes.count(TEXT_OCTETS, -remove_documents(connection, as_numbers(orphans)))
    notes.forget(orphans)
    notes.count(REMOVED, len(orphans))
    if not notes.counter(f"{REMOVED}_at"):
        notes.note(f"{REMOVED}_at", int(time.time()))
    return True


def _state(connection: apsw.Connection, octets: int) -> IndexState:
    notes = Bookkeeping(connection)
    return IndexState(
        notes.rows("document"),
        notes.placed(),
        notes.rows("unread"),
        notes.awaited(),
        octets,
        notes.counter(TEXT_OCTETS),
    )
