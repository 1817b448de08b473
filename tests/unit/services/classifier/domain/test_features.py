"""The features of messages are stable, are computed from the message alone, and are bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_mails import HTML_MAIL, MAIL, features_of_bytes

from services.classifier.domain.features import MAX_WORDS, TOKENIZER_VERSION, Features, features
from services.classifier.domain.hashing import pair_codes, token_codes, token_indices, trigram_indices
from shared.protocol.message.scan import scan
from tests.harness.work import lines_run

ROOT = Path(__file__).resolve().parents[5]
SHOW = """
import sys; sys.path.insert(0, {here!r})
from sample_mails import HTML_MAIL, MAIL, features_of_bytes
for message in (MAIL, HTML_MAIL):
    features = features_of_bytes(message)
    print([part.hex() for part in features.to_bytes()], features.names.every())
"""

GOLDEN = {"viagra": 89455, "subject:hello": 74364, "café": 130262, "一": 130635}
GOLDEN_PAIRS = [167865, 25656]
GOLDEN_TRIGRAMS = [1516, 20393, 28414, 32695, 40089, 44231, 55799, 62793]


def words_of(message: bytes) -> set[str]:
    return set(features_of_bytes(message).names.every())


def test_the_hash_is_what_it_was_for_this_tokenizer_version() -> None:
    assert TOKENIZER_VERSION == 1
    assert token_indices(token_codes(["viagra", "subject:hello", "café", "一"])).tolist() == [
        GOLDEN[word] for word in GOLDEN
    ]
    assert token_indices(pair_codes(token_codes(["free", "money", "now"]))).tolist() == GOLDEN_PAIRS
    assert trigram_indices(b"free money").tolist() == GOLDEN_TRIGRAMS


def test_the_same_in_every_process() -> None:
    code = SHOW.format(here=str(Path(__file__).parent))
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    ]
    assert runs[0] == runs[1] == runs[2] != b""


def test_words_pairs_header_and_addresses_are_features() -> None:
    assert {
        "shall",
        "shall we",
        "subject:hello",
        "subject:hello subject:there",
        "from:ann",
        "from:@example.org",
        "from:ann@",
        "message-id:OWN",
        "type:text/plain",
        "url:example.org",
        "path:calendar",
        "no:references",
        "recipients:1",
    } <= words_of(MAIL)


def test_html_is_read_as_people_see_it() -> None:
    word_list = words_of(HTML_MAIL)
    assert {
        "viagra",
        "viagra for",
        "<body",
        "<bgcolor=#ff0000",
        "<a href",
        "url:pills.example",
        "path:order",
        "subject:SHOUTED",
    } <= word_list
    assert "color" not in word_list and "77" not in word_list


@pytest.mark.parametrize(
    "line",
    [
        b"Received: from zzzz.example by mx.example with ESMTP id 12345; Mon, 23 Nov 2026 10:00:00 +0000",
        b"Return-Path: <bounce@zzzz.example>",
        b"Authentication-Results: mx.example; spf=pass",
        b"X-Spam-Status: Yes, score=99",
        b"X-Spam-Flag: YES",
        b"Delivered-To: zzzz@localhost",
        b"List-Id: <zzzz.example>",
        b"Sender: zzzz-admin@example.org",
        b"X-Mailman-Version: 2.0",
    ],
)
def test_the_way_of_a_message_is_no_feature(line: bytes) -> None:
    assert features_of_bytes(line + b"\r\n" + MAIL).to_bytes() == features_of_bytes(MAIL).to_bytes()


def test_dates_and_serial_numbers_are_no_features() -> None:
    later = MAIL.replace(b"23 Nov 2026", b"01 Feb 2031").replace(b"abc123", b"xyz789")
    assert features_of_bytes(later).to_bytes() == features_of_bytes(MAIL).to_bytes()
    of_year = [features_of_bytes(MAIL + b"in " + year).to_bytes() for year in (b"2002", b"2026")]
    assert of_year[0] == of_year[1]


def test_features_come_back_from_an_event_without_words() -> None:
    result = features_of_bytes(MAIL)
    back = Features.from_bytes(result.to_bytes())
    assert back.to_bytes() == result.to_bytes()
    assert back.names.every() == []


HOSTILE = {
    "nothing": b"",
    "no body": b"Subject: x\r\n\r\n",
    "one long line": b"Subject: x\r\n\r\n" + b"free money " * 2_300_000,
    "one long word": b"Subject: x\r\n\r\n" + b"a" * 5_000_000,
    "binary": bytes(range(256)) * 4000,
    "broken UTF-8": b"Subject: \xff\xfe\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\x28\xa0\xa1 "
    b"\xed\xa0\x80 ok",
    "many words": b"\r\n" + b" ".join(b"w%d" % number for number in range(100_000)),
    "open tags": b"Content-Type: text/html\r\n\r\n" + b"<a " * 20_000 + b"<" * 50_000,
    "open comments": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 15_000 + b"<style>" * 5_000,
    "entities": b"Content-Type: text/html\r\n\r\n" + b"&#xD800;&#0;&lt;&" * 4_000,
    "long header": b"".join(b"X-%d: y\r\n" % number for number in range(20_000)) + b"\r\nx",
    "long subject": b"Subject: " + b"!$. " * 100_000 + b"\r\n\r\nx",
    "long address": b"Subject: x\r\n\r\nhttp://" + b"a.b/" * 20_000 + b" http://@:/ http://[::1]/ www. mailto:",
    "dots": b"\r\n" + b"a.-'$" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_cost_little(name: str) -> None:
    message = HOSTILE[name]
    scanned = scan(message)
    result = features(message, scanned)
    assert lines_run(lambda: features(message, scanned)) < 200_000
    assert len(result.tokens) <= 2 * MAX_WORDS + 7000
    assert sum(map(len, result.to_bytes())) < 40_000


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"Content-Type: text/html\r\n\r\n", b"Subject: =?utf-8?q?", b'From: "\xff']),
)
def test_any_bytes_have_features(data: bytes, start: bytes) -> None:
    result = features_of_bytes(start + data)
    assert bool(np.all(np.diff(result.tokens.astype(np.int64)) > 0))
    assert None not in result.names.find(result.tokens)
    assert Features.from_bytes(result.to_bytes()).to_bytes() == result.to_bytes()
