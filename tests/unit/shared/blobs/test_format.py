"""The blob format: what is packed can be parsed, and every changed byte is detected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.blobs.format import HEAD, TAIL_BYTES, Trailer, TrailerDamaged, pack_trailer, parse_trailer, trailer_bytes

sizes = st.integers(0, 2**32 - 1)
trailers = st.builds(
    Trailer,
    body_size=st.integers(0, 2**64 - 1),
    frame_size=sizes,
    scan_size=sizes,
    scan_stored=sizes,
    lengths=st.lists(sizes, max_size=50).map(tuple),
)


@given(trailers)
def test_what_is_packed_is_parsed(trailer: Trailer) -> None:
    packed = pack_trailer(trailer)
    assert trailer_bytes(packed[-TAIL_BYTES:]) == len(packed)
    assert parse_trailer(b"before" + packed, trailer.body_end + trailer.scan_stored + len(packed)) == trailer


@given(trailers, st.data())
def test_a_changed_byte_is_found(trailer: Trailer, data: st.DataObject) -> None:
    packed = bytearray(pack_trailer(trailer))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(TrailerDamaged):
        parse_trailer(bytes(packed), trailer.body_end + trailer.scan_stored + len(packed))


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_any_bytes_are_refused_in_order(end: bytes, file_size: int) -> None:
    with pytest.raises(TrailerDamaged):
        parse_trailer(end, file_size)


def test_a_file_of_another_length_is_found() -> None:
    packed = pack_trailer(Trailer(0, 4096, 0, 0, ()))
    for length in (len(HEAD) + len(packed) - 1, len(HEAD) + len(packed) + 1):
        with pytest.raises(TrailerDamaged):
            parse_trailer(packed, length)


def test_the_last_frame_is_the_shorter_one() -> None:
    trailer = Trailer(10_000, 4096, 0, 0, (1, 1, 1))
    assert [trailer.plain_size(number) for number in range(3)] == [4096, 4096, 1808]
