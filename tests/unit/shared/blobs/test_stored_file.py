"""A blob file on disk: every flipped byte and every cut is detected, and only the body's bytes are returned."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobDamaged
from shared.blobs.local import LocalBlobs
from shared.blobs.open_blob import open_blob, verify_blob
from shared.blobs.port import Damaged, Intact
from shared.blobs.settings import BlobSettings

BODY = b"".join(b"line %d of a body that shrinks\r\n" % n for n in range(1000))
SCAN = b"the scan of it" * 20


@pytest.fixture
async def stored(tmp_path: Path) -> tuple[BlobId, Path, bytes]:
    blobs = LocalBlobs(tmp_path / "blobs", "g0001", BlobSettings(spool_bytes=8192, frame_bytes=4096))
    with blobs.writer() as writer:
        writer.write(BODY)
        ref = await writer.commit(SCAN)
    await blobs.close()
    return ref.id, tmp_path / "file", (tmp_path / "blobs" / ref.id).read_bytes()


def read_all(blob_id: BlobId, path: Path) -> tuple[bytes, bytes]:
    blob = open_blob(blob_id, str(path))
    return blob.body(), blob.scan


several = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@several
@given(data=st.data())
async def test_a_flipped_byte_is_found(stored: tuple[BlobId, Path, bytes], data: st.DataObject) -> None:
    blob_id, path, file = stored
    changed = bytearray(file)
    changed[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        assert read_all(blob_id, path) == (BODY, SCAN)  # zstd's frame header has a few unused bits
    except BlobDamaged:
        assert isinstance(verify_blob(blob_id, lambda known: open_blob(known, str(path))), Damaged)


@several
@given(data=st.data())
async def test_a_cut_file_is_found(stored: tuple[BlobId, Path, bytes], data: st.DataObject) -> None:
    blob_id, path, file = stored
    path.write_bytes(file[: data.draw(st.integers(0, len(file) - 1))])
    with pytest.raises(BlobDamaged):
        read_all(blob_id, path)


async def test_a_sound_file_under_a_wrong_name_is_found(stored: tuple[BlobId, Path, bytes]) -> None:
    blob_id, path, file = stored
    path.write_bytes(file)
    assert verify_blob(blob_id, lambda known: open_blob(known, str(path))) == Intact()
    assert isinstance(verify_blob(BlobId("g0001/" + "1" * 64), lambda known: open_blob(known, str(path))), Damaged)


@pytest.mark.parametrize("size", [0, 1, 100, 70_000, 300_000])
async def test_a_file_of_zeroes_is_damaged(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    with pytest.raises(BlobDamaged):
        open_blob(BlobId("g0001/" + "1" * 64), str(path))


async def test_long_indexes_and_long_bodies(tmp_path: Path) -> None:
    """There are more frames than the first read at the end of the file covers."""
    blobs = LocalBlobs(tmp_path, "g0001", BlobSettings(spool_bytes=8192, frame_bytes=4096))
    body = bytes(range(256)) * 40_000
    with blobs.writer() as writer:
        writer.write(body)
        ref = await writer.commit(SCAN)
    blob = await blobs.read(ref.id)
    assert blob.read(5_000_000, 5_000_300) == body[5_000_000:5_000_300]
    assert b"".join(blob.iterate(0, len(body))) == body
    assert blob.scan == SCAN
    await blobs.close()
