"""What the blob port promises, for every adapter."""

import asyncio
import hashlib
import random

import pytest

from shared.blobs.blob_id import BlobId, parse_blob_id
from shared.blobs.errors import BadBlobId, BlobDamaged, BlobMissing, BlobTooLarge
from shared.blobs.port import BlobRef, Blobs, Damaged, Intact
from tests.contract.blobs.harness import Harness

MISSING = BlobId("g0001/" + "0" * 64)
# Around the borders of SMALL_FRAMES (frame 4096, spool 16384), and well past them.
SIZES = [0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 20480, 100_000]


def body_of(size: int, seed: int = 7) -> bytes:
    """Half text and half noise: some frames can be compressed, and some cannot."""
    chance = random.Random(seed)
    return (b"Subject: a line like any other\r\n" * (size // 64 + 1))[: size // 2] + chance.randbytes(size - size // 2)


async def keep(blobs: Blobs, body: bytes, scan: bytes = b"scan", chunk: int = 1500) -> BlobRef:
    with blobs.writer() as writer:
        for at in range(0, len(body), chunk):
            writer.write(body[at : at + chunk])
        return await writer.commit(scan)


async def listed(blobs: Blobs, generation: str = "g0001") -> set[BlobId]:
    return {blob_id async for blob_id in blobs.list(generation)}


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_written_is_read(blobs: Blobs, size: int) -> None:
    body = body_of(size)
    ref = await keep(blobs, body, b"the scan")
    blob = await blobs.read(ref.id)
    assert (ref.size, blob.body_size, blob.id) == (size, size, ref.id)
    assert blob.body() == body
    assert blob.scan == b"the scan"
    assert await blobs.verify(ref.id) == Intact()


@pytest.mark.parametrize("size", [5, 20_000])
async def test_the_name_is_the_generation_and_the_hash_of_the_body(blobs: Blobs, size: int) -> None:
    body = body_of(size)
    ref = await keep(blobs, body)
    assert ref.id == "g0001/" + hashlib.blake2b(body, digest_size=32).hexdigest()


@pytest.mark.parametrize("chunk", [1, 7, 4096, 5000, 70_000])
async def test_any_cut_of_the_input_gives_the_same_blob(blobs: Blobs, chunk: int) -> None:
    body = body_of(40_000 if chunk > 1 else 5_000)
    ref = await keep(blobs, body, chunk=chunk)
    assert (await blobs.read(ref.id)).body() == body


async def test_chunks_are_copied(blobs: Blobs) -> None:
    chunk = bytearray(b"abc")
    with blobs.writer() as writer:
        writer.write(chunk)
        chunk[:] = b"xyz"
        writer.write(memoryview(b"def"))
        ref = await writer.commit(b"")
    assert (await blobs.read(ref.id)).body() == b"abcdef"


@pytest.mark.parametrize("size", [3000, 50_000])
async def test_ranges(blobs: Blobs, size: int) -> None:
    body = body_of(size)
    blob = await blobs.read((await keep(blobs, body)).id)
    chance = random.Random(size)
    for _ in range(200):
        start = chance.randrange(size + 10)
        end = start + chance.randrange(size)
        assert blob.read(start, end) == body[start:end]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4)])
async def test_a_range_that_is_none_is_refused(blobs: Blobs, start: int, end: int) -> None:
    blob = await blobs.read((await keep(blobs, b"0123456789")).id)
    with pytest.raises(ValueError, match="bad range"):
        blob.read(start, end)
    with pytest.raises(ValueError, match="bad range"):
        list(blob.iterate(start, end))


@pytest.mark.parametrize("chunk", [1000, 4096, 6000])
async def test_iterate_gives_the_range_in_pieces(blobs: Blobs, chunk: int) -> None:
    body = body_of(30_000)
    blob = await blobs.read((await keep(blobs, body)).id)
    pieces = list(blob.iterate(10, 29_999, chunk))
    assert b"".join(pieces) == body[10:29_999]
    assert max(map(len, pieces)) <= chunk


@pytest.mark.parametrize("scan", [b"", b"s", b"parts" * 10_000])
async def test_scans_of_any_size(blobs: Blobs, scan: bytes) -> None:
    ref = await keep(blobs, b"body", scan)
    assert (await blobs.read(ref.id)).scan == scan


@pytest.mark.parametrize("size", [10, 30_000])
async def test_the_same_content_twice_is_one_blob(harness: Harness, size: int) -> None:
    entry, other = harness.open("g0001"), harness.open("g0001")
    body = body_of(size)
    refs = await asyncio.gather(*(keep(port, body) for port in (entry, other) for _ in range(5)))
    assert len(set(refs)) == 1
    assert await listed(entry) == {refs[0].id}
    assert (await other.read(refs[0].id)).body() == body


async def test_many_at_once_are_all_kept(harness: Harness) -> None:
    entry, other = harness.open("g0001"), harness.open("g0001")
    bodies = [body_of(500 + 300 * n, seed=n) for n in range(80)]
    refs = await asyncio.gather(*(keep((entry, other)[n % 2], body) for n, body in enumerate(bodies)))
    assert await listed(entry) == {ref.id for ref in refs}
    assert [(await other.read(ref.id)).body() for ref in refs] == bodies


async def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(blobs: Blobs) -> None:
    for limit in (10, 20_000):
        with blobs.writer(limit) as writer:
            writer.write(b"x" * limit)
            assert (await writer.commit(b"")).size == limit
        with blobs.writer(limit) as writer:
            writer.write(b"y" * limit)
            with pytest.raises(BlobTooLarge) as caught:
                writer.write(b"y")
            assert caught.value.limit == limit
    assert len(await listed(blobs)) == 2


@pytest.mark.parametrize("size", [10, 30_000])
async def test_what_is_not_committed_is_not_there(blobs: Blobs, size: int) -> None:
    with blobs.writer() as writer:
        writer.write(body_of(size))
        assert writer.size == size
    aborted = blobs.writer()
    aborted.write(body_of(size))
    aborted.abort()
    aborted.abort()
    assert await listed(blobs) == set()


async def test_a_writer_is_used_once(blobs: Blobs) -> None:
    with blobs.writer() as writer:
        writer.write(b"a")
        ref = await writer.commit(b"")
        writer.abort()
        with pytest.raises(RuntimeError):
            writer.write(b"b")
        with pytest.raises(RuntimeError):
            await writer.commit(b"")
    assert (await blobs.read(ref.id)).body() == b"a"


async def test_generations_are_apart(harness: Harness) -> None:
    old, new = harness.open("g0001"), harness.open("g0002")
    first, second = await keep(old, b"same"), await keep(new, b"same")
    assert first.id.partition("/")[2] == second.id.partition("/")[2]
    assert await listed(new) == {first.id}
    assert await listed(new, "g0002") == {second.id}
    assert (await old.read(second.id)).body() == b"same"
    assert await old.generations() == ("g0001", "g0002")
    assert (old.generation, new.generation) == ("g0001", "g0002")


async def test_an_unknown_generation_is_empty(blobs: Blobs) -> None:
    assert await listed(blobs, "g9999") == set()


async def test_a_missing_blob(blobs: Blobs) -> None:
    with pytest.raises(BlobMissing) as caught:
        await blobs.read(MISSING)
    assert caught.value.blob_id == MISSING
    for asked in (blobs.verify(MISSING), blobs.replace_scan(MISSING, b""), blobs.quarantine(MISSING)):
        with pytest.raises(BlobMissing):
            await asked
    assert await blobs.delete(MISSING) is False


NO_IDS = [
    *(
        "",
        "g0001",
        "g0001/",
        "g0001/" + "0" * 63,
        "g0001/" + "0" * 65,
        "g0001/" + "A" * 64,
        "../" + "0" * 64,
        "g0001/../" + "0" * 61,
    ),
    *(
        "/g0001/" + "0" * 64,
        "incoming/" + "0" * 64,
        "g0001/" + "0" * 64 + "\n",
        "g000١/" + "0" * 64,
        "g0001\x00/" + "0" * 63,
    ),
]


@pytest.mark.parametrize("text", NO_IDS)
async def test_what_is_no_blob_id_is_never_looked_up(blobs: Blobs, text: str) -> None:
    with pytest.raises(BadBlobId):
        parse_blob_id(text)
    for asked in (
        blobs.read(BlobId(text)),
        blobs.verify(BlobId(text)),
        blobs.delete(BlobId(text)),
        blobs.quarantine(BlobId(text)),
    ):
        with pytest.raises(BadBlobId):
            await asked
    with pytest.raises(BadBlobId):
        await blobs.replace_scan(BlobId(text), b"")
    with pytest.raises(BadBlobId):
        await listed(blobs, "../g0001")


@pytest.mark.parametrize("size", [100, 30_000])
async def test_a_damaged_blob_is_found_and_never_given_out(harness: Harness, size: int) -> None:
    blobs = harness.open("g0001")
    ref = await keep(blobs, body_of(size))
    harness.damage(ref.id)
    with pytest.raises(BlobDamaged) as caught:
        (await blobs.read(ref.id)).body()
    assert caught.value.blob_id == ref.id
    assert isinstance(await blobs.verify(ref.id), Damaged)


async def test_a_damaged_blob_is_set_aside(harness: Harness) -> None:
    blobs = harness.open("g0001")
    ref = await keep(blobs, body_of(100))
    harness.damage(ref.id)
    await blobs.quarantine(ref.id)
    assert await listed(blobs) == set()
    with pytest.raises(BlobMissing):
        await blobs.read(ref.id)


async def test_writing_the_body_again_mends_it(harness: Harness) -> None:
    blobs = harness.open("g0001")
    ref = await keep(blobs, body_of(100))
    harness.damage(ref.id)
    assert await keep(blobs, body_of(100)) == ref
    assert await blobs.verify(ref.id) == Intact()


@pytest.mark.parametrize("size", [0, 100, 30_000])
async def test_a_newer_scan(blobs: Blobs, size: int) -> None:
    body = body_of(size)
    ref = await keep(blobs, body, b"old scan" * 100)
    before = await blobs.read(ref.id)
    for scan in (b"a newer and longer scan" * 1000, b""):
        await blobs.replace_scan(ref.id, scan)
        blob = await blobs.read(ref.id)
        assert (blob.scan, blob.body()) == (scan, body)
        assert await blobs.verify(ref.id) == Intact()
    assert before.body() == body
    assert await listed(blobs) == {ref.id}


async def test_a_newer_scan_in_an_older_generation(harness: Harness) -> None:
    ref = await keep(harness.open("g0001"), b"body", b"old")
    blobs = harness.open("g0002")
    await blobs.replace_scan(ref.id, b"new")
    assert (await blobs.read(ref.id)).scan == b"new"


async def test_delete(blobs: Blobs) -> None:
    ref, kept = await keep(blobs, b"one"), await keep(blobs, b"two")
    assert await blobs.delete(ref.id) is True
    assert await blobs.delete(ref.id) is False
    assert await listed(blobs) == {kept.id}


async def test_close_finishes_what_was_asked(harness: Harness) -> None:
    blobs = harness.open("g0001")
    commits = [asyncio.ensure_future(keep(blobs, body_of(200, seed=n))) for n in range(20)]
    await asyncio.sleep(0)
    await blobs.close()
    assert len({(await commit).id for commit in commits}) == 20


async def test_a_cancelled_commit_harms_nobody(blobs: Blobs) -> None:
    lost = asyncio.ensure_future(keep(blobs, b"lost"))
    await asyncio.sleep(0)
    lost.cancel()
    ref = await keep(blobs, b"kept")
    await asyncio.wait([lost])
    assert (await blobs.read(ref.id)).body() == b"kept"


@pytest.mark.parametrize("size", [10, 30_000])
async def test_a_body_without_a_reference_is_discarded(blobs: Blobs, size: int) -> None:
    ref = await keep(blobs, body_of(size))
    other = await keep(blobs, b"another body")
    assert await blobs.take_back(ref)
    assert await listed(blobs) == {other.id}
    assert not await blobs.take_back(ref)


async def test_a_body_that_was_there_before_is_not_discarded(harness: Harness) -> None:
    """Another message refers to it: a user's copy in Sent often has the same octets as the mail that is being
    delivered."""
    entry, other = harness.open("g0001"), harness.open("g0001")
    await keep(entry, b"the same")
    again = await keep(other, b"the same")
    assert not await other.take_back(again)
    assert (await entry.read(again.id)).body() == b"the same"


async def test_a_body_that_was_committed_again_is_not_discarded(harness: Harness) -> None:
    entry, other = harness.open("g0001"), harness.open("g0001")
    first = await keep(entry, b"the same")
    await keep(other, b"the same")
    assert not await entry.take_back(first)
    assert (await entry.read(first.id)).body() == b"the same"


async def test_a_discarded_body_may_be_written_again(blobs: Blobs) -> None:
    first = await keep(blobs, b"the same")
    assert await blobs.take_back(first)
    second = await keep(blobs, b"the same")
    assert not await blobs.take_back(first)
    assert await blobs.take_back(second)


async def test_committing_and_discarding_at_once_loses_nothing(harness: Harness) -> None:
    """A caller whose commit has succeeded finds its body, even when others discard the same body meanwhile."""
    ports = [harness.open("g0001") for _ in range(4)]

    async def refused(port: Blobs, body: bytes) -> None:
        await port.take_back(await keep(port, body))

    async def kept(port: Blobs, body: bytes) -> BlobRef:
        return await keep(port, body)

    bodies = [b"body %d" % number for number in range(40)]
    works = [act(ports[n % 4], body) for body in bodies for n, act in enumerate((refused, kept, refused, refused))]
    results = await asyncio.gather(*works)
    for ref in results:
        if ref is not None:
            assert (await ports[0].read(ref.id)).id == ref.id
