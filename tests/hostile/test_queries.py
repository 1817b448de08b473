"""What users and strangers can send to queries: large messages and large queries are bounded, and others are served."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest

from shared.grpc.errors import Invalid, LimitReached
from shared.rpc.mailfold.mailstore.v1 import finding_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.finding_pb2_grpc import FindingStub
from tests.harness.imap_wire import literal
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.hostile.test_finding import _session

pytestmark = pytest.mark.timeout(600)
_SUBJECT = b"=?utf-8?Q?<script>alert(1)</script>_needle_=F0=9F=98=80_needle?="
_MAILS = (
    b"Subject: " + _SUBJECT + b"\r\n\r\n" + b"x" * 9_000_000 + b" needle\r\n",
    b"Subject: lines\r\n\r\n" + b"needle & <b>\r\n" * 600_000,
    b"".join(b"X-Field-%d: needle\r\n" % number for number in range(20_000)) + b"\r\nneedle\r\n",
    b"Subject: html\r\nContent-Type: text/html\r\n\r\n" + b"<div>" * 100_000 + b"needle\r\n",
    b"From: " + b", ".join(b"a%d@example.org" % number for number in range(20_000)) + b"\r\n\r\nneedle\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nneedle\r\n" * 20_000 + b"--b--\r\n",
)


def ask(server: MailfoldServer, person: Person, query: str, **more: Any) -> pb.QueryReply:
    request = pb.QueryRequest(account=person.account, query=query, **more)
    reply: pb.QueryReply = server.contracts.ask("mailstore", FindingStub, "Query", request)
    return reply


def test_large_messages_have_small_snippets(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with closing(_session(server, ann)) as wire:
        for data in _MAILS:
            wire.ok(b"APPEND INBOX " + literal(data))
    for order in (pb.QueryRequest.DATE, pb.QueryRequest.RELEVANCE):  # by reading, and by the index
        reply = ask(server, ann, "needle", order=order, limit=500)
        assert sorted(message.uid for message in reply.messages) == [1, 2, 3, 4, 5, 6]
        assert reply.ByteSize() < 100_000
        for message in reply.messages:
            assert len(message.snippet.html.encode()) <= 255
            assert "<" not in message.snippet.html.replace("<mark>", "").replace("</mark>", "")
        subject = next(message.marked_subject for message in reply.messages if message.uid == 1)
        assert subject.html.startswith("&lt;script&gt;") and subject.html.count("<mark>needle</mark>") == 2
        bounds = list(subject.ranges)
        assert {subject.text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)} == {"needle"}
        assert ask(server, ann, "has:attachment OR filename:x OR needle").total == 6
        until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")


def test_large_queries_are_bounded(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with closing(_session(server, ann)) as wire:
        wire.ok(b"APPEND INBOX " + literal(b"Subject: s\r\n\r\n" + b"word%d " % 7 * 100_000 + b"\r\n"))
    assert ask(server, ann, " OR ".join(f"word{number}" for number in range(98))).total == 1
    assert ask(server, ann, "(" * 32 + "word7" + ")" * 32).total == 1
    assert ask(server, ann, "NOT " * 1000 + "word7").total == 1
    assert ask(server, ann, " ".join(["in:inbox"] * 128)).total == 1
    for query in (
        " ".join(f"is:unread larger:{number}" for number in range(65)),
        "(" * 33 + "a" + ")" * 33,
        "a " * 5_000,
        '"' + "a " * 600 + '"',
        "\0" * 8_193,
    ):
        with pytest.raises(Invalid):
            ask(server, ann, query)
    with pytest.raises(LimitReached):
        ask(server, ann, " OR ".join(f'="text {number}"' for number in range(120)))


def test_many_queries_of_a_user_do_not_make_another_wait_for_their_end(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    with closing(_session(server, ann)) as wire:
        for number in range(150):
            wire.ok(b"APPEND INBOX " + literal(b"Subject: s %d\r\n\r\n" % number + b"abc def ghi\r\n" * 2_000))
    query = " OR ".join(f"abc{number}* OR body:def{number}" for number in range(24)) + " OR filename:zz OR ghi"

    def flood() -> None:
        for _ in range(2):
            assert ask(server, ann, query, limit=500).total == 150

    threads = [threading.Thread(target=flood) for _ in range(5)]
    with closing(_session(server, bob)) as other:
        for thread in threads:
            thread.start()
        for number in range(10):
            other.ok(b"APPEND INBOX " + literal(b"Subject: quiet %d\r\n\r\nquiet\r\n" % number))
        assert any(thread.is_alive() for thread in threads), "the other was answered before the flood ended"
        for thread in threads:
            thread.join()
