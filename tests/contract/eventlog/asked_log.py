"""A log with one of the engines, and the events that the questions of the suite are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.events import delivery, directory, mail, mailbox, outbound, spam
from shared.eventstore.event import Actor
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from tests.harness.waiting import until_true
from tests.integration.eventlog.installation import Installation

OPERATOR = Actor("operator", "root")
_OUTCOME = (mail.Outcome("ann@example.org", "delivered"),)


class AskedLog(Installation):
    """The installation, asked through the contract."""

    def __init__(self, data: Path, bus_url: str, store_url: str, environment: dict[str, str], engine: str) -> None:
        super().__init__(data, bus_url, store_url, environment)
        self.engine = engine

    @property
    def answers(self) -> str:
        """The engine that must have answered."""
        return "opensearch" if self.engine.startswith("opensearch") else "embedded"

    async def ready(self) -> None:
        """Wait until the log has every event, and OpenSearch, where the suite asks for that."""
        await self.followed()
        if self.engine == "opensearch":
            await until_true(self._is_copied)
        if self.engine == "opensearch-waiting":
            await until_true(self._has_begun)

    async def asked(self, **expected: Any) -> list[str]:
        """The types and queue ids of the events that pass, in order."""
        reply = await self.log.Query(pb.QueryRequest(**expected))
        assert (reply.engine, reply.note) == (self.answers, "")
        return [f"{event.type} {event.queue_id}".strip() for event in reply.events]

    async def chart(self, days: bool = False, **expected: Any) -> pb.ChartReply:
        reply: pb.ChartReply = await self.log.Chart(pb.ChartRequest(events=pb.QueryRequest(**expected), days=days))
        assert (reply.engine, reply.note) == (self.answers, "")
        return reply

    async def _is_copied(self) -> bool:
        return (await self.report()).counts["not_in_opensearch"] == 0 and await self._has_begun()

    async def _has_begun(self) -> bool:
        return (await self.log.Query(pb.QueryRequest(limit=1))).engine == "opensearch"


async def write_story(log: AskedLog) -> None:
    """A mail that is delivered, one that is spam, a refusal, two copies for other servers, and a new domain."""
    await _received(log, "q1", "bob@example.net", "first@example.net", "192.0.2.7", "Grüße aus Köln")
    await _classified(log, "q1", is_spam=False)
    step = delivery.Step("ann@example.org", 0, "store", account="a1", address="ann@example.org", rule="fileinto 3")
    await log.write("delivery", "q1", delivery.DeliveryPlanned("q1", (step,)), correlation="q1")
    entry = mailbox.NewEntry("e1", 1, "g/ab", 1300, 1_700_000_000_000_000, "x1", "t1", message_id="first@example.net")
    delivered = mailbox.MessageDelivered("a1", "m1", "q1", "ann@example.org", 0, entry)
    await log.write("mailstore", "a1", delivered, correlation="q1")
    await log.write("delivery", "q1", delivery.DeliverySettled("q1", _OUTCOME), correlation="q1")
    await _received(log, "q2", "eve@spam.example", "second@spam.example", "2001:db8::9", "Cheap pills")
    await _classified(log, "q2", is_spam=True)
    refusal = mail.Refusal("r1", 1, "rcpt", 550, "5.1.1", "no such user", sender="eve@spam.example",
                           recipient="nobody@example.org")  # fmt: skip
    client = mail.Client("198.51.100.4", 25, "helo.spam.example")
    await log.write("ingress", "refusals:1", mail.MailRefused("s1", client, (refusal, refusal), more=3))
    await _sent(log)
    await log.write("directory", "domain:d1", directory.DomainAdded("d1", "example.org"), actor=OPERATOR)


async def _received(log: AskedLog, queue_id: str, sender: str, message_id: str, address: str, subject: str) -> None:
    message = mail.Message("g/ab", 1200, b"Received: x\r\n", message_id=message_id, subject=subject, author=sender)
    checks = (mail.RecordedCheck("spf", "pass" if queue_id == "q1" else "fail"),)
    client = mail.Client(address, 4711, "mx.example.net" if queue_id == "q1" else "helo.spam.example", "ESMTPS")
    recipients = (mail.Recipient("Ann@example.org"),)
    received = mail.MailReceived(queue_id, sender, recipients, message, client, checks=checks)
    await log.write("ingress", queue_id, received, correlation=queue_id)


async def _classified(log: AskedLog, queue_id: str, *, is_spam: bool) -> None:
    verdict = spam.RecordedVerdict(
        is_spam, 7.5 if is_spam else 0.5, 5.0, (spam.Test("CHEAP" if is_spam else "GREETING", 1.5),)
    )
    await log.write(
        "classifier", queue_id, spam.MailClassified(queue_id, verdict, b"X-Spam: 1\r\n"), correlation=queue_id
    )


async def _sent(log: AskedLog) -> None:
    attempt = outbound.SendingAttempt(1, 1, hosts=(outbound.HostAttempt("mx.other.example", "203.0.113.5"),))
    deferred = outbound.OutboundDeferred("e2", "q1", "carl@other.example", attempt, 9, "4.4.1", "connection timed out")
    await log.write("outbound", "e2", deferred, correlation="q1")
    await log.write(
        "outbound", "e2", outbound.OutboundDelivered("e2", "q1", "carl@other.example", attempt), correlation="q1"
    )
