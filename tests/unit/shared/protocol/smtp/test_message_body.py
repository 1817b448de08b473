"""Bodies of DATA and of BDAT, against the encoding that a client does."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.smtp.bdat import ChunkDecoder
from shared.protocol.smtp.body import BareNewline, BodyFlags, BodyMeter, has_bare_newline
from shared.protocol.smtp.data import DotDecoder
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size

_TEXT = st.lists(st.sampled_from([b"a", b".", b"..", b"\r\n", b"\r\n.", b"text", b"\xe4", b"\0"]), max_size=40).map(
    b"".join
)
_WILD = st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n.", b".\r\n"]), max_size=40).map(b"".join)


def encoded(message: bytes) -> bytes:
    """What RFC 5321 §4.5.2 tells the client to send."""
    lines = message.split(b"\r\n")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return stuffed + b".\r\n"


def decoded(pieces: list[bytes]) -> tuple[bytes, bool, bytes]:
    """The body, whether its end came, and what is left behind it."""
    buffer = bytearray()
    decoder, body, finished = DotDecoder(buffer), b"", False
    for piece in pieces:
        buffer += piece
        if not finished:
            body += decoder.decode(buffer)
            finished = decoder.finished
    return body, finished, bytes(buffer)


def cut(stream: bytes, data: st.DataObject) -> list[bytes]:
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=9))), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(_TEXT, st.data())
def test_data_gives_back_what_was_sent(text: bytes, data: st.DataObject) -> None:
    message = text + b"\r\n" if text else b""
    pieces = cut(encoded(message) + b"QUIT\r\n", data)
    assert decoded(pieces) == (message, True, b"QUIT\r\n")


@given(_WILD, st.data())
def test_data_ends_only_at_crlf_dot_crlf(stream: bytes, data: st.DataObject) -> None:
    """Whatever the client sends: the end is where CRLF.CRLF first stands, the CRLF of the command counted."""
    body, finished, rest = decoded(cut(stream, data))
    whole = b"\r\n" + stream
    assert finished is (b"\r\n.\r\n" in whole)
    if finished:
        raw, _, behind = whole.partition(b"\r\n.\r\n")
        assert body == (raw + b"\r\n").replace(b"\n.", b"\n")[2:]
        assert rest == behind


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\n\r\n.\r\r\n", b"\r\n..\r\n", b"\r\n. \r\n"]
)
def test_what_is_no_end(end: bytes) -> None:
    assert not decoded([b"text" + end + b"QUIT\r\n"])[1]


def metered(pieces: list[bytes], policy: BareNewline, limit: int = 10_000) -> tuple[bytes, BodyMeter]:
    meter = BodyMeter(limit, policy)
    body = b"".join([meter.take(piece) for piece in pieces])
    return body + meter.finish(), meter


@given(_WILD, st.data())
def test_bare_newlines_are_found_at_any_cut(stream: bytes, data: st.DataObject) -> None:
    lonely = stream.replace(b"\r\n", b"")
    is_bare = b"\r" in lonely or b"\n" in lonely
    body, meter = metered(cut(stream, data), BareNewline.REFUSE)
    assert meter.flags.bare_newline is meter.is_refused is is_bare
    assert is_bare or body == stream


@given(_WILD, st.data())
def test_bare_newlines_are_made_safe_at_any_cut(stream: bytes, data: st.DataObject) -> None:
    body, meter = metered(cut(stream, data), BareNewline.NORMALISE)
    assert body == b"\r\n".join(stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    assert not has_bare_newline(body)
    assert meter.size == len(body)
    assert not meter.is_refused


@given(st.binary(max_size=100), st.data())
def test_binary_octets_are_kept(stream: bytes, data: st.DataObject) -> None:
    body, meter = metered(cut(stream, data), BareNewline.KEEP)
    assert (body, meter.is_refused) == (stream, False)


@pytest.mark.parametrize(
    "pieces", [[b"a\r\r", b"\nb"], [b"a\r", b"\r\n"], [b"\n"], [b"a\r\n", b"\nb"], [b"\r", b"\r"], [b"a\r", b"b"]]
)
def test_a_lonely_cr_or_lf_at_the_edge_of_a_piece(pieces: list[bytes]) -> None:
    assert metered(pieces, BareNewline.REFUSE)[1].flags.bare_newline
    assert not has_bare_newline(metered(pieces, BareNewline.NORMALISE)[0])


def test_flags() -> None:
    assert metered([b"a\r\n"], BareNewline.REFUSE)[1].flags == BodyFlags()
    assert metered([b"\xe4", b"a"], BareNewline.REFUSE)[1].flags == BodyFlags(eight_bit=True)
    assert metered([b"a\0"], BareNewline.REFUSE)[1].flags == BodyFlags(nul=True)
    assert metered([b"abc", b"d"], BareNewline.REFUSE, limit=3)[1].flags == BodyFlags(too_large=True)


def test_nothing_goes_on_after_the_limit() -> None:
    meter = BodyMeter(10, BareNewline.REFUSE)
    assert meter.take(b"12345678") == b"12345678"
    assert meter.take(b"9abc") == b""
    assert meter.take(b"d") == b""
    meter = BodyMeter(10, BareNewline.REFUSE)
    meter.expect(11)
    assert meter.take(b"1") == b""


def test_a_chunk_takes_its_octets_and_no_more() -> None:
    buffer, chunk = bytearray(b"abcdefg"), ChunkDecoder(5)
    assert chunk.decode(buffer) == b"abcde"
    assert (chunk.finished, buffer) == (True, bytearray(b"fg"))
    chunk = ChunkDecoder(4)
    chunk.skip(buffer)
    assert (chunk.remaining, buffer) == (2, bytearray())


@pytest.mark.parametrize("piece", [b"x", b".", b"\r\n.", b"\r\n.\r", b"\r", b"\n", b"..\r\n"])
def test_work_is_linear_and_memory_bounded(piece: bytes) -> None:
    def decode(count: int) -> None:
        buffer = bytearray()
        decoder = DotDecoder(buffer)
        meter = BodyMeter(1000, BareNewline.REFUSE)
        stream = piece * count
        for start in range(0, len(stream), 5):
            buffer += stream[start : start + 5]
            meter.take(decoder.decode(buffer))
            assert len(buffer) < 10

    assert_lines_grow_with_size(decode, 500)
    assert_cost_grows_with_size(decode, 20_000)
