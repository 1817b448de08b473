"""Whether the DNS has the record of a key: what receivers would see counts."""

from __future__ import annotations

import pytest

from services.directory.domain.dkim import KeyRecordCheck
from services.directory.domain.key_records import check_record
from shared.dkim_keys import new_private_key
from shared.protocol.dkim.signing_key import load_signing_key, public_key_record
from shared.protocol.dns.question import Answer

OURS = public_key_record(load_signing_key("", "", new_private_key("ed25519")))
THEIRS = public_key_record(load_signing_key("", "", new_private_key("ed25519")))
NOTHING, SILENCE = Answer("nxdomain"), Answer("temperror", source="no response from 192.0.2.1")


def has(*records: str) -> Answer:
    return Answer("ok", records)


@pytest.mark.parametrize(
    "record",
    [
        OURS,
        OURS.replace("; ", ";"),
        OURS.replace("v=DKIM1; ", "") + "; t=y; n=by hand; s=email; h=sha256:sha1",
        OURS.replace("p=", "p= "),
    ],
    ids=["as we write it", "without spaces", "other tags", "space in a tag"],
)
def test_the_key_counts_and_not_the_text(record: str) -> None:
    assert check_record(OURS, [("ns1", has(record))]) == KeyRecordCheck(True, "seen at ns1")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (NOTHING, "no such record"),
        (Answer("nodata"), "no such record"),
        (has(THEIRS), "another key"),
        (has("v=DKIM1; p="), "no usable key"),
        (has("v=spf1 -all"), "no usable key"),
        (has("p=" + "A" * 100_000), "no usable key"),
        (has(OURS, THEIRS), "2 keys"),
        (has(OURS, OURS), "2 keys"),
        (has(OURS + "; s=other"), "not for mail"),
        (has(OURS + "; h=sha1"), "not for mail"),
    ],
)
def test_what_receivers_could_not_use_is_not_published(answer: Answer, problem: str) -> None:
    sighting = check_record(OURS, [("ns1", answer)])
    assert sighting.published is False and problem in sighting.answer and sighting.answer.startswith("ns1: ")


def test_all_servers_that_answer_must_have_it() -> None:
    assert check_record(OURS, [("ns1", has(OURS)), ("ns2", NOTHING)]) == KeyRecordCheck(False, "ns2: no such record")
    assert check_record(OURS, [("ns1", has(OURS)), ("ns2", SILENCE)]) == KeyRecordCheck(True, "seen at ns1")
    assert check_record(OURS, [("ns1", has(OURS)), ("ns2", has(OURS))]) == KeyRecordCheck(True, "seen at ns1, ns2")


def test_no_answer_says_nothing() -> None:
    sighting = check_record(OURS, [("ns1", SILENCE), ("ns2", Answer("temperror", source="x" * 5000))])
    assert sighting.published is None and "no response" in sighting.answer and len(sighting.answer) < 300


def test_a_name_with_very_many_records_is_not_read_whole() -> None:
    assert check_record(OURS, [("ns1", has(*["junk"] * 10, OURS))]).published is False


def test_names_of_servers_are_bounded_and_printable() -> None:
    for answer in (NOTHING, SILENCE, has(OURS)):
        text = check_record(OURS, [("ns\x1b[2J\r\n\u202e" + "x" * 5000, answer)]).answer
        assert text.isascii() and text.isprintable() and len(text) < 300
