"""The lines of a POP3 client, however its octets are divided (RFC 1939 §3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.pop3.framing import PopEvent, PopFramer, PopLine, PopLineTooLong, PopStreamLost

MOST = 20
STREAMS = st.lists(st.sampled_from([b"NOOP", b"\r\n", b"\n", b"\r", b" ", b"x" * 9, b"\xff", b"\0"]), max_size=30)


def events(pieces: list[bytes]) -> list[PopEvent]:
    framer, result = PopFramer(MOST), []
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            result.append(event)
            if isinstance(event, PopStreamLost):
                return result
    return result


@given(STREAMS, st.data())
def test_any_cut_gives_the_same_lines(words: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert events(pieces) == events([stream]) == events([bytes([octet]) for octet in stream])


def test_a_line_has_a_limit_with_its_end() -> None:
    assert events([b"x" * 18 + b"\r\n"]) == [PopLine(b"x" * 18)]
    assert events([b"x" * 19 + b"\r\nNOOP\r\n"]) == [PopLineTooLong(), PopLine(b"NOOP")]
    assert events([b"x" * 18, b"\r", b"\n"]) == [PopLine(b"x" * 18)]


def test_a_line_without_an_end_is_not_kept() -> None:
    framer = PopFramer(MOST)
    for _ in range(100):
        framer.feed(b"x" * 600)
        assert framer.next() is None
        assert len(framer.take_rest()) <= MOST + 1
    assert events([b"x" * 500] * 140) == [PopStreamLost()]
    assert events([b"x" * 70_000 + b"\r\n"]) == [PopStreamLost()]
