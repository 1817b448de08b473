"""A text is found wherever the pages are cut, and the search takes little of each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import compile_key
from services.mailstore.search.texts import PAGE, TextReader, pages
from shared.blobs.memory import MemoryBlobs
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DayTest, FlagTest, HeaderTest, SearchKey, SearchKeys
from shared.turns import SHARE, Turns

ROW = EntryRow(1, 1, "work", 1, 0, 0, 0, 0, "", "")
MAIL = (
    b"Subject: Tea and more\r\nFrom: <ann@example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: "
    b"1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhot water\r\n--b\r\n"
    b"Content-Type: text/html\r\n\r\n<p>cold <b>milk</b></p>\r\n--b--\r\n"
)
LEAVES: dict[str, tuple[SearchKey, bool]] = {
    "seen": (SearchKey(flag=FlagTest(flag="\\Seen", is_set=True)), True),
    "unflagged": (SearchKey(flag=FlagTest(flag="\\Flagged", is_set=True)), False),
    "keyword": (SearchKey(flag=FlagTest(flag="WORK", is_set=True)), True),
    "subject": (SearchKey(header=HeaderTest(field="Subject", text="TEA")), True),
    "no subject": (SearchKey(header=HeaderTest(field="Subject", text="coffee")), False),
    "field": (SearchKey(header=HeaderTest(field="X-None", text="")), False),
    "date": (SearchKey(sent_date=DayTest(relation=DayTest.ON, day=20779)), True),
    "before": (SearchKey(sent_date=DayTest(relation=DayTest.BEFORE, day=20779)), False),
    "body": (SearchKey(body="hot"), True),
    "html": (SearchKey(body="cold milk"), True),
    "no body": (SearchKey(body="tea"), False),
    "text": (SearchKey(text="tea and"), True),
    "text of body": (SearchKey(text="water"), True),
    "no text": (SearchKey(text="nowhere"), False),
    "nothing": (SearchKey(body=""), True),
}
Tree = tuple[SearchKey, bool]


def all_of(trees: list[Tree]) -> Tree:
    return SearchKey(all_of=SearchKeys(keys=[key for key, _ in trees])), all(expected for _, expected in trees)


def any_of(trees: list[Tree]) -> Tree:
    return SearchKey(any_of=SearchKeys(keys=[key for key, _ in trees])), any(expected for _, expected in trees)


def negated(tree: Tree) -> Tree:
    key = SearchKey()
    key.CopyFrom(tree[0])
    key.negated = not key.negated
    return key, not tree[1]


trees = st.recursive(
    st.sampled_from(list(LEAVES.values())),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4).map(all_of)
        | st.lists(inner, min_size=1, max_size=4).map(any_of)
        | inner.map(negated)
    ),
    max_leaves=12,
)


def candidate(body: bytes) -> Candidate:
    async def stored() -> Candidate:
        blobs = MemoryBlobs()
        return Candidate(ROW, await blobs.read(blobs.put(body, encode_scan(scan(body))).id))

    return asyncio.run(stored())


@settings(max_examples=300)
@given(trees)
def test_a_tree_of_keys_is_what_its_leaves_say(tree: Tree) -> None:
    key, expected = tree
    reader = TextReader(compile_key(key, 0), Turns())
    assert asyncio.run(reader.decide(candidate(MAIL))) is expected


@given(st.lists(st.text("ab", max_size=9), max_size=30), st.text("ab", min_size=1, max_size=9))
def test_a_text_is_found_across_pages(pieces: list[str], needle: str) -> None:
    """With pages of five characters instead of some thousands."""
    result = any(needle in page for page in pages(iter(pieces), len(needle) - 1, 5))
    assert result == (needle in "".join(pieces))


@pytest.mark.parametrize("octets", [7_000_000])
async def test_a_hundred_texts_in_a_large_message_take_little_of_each_turn(octets: int) -> None:
    """What took 10 s in one turn is now divided into pages; each turn searches a bounded number of octets."""
    blobs = MemoryBlobs()
    body = b"Subject: large\r\n\r\n" + b"word and another\r\n" * (octets // 18)
    stored = await blobs.read(blobs.put(body, encode_scan(scan(body))).id)
    key = SearchKey(any_of=SearchKeys(keys=[SearchKey(body=f"needle {number}") for number in range(100)]))
    turns = Turns()
    reader = TextReader(compile_key(key, 0), turns)
    assert not await reader.decide(Candidate(ROW, stored))
    await asyncio.sleep(0)
    assert SHARE / 2 < turns.longest.cost < SHARE + 3 * 2 * PAGE * 10
    assert turns.longest.octets < 1_000_000


@pytest.mark.parametrize(("recipients", "beside"), [(10, False), (20_000, True)])
@pytest.mark.parametrize(
    "key",
    [SearchKey(header=HeaderTest(field="To", text="a@x.example")), SearchKey(text="a@x.example")],
    ids=["to", "text"],
)
def test_a_large_header_is_read_beside_the_loop(
    key: SearchKey, recipients: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of addresses are not divided into pages; they are parsed on a thread."""
    data = b"To: " + b"a @x.example, " * recipients + b"b@x.example\r\n\r\nbody"
    threads: list[str] = []
    real = asyncio.to_thread

    async def noting(function: Callable[..., object], *arguments: object) -> object:
        threads.append(str(function))
        return await real(function, *arguments)

    monkeypatch.setattr(asyncio, "to_thread", noting)

    async def decide() -> bool:
        blobs = MemoryBlobs()
        blob = await blobs.read(blobs.put(data, encode_scan(scan(data))).id)
        return await TextReader(compile_key(key, 0), Turns()).decide(Candidate(ROW, blob))

    assert asyncio.run(decide())
    assert bool(threads) is beside
