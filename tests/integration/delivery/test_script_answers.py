"""Vacation responses and notifications: once for each sender and response, whatever is repeated or comes together."""

from __future__ import annotations

import asyncio

import pytest

from shared.events.mail import RecordedCheck
from shared.grpc.errors import LimitReached, Unavailable
from tests.integration.delivery.installation import DELIVER, Installation
from tests.integration.delivery.script_runs import FROM_EVE, ScriptRuns

AWAY = 'require ["vacation"]; vacation :subject "Away" "I am away.";'
NOTIFY = 'require ["enotify"]; notify :message "New mail" "mailto:pager@example.net?x-tag=1";'


@pytest.fixture
def ann(installation: Installation) -> ScriptRuns:
    return ScriptRuns(installation)


async def test_a_sender_is_answered_once(ann: ScriptRuns) -> None:
    mail = await ann.mail()
    planned = await ann.carried_out(mail, AWAY)
    await ann.repeat(mail, planned)
    text = await ann.text()
    assert "To: Eve <eve@example.net>\r\n" in text
    assert "In-Reply-To: <h1@example.net>\r\nReferences: <h1@example.net>\r\n" in text
    assert "Auto-Submitted: auto-replied\r\n" in text and "From: " in text and "<ann@example.org>" in text
    (report,) = ann.reports()
    assert (report.to, report.author, report.subject) == ("eve@example.net", "ann@example.org", "Away")
    again = await ann.planned(await ann.mail(), AWAY)
    assert not again.steps and not again.keeps
    other = 'require ["vacation"]; vacation :subject "Away" "Another text.";'
    await ann.carried_out(await ann.mail(), other)
    assert len(ann.reports()) == 2


async def test_mails_that_come_together_are_answered_once(ann: ScriptRuns) -> None:
    mails = [await ann.mail() for _ in range(8)]
    plans = [await ann.planned(mail, AWAY) for mail in mails]
    assert all(len(planned.steps) == 1 for planned in plans)
    await asyncio.gather(*(ann.repeat(mail, planned) for mail, planned in zip(mails, plans, strict=True)))
    assert len(ann.reports()) == 1
    await ann.installation.verify()


async def test_the_answer_is_handed_over_after_an_end_between_memory_and_hand_over(ann: ScriptRuns) -> None:
    mail = await ann.mail()
    planned = await ann.planned(mail, AWAY)

    async def away(_request: object, _context: object) -> object:
        raise Unavailable("the ingress is away", "ingress")

    path = "/mailfold.ingress.v1.Ingress/SubmitReport"
    there = ann.installation.replace("ingress", path, away)
    with pytest.raises(Unavailable):
        await ann.repeat(mail, planned)
    ann.installation.methods["ingress"][path] = there
    await ann.carried_out(await ann.mail(), AWAY)
    assert not ann.reports(), "another mail must not take over the memory of the first"
    await ann.repeat(mail, planned)
    assert len(ann.reports()) == 1


async def test_srs_and_bounce_tags_do_not_make_another_sender(ann: ScriptRuns) -> None:
    for sender in (
        "SRS0=aaaa=AA=example.net=eve@forward.example",
        "SRS0=bbbb=BB=example.net=eve@forward.example",
        "prvs=1234567890=eve@example.net",
    ):
        await ann.carried_out(await ann.mail(sender=sender), AWAY)
    (report,) = ann.reports()
    assert report.to == "SRS0=aaaa=AA=example.net=eve@forward.example"
    assert "To: Eve <eve@example.net>\r\n" in await ann.text()


async def test_spam_and_forged_mail_is_not_answered(ann: ScriptRuns) -> None:
    assert not (await ann.planned(await ann.mail(spam=True), AWAY)).steps
    forged = await ann.mail(dmarc=RecordedCheck("dmarc", "fail"))
    assert not (await ann.planned(forged, AWAY)).steps


async def test_the_sender_is_an_address_of_the_owner(ann: ScriptRuns) -> None:
    script = 'require ["vacation"]; vacation :from "%s" "I am away.";'
    await ann.carried_out(await ann.mail(), script % "The Boss <bob@example.org>")
    assert "bob@example.org" not in await ann.text()
    await ann.carried_out(await ann.mail(), script % "Ann at work <ann+work@example.org>")
    assert "From: Ann at work <ann+work@example.org>" in await ann.installation.report_text(ann.reports()[1])


async def test_a_copy_of_the_response_is_stored(ann: ScriptRuns) -> None:
    script = 'require ["vacation", "fcc", "mailbox"]; vacation :fcc "Sent" :create "I am away.";'
    planned = await ann.carried_out(await ann.mail(), script)
    answer, copy = planned.steps
    assert (copy.action, copy.mailbox, copy.create, copy.blob) == ("store", "Sent", True, answer.blob)


async def test_mails_that_come_together_leave_one_copy_of_the_response(ann: ScriptRuns) -> None:
    script = 'require ["vacation", "fcc", "mailbox"]; vacation :fcc "Sent" :create "I am away.";'
    mails = [await ann.mail() for _ in range(4)]
    plans = [await ann.planned(mail, script) for mail in mails]
    await asyncio.gather(*(ann.in_order(mail, planned) for mail, planned in zip(mails, plans, strict=True)))
    assert (len(ann.reports()), await ann.installation.count("ann", "Sent")) == (1, 1)


async def test_a_copy_that_cannot_be_stored_is_no_failure_of_the_mail(ann: ScriptRuns) -> None:
    async def full(_request: object, _context: object) -> object:
        raise LimitReached("the account is full", "quota")

    ann.installation.replace("mailstore", DELIVER, full)
    script = 'require ["vacation", "fcc"]; vacation :fcc "INBOX" "I am away.";'
    mail = await ann.mail()
    await ann.in_order(mail, await ann.planned(mail, script))
    assert len(ann.reports()) == 1


async def test_every_mail_is_answered_with_no_period(ann: ScriptRuns) -> None:
    script = 'require ["vacation-seconds"]; vacation :seconds 0 "I am away.";'
    for _ in range(2):
        await ann.carried_out(await ann.mail(), script)
    assert len(ann.reports()) == 2


async def test_a_notification_names_its_owner_and_is_sent_once(ann: ScriptRuns) -> None:
    mail = await ann.mail()
    planned = await ann.carried_out(mail, NOTIFY)
    await ann.repeat(mail, planned)
    text = await ann.text()
    assert 'Auto-Submitted: auto-notified; owner-email="ann@example.org"\r\n' in text
    assert "To: <pager@example.net>\r\nSubject: New mail\r\n" in text and "X-Tag: 1\r\n" in text


async def test_a_notification_causes_no_notification(ann: ScriptRuns) -> None:
    body = b"Auto-Submitted: auto-notified; owner-email=x@y.example\r\n" + FROM_EVE
    assert not (await ann.planned(await ann.mail(body), NOTIFY, body)).steps


async def test_a_mail_is_a_duplicate_of_another_but_not_of_itself(ann: ScriptRuns) -> None:
    script = 'require ["duplicate"]; if duplicate { discard; }'
    mail = await ann.mail()
    planned = await ann.planned(mail, script)
    (step,) = planned.steps
    account, memories = step.account, ann.installation.delivery.memories
    assert not await memories.is_duplicate(account, step.memory)
    await ann.repeat(mail, planned)
    await ann.repeat(mail, planned)
    assert await memories.is_duplicate(account, step.memory)
    await ann.installation.verify()
