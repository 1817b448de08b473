"""Redirects and refusals of scripts: what is sent, what stays, and what the owner is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from shared.events.mail import RecordedCheck
from tests.integration.delivery.installation import Installation
from tests.integration.delivery.script_runs import FROM_EVE, ScriptRuns
from tests.parts import nats

REDIRECT = 'redirect "zoe@elsewhere.example";'


@pytest.fixture
async def few(tmp_path: Path, nats_server: nats.NatsServer) -> AsyncIterator[ScriptRuns]:
    """An account whose scripts may send two mails on in a day."""
    installation = Installation(
        tmp_path / "few", nats_server.url, {"delivery.redirects_per_day": "2", "delivery.notifications_per_day": "1"}
    )
    await installation.start()
    await installation.add_people("ann")
    yield ScriptRuns(installation)
    await installation.stop()


@pytest.fixture
def ann(installation: Installation) -> ScriptRuns:
    return ScriptRuns(installation)


async def test_a_redirect_has_a_return_path_of_ours_and_a_mark(ann: ScriptRuns) -> None:
    planned = await ann.planned(await ann.mail(), REDIRECT)
    (step,) = planned.steps
    assert step.action == "enqueue" and step.address == "zoe@elsewhere.example" and not planned.keeps
    assert step.reverse_path.startswith("SRS0=") and step.reverse_path.endswith("=example.net=eve@example.org")
    assert step.original_sender == "eve@example.net"
    assert step.prefix == b"X-Sieve-Redirected-From: ann@example.org\r\nReceived: by mail.example.org\r\n"


async def test_a_null_sender_stays_null_and_one_of_ours_stays(ann: ScriptRuns) -> None:
    (step,) = (await ann.planned(await ann.mail(sender=""), REDIRECT)).steps
    assert step.reverse_path == "" and step.original_sender == ""
    (step,) = (await ann.planned(await ann.mail(sender="bob@example.org", submitted=True), REDIRECT)).steps
    assert step.reverse_path == "bob@example.org" and step.original_sender == ""


async def test_a_redirect_of_what_came_back_leaves_the_keep_and_tells_the_owner_once(ann: ScriptRuns) -> None:
    body = b"X-Sieve-Redirected-From: Ann@Example.org\r\n" + FROM_EVE
    planned = await ann.carried_out(await ann.mail(body), REDIRECT, body)
    assert planned.keeps and [step.action for step in planned.steps] == ["notify"]
    text = await ann.text()
    assert "zoe@elsewhere.example" in text and "come back" in text.replace("\r\n", " ")
    assert not (await ann.planned(await ann.mail(body), REDIRECT, body)).steps


async def test_a_mail_of_very_many_hops_is_not_redirected(ann: ScriptRuns) -> None:
    body = b"Received: from a by b\r\n" * 60 + FROM_EVE
    assert (await ann.planned(await ann.mail(body), REDIRECT, body)).keeps


async def test_above_the_limit_of_a_day_the_mail_stays(few: ScriptRuns) -> None:
    mail = await few.mail()
    for attempt in (mail, mail, await few.mail()):
        planned = await few.planned(attempt, REDIRECT)
        assert [step.action for step in planned.steps] == ["enqueue"], "a repeated plan counts once"
    planned = await few.planned(await few.mail(), REDIRECT)
    assert planned.keeps and [step.action for step in planned.steps] == ["notify"]
    copy = await few.planned(await few.mail(), 'require "copy"; redirect :copy "zoe@elsewhere.example";')
    assert not copy.keeps, "the implicit keep is there already"
    await few.installation.verify()


async def test_above_the_limit_of_notifications_the_owner_hears_of_it(few: ScriptRuns) -> None:
    script = 'require ["enotify"]; notify "mailto:pager@example.net";'
    await few.carried_out(await few.mail(), script)
    planned = await few.carried_out(await few.mail(), script)
    assert [step.rule for step in planned.steps] == ["notice"] and not planned.keeps


async def test_a_redirect_to_an_account_here_is_a_target(ann: ScriptRuns) -> None:
    planned = await ann.planned(await ann.mail(), 'redirect "bob@example.org";')
    (local,) = planned.local
    assert local.target.address == "bob@example.org" and not planned.steps and not planned.keeps


async def test_a_redirect_to_nobody_or_to_oneself_keeps_the_mail(ann: ScriptRuns) -> None:
    nobody = await ann.planned(await ann.mail(), 'redirect "nobody@example.org";')
    assert nobody.keeps and [step.rule for step in nobody.steps] == ["notice"]
    oneself = await ann.planned(await ann.mail(), 'redirect "ann+x@example.org";')
    assert oneself.keeps and not oneself.steps and not oneself.local


async def test_a_redirect_that_is_not_done_adds_no_keep_to_a_copy_in_a_mailbox(ann: ScriptRuns) -> None:
    filed = 'require "fileinto"; redirect "nobody@example.org"; fileinto "Other";'
    assert not (await ann.planned(await ann.mail(), filed)).keeps


async def test_ereject_is_a_status_notification(ann: ScriptRuns) -> None:
    mail = await ann.mail()
    planned = await ann.carried_out(mail, 'require "ereject"; ereject "No thanks, Grüße.";')
    await ann.repeat(mail, planned)
    text = await ann.text()
    assert "report-type=delivery-status" in text and "Status: 5.7.1" in text and "No thanks, Gr" in text
    assert ann.reports()[0].to == "eve@example.net" and not planned.keeps


async def test_reject_is_a_disposition_notification(ann: ScriptRuns) -> None:
    await ann.carried_out(await ann.mail(), 'require "reject"; reject "No thanks.\r\n\r\nAnn";')
    text = await ann.text()
    assert "report-type=disposition-notification" in text.replace("\r\n ", " ")
    assert "Disposition: automatic-action/MDN-sent-automatically; deleted" in text
    assert "Original-Message-ID: <h1@example.net>" in text and "Final-Recipient: rfc822; ann@example.org" in text
    assert "No thanks.\r\n\r\nAnn" in text and "Subject: Hello" in text
    assert ann.reports()[0].author == "ann@example.org"


async def test_a_sender_who_wants_no_reports_gets_none(ann: ScriptRuns) -> None:
    ann.recipient = msgspec.structs.replace(ann.recipient, notify="NEVER")
    planned = await ann.carried_out(await ann.mail(), 'require "ereject"; ereject "No.";')
    (step,) = planned.steps
    assert (step.action, step.generated, planned.keeps) == ("refuse", "", False) and not ann.reports()


async def test_a_user_of_this_server_is_told_of_a_refusal(ann: ScriptRuns) -> None:
    mail = await ann.mail(sender="bob@example.org", submitted=True, is_authenticated=False)
    await ann.carried_out(mail, 'require "reject"; reject "No.";')
    (report,) = ann.reports()
    assert report.to == "bob@example.org" and "Your message to ann@example.org was refused" in await ann.text()


@pytest.mark.parametrize("command", ["reject", "ereject"])
async def test_what_may_be_forged_is_kept_and_the_owner_is_told_once(ann: ScriptRuns, command: str) -> None:
    script = f'require "{command}"; {command} "No.";'
    for changes in (
        {"spam": True},
        {"spf": RecordedCheck("spf", "none")},
        {"dmarc": RecordedCheck("dmarc", "fail")},
        {"sender": ""},
    ):
        planned = await ann.carried_out(await ann.mail(**changes), script)  # type: ignore[arg-type]
        assert planned.keeps and all(step.action == "notify" for step in planned.steps)
    (report,) = ann.reports()
    assert report.to == "ann@example.org"


async def test_the_owner_hears_of_an_error_once_a_day(ann: ScriptRuns) -> None:
    script = (
        'require ["variables", "vacation", "copy"];\nredirect :copy "zoe@elsewhere.example";\nset "a" "no address";\n'
    )
    script += 'redirect "${a}";'
    planned = await ann.carried_out(await ann.mail(), script)
    assert [step.rule for step in planned.steps] == ["notice"]
    text = (await ann.text()).replace("\r\n", " ")
    assert "line 4" in text and "not an address" in text and "zoe@elsewhere.example" in text
    assert not (await ann.planned(await ann.mail(), script)).steps
