"""An account for which every step fails keeps no other account waiting, and a message that fails keeps no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from services.indexer.adapters.catalog import Task
from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import IndexUnavailable, TextEngine
from services.indexer.extraction.attachments import AttachmentTexts
from services.indexer.extraction.extractor import ProcessExtractor
from services.indexer.extraction.port import ExtractionStatus
from services.indexer.extraction.store import ExtractedStore
from services.indexer.extraction.stored_text import StoredAttachment
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.attachments import Attachments
from services.indexer.handlers.failures import AttachmentFailures
from services.indexer.handlers.generations import Generations
from services.indexer.handlers.indexing import LATER
from shared.blobs.errors import BlobDamaged
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import Blob
from shared.clock import SystemClock
from shared.protocol.message.scan import Scan
from shared.scans import store_message
from tests.harness.waiting import until_true
from tests.integration.indexer.naive_engine import NaiveEngine
from tests.integration.indexer.test_indexing import _Indexed, _mail, indexed
from tests.integration.mailstore.counted import ACCOUNT

_FAILING = "account-a-that-always-fails"
__all__ = ["indexed"]


def _always_fails(engine: NaiveEngine, account: str = _FAILING) -> None:
    """Let every question about an account fail, as for a file that cannot be opened."""
    reached = engine.reached
    drop = engine.drop_account

    async def checked_reached(asked: str) -> Mapping[str, int]:
        if asked == account:
            raise IndexUnavailable("the file cannot be opened")
        return await reached(asked)

    async def checked_drop(asked: str) -> None:
        if asked == account:
            raise IndexUnavailable("the file cannot be opened")
        await drop(asked)

    engine.reached = checked_reached  # type: ignore[method-assign]
    engine.drop_account = checked_drop  # type: ignore[method-assign]


async def test_new_mail_does_not_wait_for_an_account_that_fails(indexed: _Indexed) -> None:
    _always_fails(indexed.engine)
    await indexed.mailstore.deliver_body(_mail("not waiting"))
    indexed.indexing.changed([_FAILING])
    await indexed.up_to_date()
    assert await indexed.hits((await indexed.mailboxes())["INBOX"], "waiting") == ((1, 1),)


async def test_older_mail_does_not_wait_for_an_account_that_fails(indexed: _Indexed) -> None:
    _always_fails(indexed.engine)
    await indexed.mailstore.deliver_body(_mail("older"))
    await indexed.dues.note([_FAILING], Task.FILL, 0)
    await indexed.dues.note([ACCOUNT], Task.FILL, 1)
    indexed.indexing.look()

    async def is_filled() -> bool:
        return (await indexed.dues.counts()).get(Task.FILL) == 1

    await until_true(is_filled)
    assert await indexed.hits((await indexed.mailboxes())["INBOX"], "older") == ((1, 1),)
    later = SystemClock().now() + LATER
    assert await indexed.dues.due(Task.FILL, later, 2) == [_FAILING]


async def test_a_sweep_does_not_wait_for_an_account_that_fails(indexed: _Indexed) -> None:
    _always_fails(indexed.engine)
    await indexed.dues.note([_FAILING], Task.SWEEP, 0)
    await indexed.dues.note([ACCOUNT], Task.SWEEP, 1)
    indexed.sweep.start()

    async def is_swept() -> bool:
        return (await indexed.dues.counts()).get(Task.SWEEP) == 1

    await until_true(is_swept)
    await indexed.sweep.stop()


async def test_a_message_that_no_document_can_be_made_of_keeps_no_other_waiting(
    indexed: _Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await indexed.mailstore.deliver_body(_mail(f"reading {number}"))
    inbox = (await indexed.mailboxes())["INBOX"]
    poison = (await indexed.rows(inbox))[1][1]
    read = indexed.indexing._documents.read

    async def failing(blob: str, prefix: bytes) -> object:
        if blob == poison:
            raise RecursionError
        return await read(blob, prefix)

    monkeypatch.setattr(indexed.indexing._documents, "read", failing)
    await indexed.up_to_date()
    answer = await indexed.engine.answer(ACCOUNT, inbox, (1, 3), [IndexQuestion(SearchedPart.BODY, "reading")])
    assert answer.covered == answer.hits[0] == ((1, 1), (3, 3))


class _Texts:
    """Attachments of one message are damaged; while another's are read, `meanwhile` is called."""

    def __init__(self, damaged: str) -> None:
        self.damaged = damaged
        self.meanwhile = lambda: None

    async def read(self, _account: str, blob: Blob, _scan: Scan) -> tuple[StoredAttachment, ...]:
        if str(blob.id) == self.damaged:
            raise BlobDamaged(str(blob.id), "checksum")
        self.meanwhile()
        return (StoredAttachment("1", "a.pdf", "application/pdf", ExtractionStatus.OK, "words", ""),)


async def test_attachments_wait_for_no_other_account_and_for_no_damaged_message(
    indexed: _Indexed, tmp_path: Path
) -> None:
    blobs, engine = MemoryBlobs(), indexed.engine
    damaged, whole, late = [str((await store_message(blobs, _mail(text))).id) for text in ("a", "b", "c")]
    known = engine._accounts.setdefault(ACCOUNT, type(engine._of(ACCOUNT))())
    known.awaiting = {b"1": damaged, b"2": whole}
    known.documents = dict.fromkeys((b"1", b"2", b"3"))  # type: ignore[arg-type]
    awaiting = engine.awaiting

    async def failing(account: str, limit: int) -> Mapping[bytes, str]:
        if account == _FAILING:
            raise IndexUnavailable("the file cannot be opened")
        return await awaiting(account, limit)

    engine.awaiting = failing  # type: ignore[method-assign]
    texts = _Texts(damaged)
    store = ExtractedStore(tmp_path, 1 << 20)
    store.keep("of another mail", ACCOUNT, "1", ())
    read = cast(TextEngine, engine), cast(AttachmentTexts, texts), store
    attachments = Attachments("indexer", *read, blobs, AccountLocks())

    def comes_late() -> None:
        known.awaiting[b"3"] = late
        attachments.added(ACCOUNT)
        texts.meanwhile = lambda: None

    texts.meanwhile = comes_late
    attachments.added(_FAILING)
    attachments.start()
    await until_true(lambda: len(known.attachments) == 3)
    await attachments.stop()
    assert known.attachments[b"1"] == ""
    assert store.accounts("of another mail") == (), "what the account does not have is given up after each reading"


class _Engines:
    """What the failures need of the indexes: an engine for which nothing is ever read again."""

    def __init__(self) -> None:
        self.engine = self
        self.attachments = self
        self.named: list[Sequence[str]] = []

    def all(self) -> list[_Engines]:
        return [self]

    async def await_again(self, _account: str, blobs: Sequence[str]) -> None:
        self.named.append(blobs)

    def added(self, _account: str) -> None:
        pass


class _Extractor:
    version = "2"


async def test_blobs_that_stay_pending_are_named_once_in_a_pass_and_hide_no_others(tmp_path: Path) -> None:
    store, engines = ExtractedStore(tmp_path, 1 << 20), _Engines()
    failed = StoredAttachment("1", "a.pdf", "application/pdf", ExtractionStatus.LIMIT, "", "")
    for number in range(250):
        store.keep(f"g/{number:03}", ACCOUNT, "1", [failed])
    failures = AttachmentFailures("indexer", store, cast(ProcessExtractor, _Extractor()), cast(Generations, engines))
    assert await failures.retry("") == 250
    failures.start()
    await until_true(lambda: sum(map(len, engines.named)) >= 250)
    assert await failures.retry("g/000") == 1
    await until_true(lambda: sum(map(len, engines.named)) >= 500)
    await failures.stop()
    store.close()
    assert len(engines.named) == 6
