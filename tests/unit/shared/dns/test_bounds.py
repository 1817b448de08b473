"""What a hostile name server can make large: answers in memory, and names that are read repeatedly."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import pytest

from shared.dns.cache import AnswerCache
from shared.dns.rdata import NameReader
from shared.dns.settings import ResolverSettings
from shared.dns.wire import decode_response, encode_query, question_section
from shared.protocol.dns.question import Answer, Question

LONG = "n" * 240
KINDS: dict[str, Callable[[int], Answer]] = {
    "no such name": lambda number: Answer("nxdomain", (), 900),
    "none, behind an alias": lambda number: Answer("nodata", (), 900, False, f"{LONG}{number:06}"),
    "temporary error": lambda number: Answer("temperror", source=f"192.0.2.1: {LONG}{number:06}"),
    "address": lambda number: Answer("ok", (f"192.0.2.{number % 250}",), 900),
    "text": lambda number: Answer("ok", (f"{'v' * 400}{number:06}",), 900),
    "text of other octets": lambda number: Answer("ok", (f"{chr(233) * 400}{number:06}",), 900),
    "largest text": lambda number: Answer("ok", (f"{'v' * 64_000}{number:06}",), 900),
    "many names": lambda number: Answer("ok", tuple(f"{place} {LONG}{number:06}" for place in range(512)), 900),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_counted_by_what_it_holds(kind: str) -> None:
    """The estimate is never below the count of Python's allocator, and not far above it."""
    cache = AnswerCache(ResolverSettings(cache_octets=1 << 30))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            cache.put(Question(f"host{number:06}.example.org", "TXT"), KINDS[kind](number), 0.0)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used <= cache.octets <= 1.6 * used


@pytest.mark.parametrize("kind", KINDS)
def test_the_cache_is_bounded_in_octets(kind: str) -> None:
    """20,000 answers of 64 KB took 1.3 GB."""
    cache = AnswerCache(ResolverSettings(cache_octets=1_000_000))
    for number in range(5000 if len(KINDS[kind](0).records) < 2 else 100):
        cache.put(Question(f"host{number:06}.example.org", "TXT"), KINDS[kind](number), 0.0)
        assert cache.octets <= 1_000_000
    assert 0 < len(cache) < 5000


def test_what_is_forgotten_is_counted_no_longer() -> None:
    cache = AnswerCache(ResolverSettings())
    question = Question("example.org", "TXT")
    for _ in range(3):
        cache.put(question, Answer("ok", ("x" * 1000,), 60), 0.0)
    octets = cache.octets
    cache.put(question, Answer("ok", ("x" * 10,), 60), 0.0)
    assert cache.octets == octets - 990
    assert cache.get(question, 61.0) is None
    assert cache.octets == 0


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    cache = AnswerCache(ResolverSettings(cache_octets=1000))
    cache.put(Question("example.org", "TXT"), Answer("ok", ("x" * 1000,), 60), 0.0)
    assert (len(cache), cache.octets) == (0, 0)


def test_long_names_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand names of 125 labels in 64 KB, all pointers to one name, used to be read label by label."""
    read = 0
    octet = NameReader._octet

    def counted(self: NameReader, at: int) -> int:
        nonlocal read
        read += 1
        return octet(self, at)

    monkeypatch.setattr(NameReader, "_octet", counted)
    question = Question("x.example", "MX")
    message, asked_length = _same_long_name(question, 2000)
    decode_response(message, question, asked_length, "192.0.2.53")
    assert read < len(message)


def _same_long_name(question: Question, count: int) -> tuple[bytes, int]:
    asked = question_section(encode_query(question, 0))
    message = struct.pack("!HHHHHH", 1, 0x8180, 1, count, 0, 0) + asked
    pointer = b"\x01c" + struct.pack("!H", 0xC000 | len(message))
    message += b"\x01a" * 125 + b"\x00" + struct.pack("!HHIH", 16, 1, 300, 2) + b"\x01x"
    record = pointer + struct.pack("!HHIHH", 15, 1, 300, 2 + len(pointer), 10) + pointer
    return message + record * (count - 1), len(asked)
