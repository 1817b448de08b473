"""What the zone server answers, without a socket."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.content.senders import CLIENT_ADDRESSES, SELECTOR, relay_name, sender_domains
from loadtest.zone.answers import Faults, answer
from loadtest.zone.data import BadRecord, Zone, from_records
from loadtest.zone.load_zone import load_zone
from loadtest.zone_server import ZoneServer

NO_FAULTS = Faults()
ZONE = from_records(
    [
        ("a.example", "A", "192.0.2.1"),
        ("alias.example", "CNAME", "a.example."),
        ("loop.example", "CNAME", "loop.example."),
        ("*.wild.example", "TXT", "any"),
        ("deep.down.example", "A", "192.0.2.2"),
        ("long.example", "TXT", "x" * 4000),
        ("odd.example", "TXT", 'quote " backslash \\ semicolon ; umlaut ü'),
    ]
)


def _ask(
    zone: Zone, name: str, rdtype: str, faults: Faults = NO_FAULTS, *, stream: bool = False, edns: int | bool = False
) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, use_edns=edns)
    reply = answer(zone, query.to_wire(), faults, stream=stream)
    assert reply is not None
    response = dns.message.from_wire(reply.wire)
    assert query.is_response(response)
    return response


def _texts(response: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in response.answer for record in rrset]


def test_a_record_is_found_whatever_the_case_and_the_case_is_kept() -> None:
    response = _ask(ZONE, "A.eXample", "A")
    assert _texts(response) == ["192.0.2.1"]
    assert str(response.answer[0].name) == "A.eXample."


def test_an_unknown_name_is_nxdomain_with_soa() -> None:
    response = _ask(ZONE, "nobody.example", "A")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize(("name", "rdtype"), [("a.example", "AAAA"), ("down.example", "A"), ("example", "MX")])
def test_a_known_name_without_such_records_is_no_data(name: str, rdtype: str) -> None:
    response = _ask(ZONE, name, rdtype)
    assert response.rcode() == dns.rcode.NOERROR and not response.answer


def test_aliases_are_followed_and_loops_end() -> None:
    assert _texts(_ask(ZONE, "alias.example", "A")) == ["a.example.", "192.0.2.1"]
    assert _ask(ZONE, "loop.example", "A").rcode() == dns.rcode.SERVFAIL


def test_a_wildcard_answers_for_names_below_it() -> None:
    assert _texts(_ask(ZONE, "x.wild.example", "TXT")) == ['"any"']
    assert _ask(ZONE, "x.wild.example", "A").rcode() == dns.rcode.NOERROR


def test_txt_keeps_every_octet() -> None:
    record = _ask(ZONE, "odd.example", "TXT").answer[0][0]
    assert b"".join(record.strings).decode() == 'quote " backslash \\ semicolon ; umlaut ü'


def test_what_does_not_fit_is_cut_over_udp_and_whole_over_tcp() -> None:
    assert _ask(ZONE, "long.example", "TXT").flags & dns.flags.TC
    assert _ask(ZONE, "long.example", "TXT", edns=0).flags & dns.flags.TC
    whole = _ask(ZONE, "long.example", "TXT", stream=True)
    assert sum(map(len, whole.answer[0][0].strings)) == 4000


def test_faults_hold_for_a_name_and_all_below() -> None:
    faults = Faults(failing=frozenset({"a.example"}))
    assert _ask(ZONE, "a.example", "A", faults).rcode() == dns.rcode.SERVFAIL
    assert _ask(ZONE, "deep.down.example", "A", faults).rcode() == dns.rcode.NOERROR
    assert faults.fails("x.a.example") and not faults.fails("xa.example")
    assert Faults(silent=frozenset({""})).is_silent("anything.test")


@given(st.binary(max_size=80))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    reply = answer(ZONE, data, Faults(), stream=False)
    assert reply is None or reply.wire[2] & 0x80


def test_an_answer_is_not_answered() -> None:
    response = dns.message.make_response(dns.message.make_query("a.example", "A")).to_wire()
    assert answer(ZONE, response + b"garbage", Faults(), stream=False) is None


def test_the_cache_forgets_when_zone_or_faults_change() -> None:
    zone = from_records([("a.example", "A", "192.0.2.1")])
    server = ZoneServer(zone)
    question = dns.message.make_query("a.example", "A").to_wire()
    assert b"\xc0\x00\x02\x01" in (server.respond(question, stream=False) or b"")
    zone.replace("a.example", "A", "192.0.2.9")
    assert b"\xc0\x00\x02\x09" in (server.respond(question, stream=False) or b"")
    server.faults = Faults(silent=frozenset({"example"}))
    assert server.respond(question, stream=False) is None
    assert server.counted() == {("a.example", "A"): 3}


def test_a_cached_answer_carries_the_new_id() -> None:
    server, question = ZoneServer(ZONE), dns.message.make_query("a.example", "A").to_wire()
    server.respond(question, stream=False)
    assert (server.respond(b"\xab\xcd" + question[2:], stream=False) or b"")[:2] == b"\xab\xcd"


def test_removing_the_last_record_removes_the_name() -> None:
    zone = from_records([("x.y.example", "A", "192.0.2.1")])
    zone.remove("x.y.example", "A")
    assert _ask(zone, "y.example", "A").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    "record",
    [("a.example", "NOSUCH", "x"), ("a.example", "A", "no address"), (f"{'x' * 64}.example", "A", "192.0.2.1")],
)
def test_a_bad_record_is_refused(record: tuple[str, str, str]) -> None:
    with pytest.raises(BadRecord):
        from_records([record])


def test_the_load_zone_answers_for_every_sender_and_client() -> None:
    zone = load_zone("bench.test", ["198.51.100.0/24", "2001:db8::/32"])
    for domain in sender_domains():
        (spf,) = _texts(_ask(zone, domain, "TXT", stream=True))
        assert "ip4:127.0.0.0/8" in spf and "ip4:198.51.100.0/24" in spf and "ip6:2001:db8::/32" in spf
        assert _texts(_ask(zone, f"{SELECTOR}._domainkey.{domain}", "TXT", stream=True))[0].startswith('"v=DKIM1')
        assert (
            _texts(_ask(zone, f"_dmarc.{domain}", "TXT"))
            and _texts(_ask(zone, domain, "MX"))
            and _texts(_ask(zone, domain, "A"))
        )
    for address in CLIENT_ADDRESSES:
        reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
        assert _texts(_ask(zone, reverse, "PTR")) == [f"{relay_name(address)}."]
        assert _texts(_ask(zone, relay_name(address), "A")) == [address]
