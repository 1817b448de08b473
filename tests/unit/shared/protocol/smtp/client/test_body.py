"""Dots are added however the message is cut, and no bare CR or LF is sent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.smtp.client.body import BareNewlineSent, DotEncoder
from shared.protocol.smtp.data import DotDecoder


def encode(*pieces: bytes) -> bytes:
    encoder = DotEncoder()
    return b"".join([encoder.encode(piece) for piece in pieces]) + encoder.finish()


def decode(octets: bytes) -> bytes:
    buffer = bytearray(octets)
    decoder = DotDecoder(buffer)
    decoded = decoder.decode(buffer)
    assert decoder.finished
    assert not buffer
    return decoded


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n.\r\n", b"..\r\n..\r\n.\r\n"),
        (b"a\r\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n..\r\nb.\r\n", b"a\r\n...\r\nb.\r\n.\r\n"),
    ],
)
def test_encoded(body: bytes, sent: bytes) -> None:
    assert encode(body) == sent
    assert encode(*[body[index : index + 1] for index in range(len(body))]) == sent


@pytest.mark.parametrize("body", [b"a\n.\r\n", b"a\r.\r\n", b"a\r", b"\r\r\n", b"\n", b"a\r\n.\n\r\n"])
def test_a_bare_newline_is_not_sent(body: bytes) -> None:
    with pytest.raises(BareNewlineSent):
        encode(body)
    with pytest.raises(BareNewlineSent):
        encode(*[body[index : index + 1] for index in range(len(body))])


@given(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r\n."])), st.data())
def test_the_server_reads_the_same_message(parts: list[bytes], data: st.DataObject) -> None:
    body = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    edges = [0, *cuts, len(body)]
    sent = encode(*[body[start:end] for start, end in itertools.pairwise(edges)])
    assert sent == encode(body)
    assert decode(sent) == (body if body.endswith(b"\r\n") or not body else body + b"\r\n")
