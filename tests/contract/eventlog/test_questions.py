"""What every engine answers to the same questions."""

from __future__ import annotations

import pytest

from shared.grpc.errors import Invalid, NotFound
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from tests.contract.eventlog.asked_log import AskedLog, write_story

_ALL = [
    "mail.received q1",
    "mail.classified q1",
    "delivery.planned q1",
    "message.delivered q1",
    "delivery.settled q1",
    "mail.received q2",
    "mail.classified q2",
    "mail.refused",
    "outbound.deferred q1",
    "outbound.delivered q1",
    "domain.added",
]
_QUESTIONS: list[tuple[dict[str, object], list[str]]] = [
    ({}, _ALL),
    ({"type": "mail.received"}, ["mail.received q1", "mail.received q2"]),
    ({"type": "outbound"}, ["outbound.deferred q1", "outbound.delivered q1"]),
    ({"type": "mail.unheard_of"}, []),
    ({"service": "classifier"}, ["mail.classified q1", "mail.classified q2"]),
    ({"domain": "other.example"}, ["outbound.deferred q1", "outbound.delivered q1"]),
    ({"domain": "EXAMPLE.org", "type": "mail.refused"}, ["mail.refused"]),
    ({"domain": "example.org", "type": "domain.added"}, ["domain.added"]),
    ({"account": "a1"}, ["delivery.planned q1", "message.delivered q1"]),
    ({"address": "ANN@example.org", "type": "mail"}, ["mail.received q1", "mail.received q2"]),
    ({"address": "nobody@example.org"}, ["mail.refused"]),
    ({"remote": "2001:db8::9"}, ["mail.received q2"]),
    ({"remote": "helo.spam.example"}, ["mail.received q2", "mail.refused"]),
    ({"remote": "MX.other.example"}, ["outbound.deferred q1", "outbound.delivered q1"]),
    ({"message_id": "<first@example.net>"}, ["mail.received q1", "message.delivered q1"]),
    ({"queue_id": "q2"}, ["mail.received q2", "mail.classified q2"]),
    (
        {"queue_id": "q1", "result": "delivered"},
        ["message.delivered q1", "delivery.settled q1", "outbound.delivered q1"],
    ),
    ({"result": "spam"}, ["mail.classified q2"]),
    ({"result": "spf fail"}, ["mail.received q2"]),
    ({"result": "rcpt 550 5.1.1"}, ["mail.refused"]),
    ({"result": "4.4.1"}, ["outbound.deferred q1"]),
    ({"rule": "fileinto 3"}, ["delivery.planned q1"]),
    ({"rule": "cheap"}, ["mail.classified q2"]),
    ({"text": "q2"}, ["mail.received q2", "mail.classified q2"]),
    ({"text": "ann@example.org", "type": "message"}, ["message.delivered q1"]),
    ({"text": "grüße"}, ["mail.received q1"]),
    ({"text": "GRÜSSE AUS"}, ["mail.received q1"]),
    ({"text": "aus kö"}, ["mail.received q1"]),
    ({"text": "us Köln"}, []),
    ({"text": "timed out"}, ["outbound.deferred q1"]),
    ({"text": "out timed"}, []),
    ({"text": "5.1"}, ["mail.refused"]),
    ({"text": "pills*"}, []),
    ({"text": '"cheap" OR (pills'}, []),
    ({"text": "no such word"}, []),
    ({"text": "cheap pills", "result": "spf fail", "domain": "spam.example"}, ["mail.received q2"]),
]


async def test_every_question_has_the_same_answer_forwards_and_backwards(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    for question, expected in _QUESTIONS:
        assert await asked.asked(**question, oldest_first=True) == expected, question
        assert await asked.asked(**question) == expected[::-1], question


async def test_pages_both_ways_and_by_time(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    everything = (await asked.log.Query(pb.QueryRequest(oldest_first=True))).events
    backwards, forwards = [], []
    before = after = ""
    for _ in range(4):
        page = (await asked.log.Query(pb.QueryRequest(limit=3, before=before))).events
        backwards += [event.id for event in page]
        before = page[-1].id
        page = (await asked.log.Query(pb.QueryRequest(limit=3, after=after, oldest_first=True))).events
        forwards += [event.id for event in page]
        after = page[-1].id
    assert forwards == [event.id for event in everything]
    assert backwards == forwards[::-1]
    middle = everything[5].at
    assert await asked.asked(since=middle, oldest_first=True) == _ALL[5:]
    assert await asked.asked(until=middle, oldest_first=True) == _ALL[:5]
    assert await asked.asked(since=middle, until=everything[7].at, text="pills") == ["mail.received q2"]


async def test_a_page_is_filled_although_candidates_fail(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    assert await asked.asked(text="pass", limit=1, oldest_first=True) == ["mail.received q1"]


async def test_questions_that_cannot_be_answered(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    for question in ({"service": "kitchen"}, {"text": "()"}, {"text": "x" * 1001}):
        with pytest.raises(Invalid):
            await asked.asked(**question)
    with pytest.raises(NotFound):
        await asked.asked(before="ingress.3.77")
    with pytest.raises(Invalid, match="bars"):
        await asked.chart(since=1)
    with pytest.raises(Invalid, match="text"):
        await asked.chart(text="pills")


async def test_charts_count_what_happened(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    for days in (False, True):
        chart = await asked.chart(days)
        assert len(chart.bars) == (30 if days else 24)
        bar = chart.bars[-1]
        if not bar.received:  # the hour has changed since
            bar = chart.bars[-2]
        counts = (bar.received, bar.submitted, bar.refused, bar.spam, bar.stored, bar.sent, bar.deferred, bar.bounced)
        assert counts == (2, 0, 5, 1, 1, 1, 1, 0)
        assert [(row.reason, row.sessions) for row in bar.refused_by_reason] == [("rcpt 550 5.1.1", 1)]
        assert (bar.until_stored.count, bar.until_sent.count) == (1, 1)
        assert 0 < bar.until_stored.half <= bar.until_stored.nearly_all < 60_000


async def test_charts_are_narrowed(asked: AskedLog) -> None:
    await write_story(asked)
    await asked.ready()
    spam = (await asked.chart(days=True, domain="spam.example")).bars[-1]
    assert (spam.received, spam.refused, spam.spam, spam.stored) == (1, 5, 0, 0)
    mine = (await asked.chart(days=True, account="a1")).bars[-1]
    assert (mine.received, mine.stored, mine.until_stored.count) == (0, 1, 1)


async def test_the_tail_is_that_of_the_log(asked: AskedLog) -> None:
    tail = asked.log.Tail(pb.TailRequest(type="mail.received"))
    assert (await anext(aiter(tail))).events == []
    await write_story(asked)
    seen: list[str] = []
    while len(seen) < 2:
        seen += [event.queue_id for event in (await anext(aiter(tail))).events]
    assert sorted(seen) == ["q1", "q2"]
