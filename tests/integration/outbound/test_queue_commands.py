"""The operator's commands, the switch, the rules, and what happens by age."""

from __future__ import annotations

from email import message_from_bytes

from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDelayed,
    OutboundDelivered,
    OutboundExpired,
    OutboundHeld,
    OutboundReleased,
)
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb
from tests.integration.outbound.conftest import StartQueue
from tests.integration.outbound.installation import Installation
from tests.parts.remote_server import RemoteServer

BUSY = b"450 4.2.1 later\r\n"


def chosen(*ids: str, reason: str = "") -> pb.ChangeRequest:
    return pb.ChangeRequest(filter=pb.QueueFilter(ids=ids), reason=reason)


async def test_a_paused_queue_sends_nothing_until_it_is_resumed(
    installation: Installation, remote: RemoteServer
) -> None:
    await installation.queue.Pause(pb.PauseRequest(reason="the disk is replaced"))
    (entry,) = await installation.enqueue("bob@far.example")
    listed = await installation.queue.List(pb.ListQueueRequest())
    assert (listed.paused, listed.pause_reason, listed.total) == (True, "the disk is replaced", 1)
    assert remote.connections == 0
    await installation.queue.Resume(pb.ResumeRequest())
    await installation.until_event(entry, OutboundDelivered)


async def test_a_hold_rule_holds_new_mail_and_release_sends_it(
    installation: Installation, remote: RemoteServer
) -> None:
    await installation.queue.AddHoldRule(pb.HoldRule(recipient="*@far.example", reason="a campaign"))
    (entry,) = await installation.enqueue("bob@far.example")
    held = await installation.until_event(entry, OutboundHeld)
    assert held.reason == "a campaign"
    (listed,) = await installation.listed()
    assert (listed.state, listed.due, listed.expires) == ("held", 0, 0)
    reply = await installation.queue.Release(chosen(entry))
    assert (reply.changed, list(reply.entries)) == (1, [entry])
    await installation.until_event(entry, OutboundDelivered)
    assert [mail.recipients for mail in remote.mails] == [["bob@far.example"]]


async def test_mail_that_its_sender_holds_back_is_sent_at_its_time(
    installation: Installation, remote: RemoteServer
) -> None:
    later = installation.host.clock.now() + 700_000
    (entry,) = await installation.enqueue("bob@far.example", release_at=later)
    released = await installation.until_event(entry, OutboundReleased)
    assert isinstance(released, OutboundReleased)
    delivered = await installation.until_event(entry, OutboundDelivered)
    assert delivered.attempt.at >= later


async def test_cancel_ends_an_entry_without_a_word_and_bounce_with_a_report(
    installation: Installation, remote: RemoteServer
) -> None:
    await installation.queue.Pause(pb.PauseRequest())
    (cancelled,) = await installation.enqueue("bob@far.example")
    (bounced,) = await installation.enqueue("eve@far.example")
    await installation.queue.Cancel(chosen(cancelled, reason="a mistake"))
    await installation.queue.Bounce(chosen(bounced, reason="not wanted here"))
    assert (await installation.until_event(cancelled, OutboundCancelled)).reason == "a mistake"
    assert (await installation.until_event(bounced, OutboundBounced)).reason == "not wanted here"
    (report,) = await installation.until_reported()
    assert b"eve@far.example" in await installation.report_text(report)
    assert (await installation.queue.List(pb.ListQueueRequest())).total == 0


async def test_an_old_entry_is_reported_as_delayed_and_then_expires(start_queue: StartQueue) -> None:
    async with RemoteServer(replies={"RCPT": BUSY}) as remote:
        flags = {"outbound.delay_notice_hours": "0.0001", "outbound.expire_days": "0.00002"}
        installation = await start_queue(remote, flags)
        (entry,) = await installation.enqueue("bob@far.example")
        delayed = await installation.until_event(entry, OutboundDelayed)
        assert (delayed.status, delayed.reason) == ("4.2.1", "450 4.2.1 later")
        expired = await installation.until_event(entry, OutboundExpired)
        assert expired.status == "4.4.7"
        reports = await installation.until_reported(2)
        actions = [_actions(await installation.report_text(report)) for report in reports]
        assert actions == [["delayed"], ["failed"]]


async def test_mail_with_the_null_reverse_path_makes_no_report(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["RCPT"] = b"550 5.1.1 no such user\r\n"
    (entry,) = await installation.enqueue("bob@far.example", sender="")
    await installation.until_event(entry, OutboundBounced)
    (other,) = await installation.enqueue("bob@far.example", notify="NEVER")
    await installation.until_event(other, OutboundBounced)
    (third,) = await installation.enqueue("bob@far.example")
    await installation.until_event(third, OutboundBounced)
    (report,) = await installation.until_reported()
    assert (await installation.made_reports())[0].entries == (third,)
    assert report.to == "ann@example.org"


def _actions(report: bytes) -> list[str]:
    status = next(part for part in message_from_bytes(report).walk() if "delivery-status" in part.get_content_type())
    return [block["Action"] for block in status.get_payload() if block["Action"]]


async def test_mail_above_the_limits_of_its_account_is_held_and_not_lost(start_queue: StartQueue) -> None:
    async with RemoteServer() as remote:
        installation = await start_queue(remote, {"outbound.mails_an_hour": "2", "outbound.new_recipients_a_day": "3"})
        for number in (1, 2):
            (entry,) = await installation.enqueue(f"bob{number}@far.example", account="a1")
            await installation.until_event(entry, OutboundDelivered)
        before = installation.host.clock.now()
        above = await installation.enqueue("bob1@far.example", "bob2@far.example", account="a1")
        for entry in above:
            held = await installation.until_event(entry, OutboundHeld)
            assert 3_590_000_000 < held.until - before < 3_600_000_000
        (other,) = await installation.enqueue("bob1@far.example", account="a2")
        await installation.until_event(other, OutboundDelivered)
        await installation.queue.Release(chosen(*above))
        for entry in above:
            await installation.until_event(entry, OutboundDelivered)


async def test_new_recipients_are_limited_and_known_ones_are_not(start_queue: StartQueue) -> None:
    async with RemoteServer() as remote:
        flags = {"outbound.new_recipients_a_day": "2", "outbound.release_limited": "false"}
        installation = await start_queue(remote, flags)
        entries = await installation.enqueue(*(f"bob{number}@far.example" for number in range(3)), account="a1")
        for entry in entries[:2]:
            await installation.until_event(entry, OutboundDelivered)
        held = await installation.until_event(entries[2], OutboundHeld)
        assert (held.until, held.reason) == (0, "the account writes to more than 2 new recipients a day")
        (known,) = await installation.enqueue("bob0@far.example", account="a1")
        await installation.until_event(known, OutboundDelivered)
        assert (await installation.outbound.store.verify()).equal


async def test_one_mail_cannot_pass_the_limit_of_recipients(start_queue: StartQueue) -> None:
    async with RemoteServer() as remote:
        installation = await start_queue(remote, {"outbound.recipients_an_hour": "2"})
        entries = await installation.enqueue(*(f"bob{number}@far.example" for number in range(5)), account="a1")
        for entry in entries[:2]:
            await installation.until_event(entry, OutboundDelivered)
        held = [await installation.until_event(entry, OutboundHeld) for entry in entries[2:]]
        hours = [round((event.until - held[0].until) / 3_600_000_000, 3) for event in held]
        assert hours == [0, 0, 1]


async def test_a_report_about_a_mail_with_requiretls_returns_nothing_of_it(
    installation: Installation, remote: RemoteServer
) -> None:
    await installation.queue.Pause(pb.PauseRequest())
    (entry,) = await installation.enqueue("bob@far.example", require_tls=True, ret="FULL")
    await installation.queue.Bounce(chosen(entry, reason="not wanted here"))
    (report,) = await installation.until_reported()
    text = await installation.report_text(report)
    assert b"bob@far.example" in text
    assert b"m1@example.org" not in text
    assert b"Subject: Hello" not in text


async def test_blobs_of_open_entries_are_referenced(installation: Installation) -> None:
    await installation.queue.Pause(pb.PauseRequest())
    assert await installation.referenced_blobs() == set()
    entries = [(await installation.enqueue(f"bob{number}@far.example"))[0] for number in range(3)]
    listed = await installation.referenced_blobs()
    assert len(listed) == 1
    await installation.queue.Cancel(chosen(*entries))
    assert await installation.referenced_blobs() == set()
