"""Body canonicalisation: the oracle's result for any bytes and any cuts, and its cost."""

from __future__ import annotations

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dkim.body import BodyHash, BodyHasher, BodyNeed
from tests.harness.work import assert_cost_grows_with_size

PIECES = st.lists(
    st.sampled_from([b"\r\n", b" ", b"\t", b"a", b"word", b"\xff", b"\x0b", b"\r\n\r\n\r\n", b"  \t "]), max_size=40
)
BARE = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"a", b"\t"]), max_size=30)
SIMPLE = BodyNeed("simple", "sha256")
RELAXED = BodyNeed("relaxed", "sha256")


def hashes(body: bytes, needs: list[BodyNeed], step: int) -> dict[BodyNeed, BodyHash]:
    hasher = BodyHasher(needs)
    for at in range(0, len(body), step):
        hasher.feed(body[at : at + step])
    return hasher.finish()


def of(canonical: bytes) -> BodyHash:
    return BodyHash(hashlib.sha256(canonical).digest(), len(canonical))


@given(PIECES, st.integers(1, 9))
def test_like_the_oracle(pieces: list[bytes], step: int) -> None:
    body = b"".join(pieces) + b"\r\n"
    result = hashes(body, [SIMPLE, RELAXED], step)
    assert result[SIMPLE] == of(Simple.canonicalize_body(body))
    assert result[RELAXED] == of(Relaxed.canonicalize_body(body))


@given(BARE, st.integers(1, 5))
def test_bare_cr_and_lf_are_content_however_cut(pieces: list[bytes], step: int) -> None:
    body = b"".join(pieces) + b"x\r\n"
    assert hashes(body, [SIMPLE, RELAXED], step) == hashes(body, [SIMPLE, RELAXED], 1000)
    assert hashes(body, [SIMPLE], step)[SIMPLE] == of(Simple.canonicalize_body(body))
    assert hashes(body, [RELAXED], step)[RELAXED] == of(Relaxed.canonicalize_body(body))


@given(BARE, st.integers(1, 5))
def test_any_end_however_cut(pieces: list[bytes], step: int) -> None:
    body = b"".join(pieces)
    assert hashes(body, [SIMPLE, RELAXED], step) == hashes(body, [SIMPLE, RELAXED], 1000)


@given(PIECES, st.integers(0, 60))
def test_length_limits_what_is_hashed(pieces: list[bytes], length: int) -> None:
    body = b"".join(pieces) + b"\r\n"
    need = BodyNeed("relaxed", "sha256", length)
    whole = Relaxed.canonicalize_body(body)
    assert hashes(body, [need, RELAXED], 4)[need] == BodyHash(hashlib.sha256(whole[:length]).digest(), len(whole))


@pytest.mark.parametrize("unit", [b" ", b"\t", b"\r\n", b" \r\n", b"a ", b"\r", b"\n", b" \t\r"])
def test_cost_grows_with_length_only(unit: bytes) -> None:
    assert_cost_grows_with_size(lambda size: hashes(unit * (size // len(unit)), [SIMPLE, RELAXED], 65536), 4_000_000)
