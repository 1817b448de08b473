"""The resolver against a real name server on local UDP and TCP sockets."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import pytest

from shared.clock import FixedClock
from shared.dns.resolver import Resolver
from shared.dns.settings import ResolverSettings
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.check import check_host
from tests.integration.dns.name_server import LocalNameServer, local_name_server

RECORDS = {
    ("example.org", "A"): ["192.0.2.1", "192.0.2.2"],
    ("example.org", "AAAA"): ["2001:db8::1"],
    ("example.org", "MX"): ["10 mx1.example.org.", "20 mx2.example.org."],
    ("null.example", "MX"): ["0 ."],
    ("example.org", "TXT"): ['"v=spf1 " "a mx -all"', '"other; text \\255"'],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["Host.example.org."],
    ("_25._tcp.mx1.example.org", "TLSA"): ["3 1 1 " + "ab" * 32],
    ("_imap._tcp.example.org", "SRV"): ["0 1 143 imap.example.org."],
    ("alias.example.org", "CNAME"): ["second.example.org."],
    ("second.example.org", "CNAME"): ["example.org."],
    ("loop.example.org", "CNAME"): ["loop.example.org."],
    ("mx1.example.org", "A"): ["192.0.2.25"],
    ("mx2.example.org", "A"): ["192.0.2.26"],
    ("big.example", "TXT"): ['"' + "x" * 250 + f'{number}"' for number in range(40)],
}


@contextlib.asynccontextmanager
async def resolving(
    server: LocalNameServer, clock: FixedClock | None = None, **settings: object
) -> AsyncIterator[Resolver]:
    known = {"addresses": f"127.0.0.1:{server.port}", **settings}
    resolver = Resolver(ResolverSettings(**known), clock)  # type: ignore[arg-type]
    try:
        yield resolver
    finally:
        await resolver.close()


@pytest.mark.parametrize(
    ("name", "rdtype", "records"),
    [
        ("example.org", "A", ("192.0.2.1", "192.0.2.2")),
        ("EXAMPLE.org", "AAAA", ("2001:db8::1",)),
        ("example.org", "MX", ("10 mx1.example.org", "20 mx2.example.org")),
        ("null.example", "MX", ("0 .",)),
        ("example.org", "TXT", ("v=spf1 a mx -all", "other; text \xff")),
        ("1.2.0.192.in-addr.arpa", "PTR", ("Host.example.org",)),
        ("_25._tcp.mx1.example.org", "TLSA", ("3 1 1 " + "ab" * 32,)),
        ("_imap._tcp.example.org", "SRV", ("0 1 143 imap.example.org",)),
        ("alias.example.org", "A", ("192.0.2.1", "192.0.2.2")),
    ],
)
async def test_records(name: str, rdtype: str, records: tuple[str, ...]) -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        answer = await resolver.ask(Question(name, rdtype))  # type: ignore[arg-type]
        assert (answer.status, sorted(answer.records), answer.ttl) == ("ok", sorted(records), 300)
        assert answer.source == "127.0.0.1"


async def test_no_records() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        assert (await resolver.ask(Question("nowhere.example", "A"))).status == "nxdomain"
        nodata = await resolver.ask(Question("null.example", "A"))
        assert (nodata.status, nodata.ttl) == ("nodata", 60)
        assert (await resolver.ask(Question("loop.example.org", "A"))).status == "temperror"
        assert (await resolver.ask(Question("a..b", "A"))).status == "nxdomain"
        assert (await resolver.ask(Question("a" * 64 + ".example", "A"))).status == "nxdomain"
        assert (await resolver.ask(Question("zero\0octet.example", "A"))).status == "nxdomain"
        assert (await resolver.ask(Question("alias.example.org", "A"))).canonical_name == "example.org"


async def test_remembers_for_the_time_to_live() -> None:
    clock = FixedClock()
    async with local_name_server(RECORDS) as server, resolving(server, clock) as resolver:
        question = Question("example.org", "A")
        first = await resolver.ask(question)
        clock.advance(299)
        again = await resolver.ask(question)
        assert (again.records, again.source) == (first.records, "cache")
        assert server.queries["example.org", "A"] == 1
        clock.advance(1)
        await resolver.ask(question)
        assert server.queries["example.org", "A"] == 2
        missing = Question("nowhere.example", "A")
        await resolver.ask(missing)
        clock.advance(59)
        assert (await resolver.ask(missing)).status == "nxdomain"
        assert server.queries["nowhere.example", "A"] == 1
        clock.advance(1)
        await resolver.ask(missing)
        assert server.queries["nowhere.example", "A"] == 2
        assert (resolver.asked, resolver.cache_hits) == (6, 2)


async def test_forgets_the_oldest_when_full() -> None:
    async with local_name_server(RECORDS) as server, resolving(server, cache_size=2) as resolver:
        questions = [Question("example.org", rdtype) for rdtype in ("A", "AAAA", "MX")]
        for question in questions:
            await resolver.ask(question)
        assert resolver.cached_answers == 2
        assert [resolver.cached(question) is not None for question in questions] == [False, True, True]


async def test_same_question_is_asked_once() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        server.delay = 0.02
        answers = await asyncio.gather(*(resolver.ask(Question("example.org", "A")) for _ in range(50)))
        assert {tuple(sorted(answer.records)) for answer in answers} == {("192.0.2.1", "192.0.2.2")}
        assert server.queries["example.org", "A"] == 1
        assert resolver.joined == 49


async def test_one_who_gives_up_does_not_take_the_answer_from_others() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        server.delay = 0.05
        first = asyncio.create_task(resolver.ask(Question("example.org", "A")))
        second = asyncio.create_task(resolver.ask(Question("example.org", "A")))
        await server.was_asked.wait()
        first.cancel()
        assert (await second).status == "ok"


async def test_hundreds_of_questions_at_once() -> None:
    records = {(f"h{number}.example", "A"): [f"192.0.2.{number % 250 + 1}"] for number in range(600)}
    async with local_name_server(records) as server, resolving(server, timeout=30) as resolver:
        answers = await asyncio.gather(*(resolver.ask(Question(f"h{number}.example", "A")) for number in range(600)))
        assert [answer.records for answer in answers] == [(f"192.0.2.{number % 250 + 1}",) for number in range(600)]
        assert len(server.ports) == 4
        assert len(set(server.ids)) > 500


async def test_sockets_are_replaced() -> None:
    async with local_name_server(RECORDS) as server, resolving(server, sockets=1, questions_per_socket=2) as resolver:
        for number in range(6):
            await resolver.ask(Question(f"n{number}.example", "A"))
        assert len(server.ports) == 3


def truncate(query: dns.message.Message, data: bytes) -> list[bytes]:
    """An answer that is too long for a datagram."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


async def test_long_answer_comes_by_tcp() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        server.spoil = truncate
        answer = await resolver.ask(Question("big.example", "TXT"))
        assert len(answer.records) == 40
        assert (server.tcp_queries, resolver.tcp_queries) == (1, 1)


async def test_connections_are_bounded() -> None:
    """A domain whose answers are all too long could otherwise open a connection for each question in flight."""
    async with local_name_server(RECORDS) as server, resolving(server, connections=3, timeout=30) as resolver:
        server.spoil = truncate
        server.tcp_answers.clear()
        questions = [Question(f"h{number}.example", "A") for number in range(20)]
        asked = asyncio.gather(*map(resolver.ask, questions))
        async with asyncio.timeout(60):
            while server.tcp_open < 3 or server.queries.total() < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        server.tcp_answers.set()
        assert {answer.status for answer in await asked} == {"nxdomain"}
        assert (server.tcp_queries, server.tcp_most_open) == (20, 3)


async def test_forged_responses_are_ignored() -> None:
    """A wrong id, a wrong question, or a query instead of a response is not taken as the answer."""
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:

        def forge(query: dns.message.Message, data: bytes) -> list[bytes]:
            lie = bytearray(server.answer(query).to_wire().replace(bytes([192, 0, 2, 1]), bytes([6, 6, 6, 6])))
            wrong_id = bytes([lie[0] ^ 1]) + bytes(lie[1:])
            wrong_question = bytes(lie).replace(b"\x07example", b"\x07exbmple", 1)
            no_response = bytes(lie[:2]) + bytes([lie[2] & 0x7F]) + bytes(lie[3:])
            return [wrong_id, wrong_question, no_response, b"\x00", server.answer(query).to_wire()]

        server.spoil = forge
        answer = await resolver.ask(Question("example.org", "A"))
        assert sorted(answer.records) == ["192.0.2.1", "192.0.2.2"]
        assert resolver.strangers == 4


async def test_unreadable_and_failing_responses_are_temporary_errors() -> None:
    clock = FixedClock()
    async with local_name_server(RECORDS) as server, resolving(server, clock) as resolver:
        question = Question("example.org", "A")
        server.spoil = lambda query, data: [server.answer(query).to_wire()[:-20]]
        assert (await resolver.ask(question)).status == "temperror"

        def fail(query: dns.message.Message, data: bytes) -> list[bytes]:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL)
            return [response.to_wire()]

        server.spoil = fail
        clock.advance(5)
        before = server.queries["example.org", "A"]
        assert (await resolver.ask(question)).status == "temperror"
        assert server.queries["example.org", "A"] == before + 1
        server.spoil = None
        assert (await resolver.ask(question)).status == "temperror"  # remembered for five seconds
        clock.advance(5)
        assert (await resolver.ask(question)).status == "ok"


async def test_goes_without_edns_where_it_is_not_known() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:

        def old(query: dns.message.Message, data: bytes) -> list[bytes]:
            if query.edns < 0:
                return [server.answer(query).to_wire()]
            query.use_edns(-1)
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.FORMERR)
            return [response.to_wire()]

        server.spoil = old
        assert (await resolver.ask(Question("example.org", "A"))).status == "ok"
        assert (await resolver.ask(Question("example.org", "MX"))).status == "ok"
        assert server.queries["example.org", "MX"] == 1


async def test_lost_datagram_is_repeated() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        server.silent = lambda name: server.queries["example.org", "A"] < 2 and name == "example.org"
        assert (await resolver.ask(Question("example.org", "A"))).status == "ok"


async def test_silent_server_costs_one_wait_and_is_probed_by_one_question() -> None:
    clock = FixedClock()
    async with local_name_server(RECORDS) as server, resolving(server, clock, timeout=0.3) as resolver:
        server.silent = lambda name: True
        answers = await asyncio.gather(*(resolver.ask(Question(f"h{number}.example", "A")) for number in range(20)))
        assert {answer.status for answer in answers} == {"temperror"}
        asked = server.queries.total()
        refused = await asyncio.wait_for(resolver.ask(Question("example.org", "A")), 0.25)
        assert (refused.status, server.queries.total()) == ("temperror", asked)
        server.silent = lambda name: False
        assert (await resolver.ask(Question("example.org", "A"))).status == "temperror"
        clock.advance(30)
        server.delay = 0.05
        server.was_asked.clear()
        probe = asyncio.create_task(resolver.ask(Question("example.org", "A")))
        await server.was_asked.wait()
        assert (await resolver.ask(Question("example.org", "MX"))).status == "temperror"  # only one question tests it
        assert (await probe).status == "ok"
        assert (await resolver.ask(Question("example.org", "MX"))).status == "ok"


async def test_slow_domain_does_not_make_the_server_look_down() -> None:
    async with local_name_server(RECORDS) as server, resolving(server, timeout=0.3) as resolver:
        server.silent = lambda name: name.endswith("tarpit.example")
        assert (await resolver.ask(Question("a.tarpit.example", "A"))).status == "temperror"
        assert (await resolver.ask(Question("example.org", "A"))).status == "ok"
        assert resolver.timeouts == 1


async def test_next_server_is_asked_when_one_is_down() -> None:
    async with local_name_server(RECORDS) as silent, local_name_server(RECORDS) as good:
        silent.silent = lambda name: True
        addresses = f"127.0.0.1:{silent.port}, 127.0.0.1:{good.port}"
        async with resolving(good, addresses=addresses, timeout=0.4) as resolver:
            assert (await resolver.ask(Question("example.org", "A"))).status == "ok"
            assert silent.queries.total() == 1


async def test_a_name_server_without_a_listener() -> None:
    async with local_name_server(RECORDS) as server:
        await server.stop()
        async with resolving(server) as resolver:
            answer = await asyncio.wait_for(resolver.ask(Question("example.org", "A")), 1)
            assert answer.status == "temperror"


async def test_too_many_questions_are_refused_at_once() -> None:
    async with local_name_server(RECORDS) as server, resolving(server, max_in_flight=10) as resolver:
        server.delay = 0.05
        answers = await asyncio.gather(*(resolver.ask(Question(f"h{number}.example", "A")) for number in range(15)))
        assert [answer.status for answer in answers].count("temperror") == 5
        assert resolver.refused == 5


async def test_an_evaluation_is_driven_and_its_answers_recorded() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        for sources in (["127.0.0.1"] * 5, ["cache"] * 5):
            result, used = await resolver.drive(check_host("192.0.2.26", "h.example", "ann@example.org"))
            assert (result.result, result.mechanism) == ("pass", "mx")
            assert [question.rdtype for question, _ in used] == ["TXT", "A", "MX", "A", "A"]
            assert [answer.source for _, answer in used] == sources


async def test_an_evaluation_begun_waits_only_when_an_answer_is_not_at_hand() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        first = resolver.begin(check_host("192.0.2.26", "h.example", "ann@example.org"))
        assert not first.done()
        verdict, used = await first
        second = resolver.begin(check_host("192.0.2.26", "h.example", "ann@example.org"))
        assert second.done()
        again, from_cache = second.result()
        assert again == verdict and again.result == "pass"
        assert [question for question, _ in from_cache] == [question for question, _ in used]
        assert resolver.cache_hits == len(used)


async def test_an_evaluation_given_up_is_closed() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        evaluation = check_host("192.0.2.26", "h.example", "ann@example.org")
        begun = resolver.begin(evaluation)
        await asyncio.sleep(0)
        begun.cancel()
        with pytest.raises(asyncio.CancelledError):
            await begun
        assert inspect.getgeneratorstate(evaluation) == inspect.GEN_CLOSED


async def test_evaluation_runs_out_of_time() -> None:
    clock = FixedClock()
    async with local_name_server(RECORDS) as server, resolving(server, clock) as resolver:
        evaluation = check_host("192.0.2.26", "h.example", "ann@example.org")

        def late(query: dns.message.Message, data: bytes) -> list[bytes]:
            clock.advance(21)
            return [server.answer(query).to_wire()]

        server.spoil = late
        result, used = await resolver.drive(evaluation)
        assert result.result == "temperror"
        assert used[-1][1] == Answer("temperror", source="out of time for this evaluation")


async def test_prefetch() -> None:
    async with local_name_server(RECORDS) as server, resolving(server) as resolver:
        resolver.prefetch((Question("example.org", "A"), Question("example.org", "A"), Question("a..b", "A")))
        assert (await resolver.ask(Question("example.org", "A"))).status == "ok"
        assert (server.queries.total(), resolver.joined) == (1, 1)
