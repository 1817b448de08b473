"""TLSA records: which are usable, and when they are asked for."""

from __future__ import annotations

import pytest

from shared.protocol.dane.lookup import DaneHost, DaneUse, MailHost, dane_at
from shared.protocol.dane.records import MOST_OCTETS, MOST_RECORDS, TlsaRecord, tlsa_name, usable_records
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question

DIGEST = "ab" * 32
RECORD = TlsaRecord(3, 1, 1, bytes.fromhex(DIGEST))


@pytest.mark.parametrize(
    "text",
    [
        f"0 1 1 {DIGEST}",
        f"1 0 1 {DIGEST}",
        f"4 0 1 {DIGEST}",
        f"3 2 1 {DIGEST}",
        f"3 1 3 {DIGEST}",
        f"3 1 2 {DIGEST}",
        "3 1 1 ab",
        "3 1 0 ",
        "3 1 1 zz",
        "3 1 1",
        "x 1 1 ab",
        "3 0 0 " + "00" * (MOST_OCTETS + 1),
    ],
)
def test_an_unusable_record(text: str) -> None:
    assert usable_records([text]).usable == ()
    assert usable_records([text]).text == "0 usable of 1 record"


def test_usable_records_are_in_order_and_bounded() -> None:
    texts = [f"3 1 1 {DIGEST}", f"2 0 2 {'cd' * 64}", f"3 1 1 {DIGEST}", f"1 1 1 {DIGEST}"]
    records = usable_records(texts)
    assert records.usable == (TlsaRecord(2, 0, 2, b"\xcd" * 64), RECORD)
    assert records.text == "2 usable of 4 records"
    many = [f"3 1 1 {number:064x}" for number in range(1000)]
    assert len(usable_records(many).usable) == MOST_RECORDS
    assert tlsa_name("mx.example", 25) == "_25._tcp.mx.example"


SIGNED = Answer("ok", (f"3 1 1 {DIGEST}",), authenticated=True)
DENIED = Answer("nxdomain", authenticated=True)
SECURE = MailHost("mx.example", 25, True, True)
ALIASED = MailHost("mx.example", 25, True, True, "real.example")


def asked(host: MailHost, **answers: Answer) -> tuple[DaneHost, list[Question]]:
    """What DANE says about a host, and the questions; answers by the last label but one of the name."""
    questions: list[Question] = []

    def look_up(question: Question) -> Answer:
        questions.append(question)
        key = "alias" if question.rdtype == "CNAME" else question.name.split(".")[-2]
        return answers[key]

    return drive_sync(dane_at(host), look_up), questions


def test_a_signed_host_with_records_uses_them() -> None:
    dane, questions = asked(SECURE, mx=SIGNED)
    assert (dane.use, dane.base, dane.records) == (DaneUse.RECORDS, "mx.example", (RECORD,))
    assert dane.text == "1 usable of 1 record at mx.example, host signed"
    assert questions == [Question("_25._tcp.mx.example", "TLSA")]


@pytest.mark.parametrize("host", [MailHost("mx.example", 25, False, True), MailHost("mx.example", 25, True, False)])
def test_nothing_is_asked_about_a_host_that_is_not_signed(host: MailHost) -> None:
    dane, questions = asked(host)
    assert (dane.use, questions) == (DaneUse.NONE, [])


def test_only_unusable_records_ask_for_tls() -> None:
    assert asked(SECURE, mx=Answer("ok", (f"1 1 1 {DIGEST}",), authenticated=True))[0].use is DaneUse.UNUSABLE


@pytest.mark.parametrize("answer", [DENIED, Answer("nodata", authenticated=True), Answer("ok", SIGNED.records)])
def test_a_denial_and_an_unsigned_answer_are_no_dane(answer: Answer) -> None:
    assert asked(SECURE, mx=answer)[0].use is DaneUse.NONE


def test_no_answer_is_not_a_denial() -> None:
    dane, _ = asked(SECURE, mx=Answer("temperror", source="127.0.0.1 rcode 2"))
    assert (dane.use, dane.text) == (
        DaneUse.UNANSWERED,
        "no answer about the TLSA records of mx.example: 127.0.0.1 rcode 2",
    )


def test_an_alias_that_is_signed_all_the_way_is_asked_at_its_end_first() -> None:
    dane, questions = asked(ALIASED, real=SIGNED)
    assert (dane.base, len(questions)) == ("real.example", 1)
    dane, questions = asked(ALIASED, real=DENIED, mx=SIGNED)
    assert (dane.base, len(questions)) == ("mx.example", 2)
    assert asked(ALIASED, real=Answer("temperror"))[0].use is DaneUse.UNANSWERED


def test_an_alias_into_an_unsigned_zone_is_asked_at_its_own_name_if_that_is_signed() -> None:
    host = MailHost("mx.example", 25, True, False, "real.example")
    signed_alias = Answer("ok", ("real.example",), authenticated=True)
    dane, questions = asked(host, alias=signed_alias, mx=SIGNED)
    assert (dane.use, dane.base) == (DaneUse.RECORDS, "mx.example")
    assert questions[0] == Question("mx.example", "CNAME")
    assert asked(host, alias=Answer("ok", ("real.example",)))[0].use is DaneUse.NONE
    assert asked(host, alias=Answer("temperror"))[0].use is DaneUse.UNANSWERED
