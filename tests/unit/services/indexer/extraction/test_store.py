"""The texts are kept once for each blob, failures are tried again, and nothing is left of an erased account."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from services.indexer.extraction.port import ExtractionStatus
from services.indexer.extraction.store import FILE_NAME, ExtractedStore, StoreBegunAnew
from services.indexer.extraction.stored_text import StoredAttachment

MB = 1 << 20


def result(text: str = "walrus", status: ExtractionStatus = ExtractionStatus.OK, path: str = "2") -> StoredAttachment:
    return StoredAttachment(path, "a.pdf", "application/pdf", status, text, "why" if status != "ok" else "")


@pytest.fixture
def store(tmp_path: Path) -> ExtractedStore:
    return ExtractedStore(tmp_path, 100 * MB)


def test_texts_are_kept_once_for_all_accounts(store: ExtractedStore) -> None:
    assert store.attachments("b1", "ann", "1") is None
    store.keep("b1", "ann", "1", [result(), result("ümlaut", path="3")])
    assert store.attachments("b1", "bob", "1") == (result(), result("ümlaut", path="3"))
    assert store.accounts("b1") == ("ann", "bob")
    store.release("ann", ["b1"])
    assert store.attachments("b1", "bob", "1")
    store.release("bob", ["b1"])
    assert store.attachments("b1", "cid", "1") is None
    assert store.octets == 0


def test_what_is_read_again_takes_the_room_of_what_was_kept_before(store: ExtractedStore, tmp_path: Path) -> None:
    for version in ("1", "2", "3"):
        store.keep("b1", "ann", version, [result("walrus " * 50, ExtractionStatus.FAILED)])
    octets = store.octets
    store.close()
    assert ExtractedStore(tmp_path, 100 * MB).octets == octets


def test_failures_are_tried_again_by_another_version(store: ExtractedStore) -> None:
    store.keep("b1", "ann", "1", [result("", ExtractionStatus.FAILED)])
    store.keep("b2", "ann", "1", [result()])
    assert store.attachments("b1", "ann", "1")
    assert store.attachments("b1", "ann", "2") is None
    assert store.attachments("b2", "ann", "2")
    assert store.pending("2", 10) == ("b1",)
    store.keep("b1", "ann", "2", [result()])
    assert store.pending("2", 10) == ()


@pytest.mark.parametrize("status", [ExtractionStatus.CRASHED, ExtractionStatus.TIMEOUT])
def test_what_may_pass_is_tried_three_times(store: ExtractedStore, status: ExtractionStatus) -> None:
    for _ in range(3):
        assert store.attachments("b1", "ann", "1") is None
        store.keep("b1", "ann", "1", [result("", status)])
        tries = store.failures(10)[0].tries
        assert store.pending("1", 10) == (("b1",) if tries < 3 else ())
    assert store.attachments("b1", "ann", "1") == (result("", status),)
    assert [(row.blob, row.tries, row.status) for row in store.failures(10)] == [("b1", 3, status)]


def test_failures_are_listed_page_by_page_and_tried_again_by_command(store: ExtractedStore) -> None:
    for number in range(5):
        store.keep(f"b{number}", "ann", "1", [result(), result("", ExtractionStatus.LIMIT, "3")])
    store.keep("b9", "ann", "1", [result("", ExtractionStatus.ENCRYPTED)])
    page = store.failures(3)
    rest = store.failures(3, (page[-1].blob, page[-1].path))
    assert [row.blob for row in (*page, *rest)] == ["b0", "b1", "b2", "b3", "b4"]
    assert (page[0].path, page[0].name, page[0].detail, page[0].version) == ("3", "a.pdf", "why", "1")
    assert store.retry("b3") == 1
    assert store.attachments("b3", "ann", "1") is None
    assert store.retry() == 6


def test_an_erased_account_leaves_nothing(store: ExtractedStore, tmp_path: Path) -> None:
    for number in range(500):
        store.keep(f"own{number}", "ann", "1", [StoredAttachment("2", f"secretname{number}", "", *secret())])
    store.keep("shared", "ann", "1", [result("common text")])
    store.attachments("shared", "bob", "1")
    assert b"secretname" in content(tmp_path)
    rounds = 1
    while store.erase("ann"):
        rounds += 1
    assert rounds > 2
    assert store.attachments("shared", "bob", "1")
    assert store.accounts("shared") == ("bob",)
    assert store.attachments("own0", "bob", "1") is None
    assert b"secretname" not in content(tmp_path)
    assert b"secretdetail" not in content(tmp_path)


def secret() -> tuple[ExtractionStatus, str, str]:
    return ExtractionStatus.FAILED, "", "secretdetail"


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_the_oldest_texts_make_room(tmp_path: Path) -> None:
    store = ExtractedStore(tmp_path, 20_000)
    for number in range(100):
        store.keep(f"b{number:03}", "ann", "1", [result(f"{number} walrus")])
        assert store.octets <= 20_000
    assert store.attachments("b000", "ann", "1") is None
    assert store.attachments("b099", "ann", "1")
    measured = store.octets
    store.close()
    assert ExtractedStore(tmp_path, 20_000).octets == measured


@pytest.mark.parametrize("damage", ["beginning", "all", "text"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str) -> None:
    store = ExtractedStore(tmp_path, MB)
    for number in range(200):
        store.keep(f"b{number}", "ann", "1", [result("walrus" * 1000)])
    store.erase("nobody")
    path = tmp_path / FILE_NAME
    octets = bytearray(path.read_bytes())
    if damage == "beginning":
        octets[:4096] = b"x" * 4096
    elif damage == "all":
        octets[100:] = b"\xff" * (len(octets) - 100)
    if damage == "text":
        store._connection.execute("UPDATE attachment SET text = x'00'")
    else:
        store.close()
        path.write_bytes(octets)
        store = ExtractedStore(tmp_path, MB)
    try:
        assert store.attachments("b1", "ann", "1") is None
    except StoreBegunAnew:
        assert store.attachments("b1", "ann", "1") is None
    store.keep("b1", "ann", "1", [result()])
    assert store.attachments("b1", "ann", "1") == (result(),)
    assert {file.name.removeprefix(FILE_NAME) for file in tmp_path.iterdir()} <= {"", "-wal", "-shm"}


def test_a_file_of_another_layout_is_begun_anew(tmp_path: Path) -> None:
    store = ExtractedStore(tmp_path, MB)
    store.keep("b1", "ann", "1", [result()])
    store._connection.execute("PRAGMA user_version = 99")
    store.close()
    store = ExtractedStore(tmp_path, MB)
    assert store.attachments("b1", "ann", "1") is None
    store.keep("b1", "ann", "1", [result()])


def test_a_failed_transaction_changes_nothing(store: ExtractedStore) -> None:
    store.keep("b1", "ann", "1", [result()])
    before = store.octets
    wrong = StoredAttachment(None, "a", "b", ExtractionStatus.OK, "x", "")  # type: ignore[arg-type]
    with pytest.raises(apsw.ConstraintError):
        store.keep("b1", "ann", "1", [wrong])
    assert (store.attachments("b1", "ann", "1"), store.octets) == ((result(),), before)
