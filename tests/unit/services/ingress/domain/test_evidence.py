"""Checks record their inputs and answers, within limits that strangers cannot exceed."""

from __future__ import annotations

import msgspec
import pytest

from services.ingress.domain.evidence import dkim_check, dmarc_check, most_octets, spf_check
from shared.events.mail import Client, MailReceived, Message
from shared.eventstore.event import encode
from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.result import DmarcResult
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.result import SpfResult

LONG = "x" * 60_000


def test_what_decided_is_kept() -> None:
    used = ((Question("example.org", "TXT"), Answer("ok", ("v=spf1 -all",))),)
    check = spf_check(
        SpfResult("fail", "example.org", "mfrom", "-all"), "192.0.2.1", "helo.example", "a@example.org", used
    )
    assert (check.name, check.result) == ("spf", "fail")
    assert check.detail == {
        "client": "192.0.2.1",
        "helo": "helo.example",
        "reverse_path": "a@example.org",
        "domain": "example.org",
        "scope": "mfrom",
        "mechanism": "-all",
    }
    assert check.dns[0].records == ("v=spf1 -all",)


def test_one_good_signature_is_enough_and_none_is_none() -> None:
    verdicts = (DkimResult("fail", "a.example"), DkimResult("pass", "b.example"))
    assert dkim_check(verdicts, 2, ()).result == "pass"
    assert dkim_check(verdicts, 2, ()).detail["ignored"] == 2
    assert dkim_check(verdicts[:1], 0, ()).result == "fail"
    assert dkim_check((), 0, ()).result == "none"


@pytest.mark.parametrize("octet", ["\x01", '"', "\U0001d4b6"])
def test_strangers_texts_are_bounded_as_they_are_written(octet: str) -> None:
    """A control character takes six octets of JSON."""
    long = octet * 60_000
    used = tuple((Question(f"{number}.example", "TXT"), Answer("ok", (octet * 200,))) for number in range(500))
    spf = spf_check(SpfResult("fail", long, "mfrom", long, (long,) * 100), "192.0.2.1", "helo", "", used)
    dkim = dkim_check((DkimResult("fail", long, long, long, long, long),) * 5, 0, used)
    dmarc = dmarc_check(DmarcResult("fail", record=long, reason=long), "none", [long] * 100, used)
    event = MailReceived("q", "", (), Message("b", 1), Client("192.0.2.1"), checks=(spf, dkim, dmarc))
    assert len(encode(event)) < 3 * 32 * 1024 + 40_000
    assert spf.dns[0].records and not spf.dns[-1].records


@pytest.mark.parametrize("octet", ["x", "\x01", '"', "\U0001d4b6"])
@pytest.mark.parametrize("records", [(), ("",) * 50, ("%s" * 100,) * 7])
def test_answers_that_need_not_be_measured_fit(octet: str, records: tuple[str, ...]) -> None:
    """Whatever their texts contain, they take no more JSON than was estimated without encoding them."""
    answer = Answer("nodata", tuple(record.replace("%s", octet) for record in records))
    question = Question(f"{octet * 60}.example", "CNAME")
    (kept,) = spf_check(SpfResult("none", "a.example", "mfrom"), "192.0.2.1", "helo", "", ((question, answer),)).dns
    assert len(msgspec.json.encode(kept)) <= most_octets((question, answer))
    assert kept.records == answer.records


def test_strangers_records_are_bounded() -> None:
    used = tuple((Question(f"{number}.example", "TXT"), Answer("ok", (LONG,))) for number in range(500))
    spf = spf_check(SpfResult("fail", "example.org", "mfrom", LONG, (LONG,) * 100), "192.0.2.1", "helo", "", used)
    dmarc = dmarc_check(DmarcResult("fail", record=LONG, reason=LONG), "none", [LONG] * 100, used)
    event = MailReceived(
        "q",
        "",
        (),
        Message("b", 1),
        Client("192.0.2.1"),
        checks=(spf, dkim_check((DkimResult("fail", LONG),), 0, used), dmarc),
    )
    assert len(encode(event)) < 60_000
