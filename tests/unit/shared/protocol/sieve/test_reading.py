"""A run reads of a message only what the script asks for, and nothing twice that the scan knows."""

from __future__ import annotations

from shared.protocol.message.scan import scan
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import SieveMessage
from shared.protocol.sieve.outcome import ScriptOutcome

HEADER = b"Subject: hello\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
BODY = b"--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: image/png\r\n\r\ntwo\r\n--b--\r\n"
PREFIX = b"X-Spam: no\r\n"


class CountedOctets:
    """A message in memory that notes which octets are read."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.reads: list[tuple[int, int]] = []

    def read(self, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        return self._octets[start:end]


def run(source: str) -> tuple[ScriptOutcome, list[tuple[int, int]]]:
    octets = CountedOctets(HEADER + BODY)
    message = SieveMessage(octets, scan(HEADER + BODY), PREFIX)
    outcome = run_script(compile_script(source.encode()), message, SieveEnvelope(), SieveEnvironment())
    return outcome, octets.reads


def test_a_script_without_tests_reads_nothing() -> None:
    assert run("keep;")[1] == []
    assert run("if size :over 1M { discard; }")[1] == []


def test_the_header_is_read_once() -> None:
    tests = 'if header "subject" "x" { } if header "x-spam" "yes" { } if exists "from" { }' * 10
    assert run(tests)[1] == [(0, len(HEADER))]


def test_of_the_body_only_the_parts_that_are_compared_are_read() -> None:
    outcome, reads = run('require "body"; if body :content "image" "two" { discard; }')
    start = (HEADER + BODY).index(b"two")
    assert outcome.is_discarded
    assert reads == [(start, start + 3)]


def test_the_prefix_belongs_to_the_header_and_to_the_size() -> None:
    assert run('if header "x-spam" "no" { discard; }')[0].is_discarded
    size = len(PREFIX + HEADER + BODY)
    assert run(f"if allof (size :over {size - 1}, size :under {size + 1}) {{ discard; }}")[0].is_discarded
