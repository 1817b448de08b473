"""What scripts of events in mailboxes send: once for each key, within the limits of deliveries."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from shared.grpc.errors import Invalid
from shared.protocol.sieve.actions import DiscardAction, NotifyAction, RedirectAction, SieveAction
from shared.rpc.mailfold.delivery.v1 import scriptsending_pb2 as pb
from shared.rpc.mailfold.delivery.v1.scriptsending_pb2_grpc import ScriptSendingStub
from tests.integration.delivery.installation import Installation
from tests.integration.delivery.script_runs import FROM_EVE, ScriptRuns, stored

PREFIX = b"Return-Path: <eve@example.net>\r\nDelivered-To: ann@example.org\r\nReceived: by mail.example.org\r\n"


async def request_for(installation: Installation, key: str, action: SieveAction) -> pb.SendForScriptRequest:
    message = await stored(installation.blobs, FROM_EVE)
    account = (await ScriptRuns(installation).target()).account
    return pb.SendForScriptRequest(
        account=account, key=key, blob=message.blob, prefix=PREFIX, action=msgspec.json.encode(action)
    )


def sending(installation: Installation) -> ScriptSendingStub:
    return ScriptSendingStub(installation.host.channel("delivery", "mailstore"))


async def test_a_redirect_is_queued_once_and_marked(installation: Installation) -> None:
    request = await request_for(installation, "imap/1/0", RedirectAction("zoe@elsewhere.example", line=3))
    stub = sending(installation)
    replies = await asyncio.gather(*(stub.SendForScript(request) for _ in range(4)))
    assert not any(reply.refusals for reply in replies)
    assert (await stub.SendForScript(request)).repeated
    (entry,) = await installation.queued()
    assert (entry.recipient, entry.sender) == ("zoe@elsewhere.example", "ann@example.org")
    again = await request_for(installation, "imap/2/0", RedirectAction("zoe@elsewhere.example"))
    await stub.SendForScript(again)
    assert len(await installation.queued()) == 2
    await installation.verify()


async def test_a_redirect_to_an_account_here_is_handed_over(installation: Installation) -> None:
    request = await request_for(installation, "imap/1/0", RedirectAction("bob@example.org"))
    for _ in range(2):
        assert not (await sending(installation).SendForScript(request)).refusals
    (report,) = installation.ingress.reports.values()
    assert report.to == "bob@example.org" and report.prefix.startswith(b"X-Sieve-Redirected-From: ann@example.org")
    assert b"Return-Path" not in report.prefix and b"Delivered-To" not in report.prefix


async def test_a_notification_is_sent_once(installation: Installation) -> None:
    action = NotifyAction("mailto:pager@example.net", "Flagged", recipients=("pager@example.net",))
    request = await request_for(installation, "imap/1/1", action)
    for _ in range(2):
        await sending(installation).SendForScript(request)
    (report,) = installation.ingress.reports.values()
    assert report.to == "pager@example.net" and "auto-notified" in await installation.report_text(report)


async def test_what_is_not_sent_is_said(installation: Installation) -> None:
    request = await request_for(installation, "imap/1/0", RedirectAction("nobody@example.org"))
    (refusal,) = (await sending(installation).SendForScript(request)).refusals
    assert "nobody@example.org" in refusal
    (notice,) = installation.ingress.reports.values()
    assert notice.to == "ann@example.org"


async def test_other_actions_are_refused(installation: Installation) -> None:
    with pytest.raises(Invalid):
        await sending(installation).SendForScript(await request_for(installation, "imap/1/0", DiscardAction()))
