"""DNS messages, checked with dnspython, and what the resolver caches and reports."""

from __future__ import annotations

import contextlib
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dns.cache import AnswerCache
from shared.dns.rdata import WireError
from shared.dns.settings import ResolverSettings, server_addresses
from shared.dns.wire import RECORD_TYPES, belongs, decode_response, encode_query, question_section
from shared.protocol.dns.question import Answer, Question
from tests.harness.work import assert_lines_grow_with_size

ASKED = Question("www.example.org", "A")
ID = b"\x12\x34"


def response_to(question: Question, *rrsets: dns.rrset.RRset) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(ID + encode_query(question, 1232)))
    response.answer = list(rrsets)
    response.flags |= dns.flags.AD
    return response.to_wire(max_size=65535)


def decode(message: bytes, question: Question = ASKED) -> Answer:
    asked = question_section(encode_query(question, 0))
    assert belongs(message, asked)
    return decode_response(message, question, len(asked), "192.0.2.53").answer


@pytest.mark.parametrize("rdtype", RECORD_TYPES)
@pytest.mark.parametrize("payload", [0, 1232])
def test_query(rdtype: str, payload: int) -> None:
    question = Question("_x.Example.org", rdtype)  # type: ignore[arg-type]
    query = encode_query(question, payload)
    parsed = dns.message.from_wire(ID + query)
    assert (parsed.id, parsed.payload if payload else 0) == (0x1234, payload)
    assert (parsed.question[0].name.to_text(), dns.rdatatype.to_text(parsed.question[0].rdtype)) == (
        "_x.Example.org.",
        rdtype,
    )
    assert parsed.flags == dns.flags.RD | dns.flags.AD
    assert question_section(query) == question_section(encode_query(Question("_X.eXAMPLE.org", rdtype), 0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rdtype", "texts"),
    [
        ("A", ["192.0.2.1"]),
        ("AAAA", ["2001:db8::1"]),
        ("NS", ["ns.example.org."]),
        ("CNAME", ["c.example.org."]),
        ("PTR", ["p.example.org."]),
        ("MX", ["10 mx.example.org.", "0 ."]),
        ("SRV", ["1 2 3 s.example.org."]),
        ("TLSA", ["3 1 0 abcd"]),
        ("SOA", ["ns.example.org. h.example.org. 1 2 3 4 5"]),
    ],
)
def test_records_read_as_the_oracle_writes_them(rdtype: str, texts: list[str]) -> None:
    question = Question("www.example.org", rdtype)  # type: ignore[arg-type]
    answer = decode(
        response_to(question, dns.rrset.from_text_list("WWW.example.org.", 60, "IN", rdtype, texts)), question
    )
    plain = [" ".join(word.removesuffix(".") or "." for word in text.split()) for text in texts]
    assert sorted(answer.records) == sorted(plain)
    assert (answer.status, answer.ttl, answer.authenticated) == ("ok", 60, True)


def test_text_is_octets() -> None:
    question = Question("www.example.org", "TXT")
    rrset = dns.rrset.from_text_list("www.example.org.", 60, "IN", "TXT", ['"a" "b" "\\200\\000"'])
    assert decode(response_to(question, rrset), question).records == ("ab\xc8\x00",)


def test_aliases_are_followed_and_the_least_time_counts() -> None:
    message = response_to(
        ASKED,
        dns.rrset.from_text("www.example.org.", 30, "IN", "CNAME", "X.example.org."),
        dns.rrset.from_text("x.example.org.", 90, "IN", "A", "192.0.2.1"),
        dns.rrset.from_text("stranger.example.", 5, "IN", "A", "6.6.6.6"),
    )
    answer = decode(message)
    assert (answer.records, answer.ttl, answer.canonical_name) == (("192.0.2.1",), 30, "x.example.org")


def test_records_of_others_are_no_answer() -> None:
    assert decode(response_to(ASKED, dns.rrset.from_text("evil.example.", 60, "IN", "A", "6.6.6.6"))).status == "nodata"


def test_dot_inside_a_label_is_no_name() -> None:
    question = Question("1.2.0.192.in-addr.arpa", "PTR")
    rrset = dns.rrset.from_text_list(
        "1.2.0.192.in-addr.arpa.", 60, "IN", "PTR", ["mail\\.bank.example.", "good.example."]
    )
    assert decode(response_to(question, rrset), question).records == ("good.example",)


def test_pointer_loop() -> None:
    message = response_to(ASKED, dns.rrset.from_text("www.example.org.", 60, "IN", "A", "192.0.2.1"))
    start = 12 + len(question_section(encode_query(ASKED, 0)))
    looped = message[:start] + bytes([0xC0, start]) + message[start + 2 :]
    with pytest.raises(WireError):
        decode(looped)


@pytest.mark.parametrize(
    "spoil",
    [lambda m: m[:11], lambda m: b"", lambda m: m[:2] + b"\x01\x20" + m[4:], lambda m: m.replace(b"www", b"wwx")],
)
def test_does_not_belong(spoil: object) -> None:
    message = response_to(ASKED)
    assert not belongs(spoil(message), question_section(encode_query(ASKED, 0)))  # type: ignore[operator]


@given(st.binary(max_size=120), st.sampled_from(sorted(RECORD_TYPES)), st.integers(0, 40))
def test_any_bytes(noise: bytes, rdtype: str, at: int) -> None:
    question = Question("www.example.org", rdtype)  # type: ignore[arg-type]
    whole = response_to(question, dns.rrset.from_text("www.example.org.", 60, "IN", "CNAME", "x.example.org."))
    start = 12 + len(question_section(encode_query(question, 0)))
    for message in (
        whole[:start] + noise,
        whole[: start + at],
        whole[: start + at] + noise,
        whole[:6] + b"\xff\xff" + whole[8:] + noise,
    ):
        with contextlib.suppress(WireError):
            assert decode(message, question).status in ("ok", "nodata", "temperror")


def test_large_hostile_message_costs_little() -> None:
    question = Question("www.example.org", "A")
    start = 12 + len(question_section(encode_query(question, 0)))
    record = bytes([0xC0, start + 12]) + b"\0\1\0\1\0\0\0\1\0\0"
    head = response_to(question)[:6] + b"\xff\xff" + b"\0" * 4 + response_to(question)[12:start]

    def decode_records(count: int) -> None:
        with contextlib.suppress(WireError):
            decode(head + record * count, question)

    assert_lines_grow_with_size(decode_records, 1250)


def test_cache_caps() -> None:
    cache = AnswerCache(ResolverSettings(max_ttl=100, max_negative_ttl=10, temperror_ttl=5))
    for number, (answer, lifetime) in enumerate(
        [
            (Answer("ok", ("x",), 1000), 100),
            (Answer("nxdomain", (), 1000), 10),
            (Answer("nodata", (), 3), 3),
            (Answer("temperror"), 5),
        ]
    ):
        question = Question(f"n{number}", "A")
        cache.put(question, answer, 50.0)
        assert cache.get(question, 50.0 + lifetime - 0.1) is not None
        assert cache.get(question, 50.0 + lifetime) is None
    cache.put(ASKED, Answer("ok", ("x",), 0), 0.0)
    assert cache.get(ASKED, 0.0) is None
    assert len(cache) == 0


def test_addresses(tmp_path: Path) -> None:
    assert server_addresses("127.0.0.1:5353, ::1 [::1]:54 192.0.2.1") == (
        ("127.0.0.1", 5353),
        ("::1", 53),
        ("::1", 54),
        ("192.0.2.1", 53),
    )
    for bad in ("dns.example", "127.0.0.1:99999", "1.2.3", "[::1"):
        with pytest.raises(ValueError, match=r"\S"):
            server_addresses(bad)
    file = tmp_path / "resolv.conf"
    assert server_addresses("", file) == (("127.0.0.1", 53),)
    file.write_text(
        "search x\nnameserver 192.0.2.9\nnameserver\nnameserver fe80::1%eth0\nnameserver nonsense\n#nameserver "
        "1.1.1.1\n"
    )
    assert server_addresses("", file) == (("192.0.2.9", 53), ("fe80::1%eth0", 53))
