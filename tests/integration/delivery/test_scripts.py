"""Scripts run once for a mail, before anything is done; what is unavailable is tried again, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.blobs.blob_id import BlobId
from shared.events.delivery import DeliveryListExpanded, DeliveryPlanned, Step
from shared.events.scripts import ACTIVE, AFTER, BEFORE, SERVER
from shared.grpc.errors import LimitReached, Unavailable
from shared.protocol.mailing_list.post import NoPost
from shared.rpc.mailfold.directory.v1 import directory_pb2, lists_pb2
from shared.rpc.mailfold.directory.v1.blocking_pb2 import BlockingEntriesRequest
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.rpc.mailfold.mailstore.v1.scripts_pb2 import ActivateScriptRequest, PutScriptRequest
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub
from tests.harness.waiting import until_true
from tests.integration.delivery.installation import BODY, DELIVER, ENQUEUE, Installation
from tests.parts import nats

GET_SCRIPT = "/mailfold.mailstore.v1.Scripts/GetScript"
LIST_MAILBOXES = "/mailfold.mailstore.v1.Mailstore/ListMailboxes"
OWNER_OF = "/mailfold.directory.v1.Addressees/ScriptOwnerOf"
ALL = 'require ["fileinto", "copy", "mailbox", "editheader", "imap4flags", "duplicate", "include", "variables"];\n'


@pytest.fixture(params=["sqlite", "postgres"])
async def installation(
    request: pytest.FixtureRequest, tmp_path: Path, nats_server: nats.NatsServer
) -> AsyncIterator[Installation]:
    flags = {"bus.max_attempts": "2", "server.call_timeout": "2"}
    if request.param == "postgres":
        flags["server.store"] = request.getfixturevalue("postgres_server").create_database()
    async with ThreePeople(tmp_path, nats_server, flags) as started:
        yield started


class ThreePeople:
    """An installation with ann, bob and carl."""

    def __init__(self, folder: Path, bus: nats.NatsServer, flags: Mapping[str, str]) -> None:
        self._installation = Installation(folder / "data", bus.url, flags)

    async def __aenter__(self) -> Installation:
        await self._installation.start()
        await self._installation.add_people("ann", "bob", "carl")
        return self._installation

    async def __aexit__(self, *_: object) -> None:
        await self._installation.stop()


async def account_of(installation: Installation, name: str) -> str:
    account = await installation.directory.ShowAccount(directory_pb2.NameRequest(name=f"{name}@example.org"))
    return str(account.id)


async def use(installation: Installation, name: str, source: str, place: str = ACTIVE) -> str:
    """Give an account, or the server, a script, and wait until delivery knows it; returns the owner."""
    owner = SERVER if name == SERVER else await account_of(installation, name)
    stub = ScriptsStub(installation.host.channel("mailstore", "operator"))
    request = PutScriptRequest(
        owner=owner,
        name="main" if place == ACTIVE else place,
        source=(ALL + source).encode(),
        place=place,
        activate=True,
    )
    digest = (await stub.PutScript(request)).script.digest
    scripts = installation.delivery.scripts
    await until_true(lambda: place in scripts.of(owner) and scripts.of(owner)[place].digest == digest)
    return owner


async def delivered(installation: Installation, *recipients: str, body: bytes = BODY) -> tuple[Step, ...]:
    """Deliver a mail; returns the steps of its plan."""
    mail = await installation.submitted(*recipients, body=body)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    return await plan_of(installation, mail.queue_id)


async def plan_of(installation: Installation, queue_id: str) -> tuple[Step, ...]:
    (planned,) = [event for event in await installation.events_of_mail(queue_id) if isinstance(event, DeliveryPlanned)]
    return planned.steps


async def test_copies_are_stored_as_the_script_says(installation: Installation) -> None:
    await use(
        installation, "ann", 'fileinto :create :flags ["\\\\Seen", "work"] "A/B"; fileinto :copy "Archive"; keep;'
    )
    steps = await delivered(installation, "ann@example.org", "bob@example.org")
    assert [(step.account != "", step.mailbox, step.line) for step in steps] == [
        (True, "A/B", 2),
        (True, "Archive", 2),
        (True, "", 2),
        (True, "", 0),
    ]
    for mailbox in ("A/B", "Archive", "INBOX"):
        assert await installation.count("ann", mailbox) == 1
    assert await installation.count("bob") == 1
    await installation.verify()


async def test_the_blob_is_read_once_and_nobody_is_asked_for_accounts_without_scripts(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob"):
        await use(installation, name, 'if header :contains "subject" "x" { discard; }')
    asked: list[str] = []
    for service, path in (("mailstore", LIST_MAILBOXES), ("directory", OWNER_OF)):
        note(installation, service, path, asked)
    read = installation.host.blobs.read
    blobs: list[BlobId] = []

    async def noted(blob: BlobId) -> Any:
        blobs.append(blob)
        return await read(blob)

    monkeypatch.setattr(installation.host.blobs, "read", noted)
    await delivered(installation, "ann@example.org", "bob@example.org")
    assert len(blobs) == 1
    assert asked == [OWNER_OF, OWNER_OF]
    await delivered(installation, "carl@example.org")
    assert (len(blobs), len(asked)) == (1, 2)


def note(installation: Installation, service: str, path: str, asked: list[str]) -> None:
    """Note the calls of a method."""
    behaviour = installation.methods[service][path].behaviour

    async def noted(request: Any, context: Any) -> Any:
        asked.append(path)
        return await behaviour(request, context)

    installation.replace(service, path, noted)


@pytest.mark.parametrize(("service", "path"), [("mailstore", GET_SCRIPT), ("directory", OWNER_OF)])
async def test_what_is_unavailable_is_tried_again_and_is_no_error_of_the_script(
    installation: Installation, service: str, path: str
) -> None:
    await use(installation, "ann", 'fileinto "Archive";')
    calls = 0

    async def away(request: Any, context: Any) -> Any:
        nonlocal calls
        calls += 1
        raise Unavailable("away")

    method = installation.replace(service, path, away)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until_true(lambda: calls > 1)
    assert not installation.settled
    assert not await installation.events_of_mail(mail.queue_id)
    installation.methods[service][path] = method
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann", "Archive"), await installation.count("ann")) == (1, 0)


async def test_a_repeat_carries_out_the_recorded_plan_whatever_the_script_says_by_then(
    installation: Installation,
) -> None:
    await use(installation, "ann", 'fileinto "Archive";')
    method = installation.methods["mailstore"].pop(DELIVER)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until_true(lambda: _is_planned(installation, mail.queue_id))
    await use(installation, "ann", "discard;")
    installation.methods["mailstore"][DELIVER] = method
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert await installation.count("ann", "Archive") == 1


async def _is_planned(installation: Installation, queue_id: str) -> bool:
    return bool(await installation.events_of_mail(queue_id))


async def test_nothing_leaves_before_the_copies_are_stored(installation: Installation) -> None:
    await use(installation, "ann", 'redirect :copy "out@example.net"; fileinto "Archive";')
    method = installation.methods["mailstore"].pop(DELIVER)
    sent: list[str] = []
    note(installation, "outbound", ENQUEUE, sent)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until_true(lambda: _is_planned(installation, mail.queue_id))
    assert not sent
    installation.methods["mailstore"][DELIVER] = method
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (len(sent), await installation.count("ann", "Archive")) == (1, 1)


async def test_a_duplicate_is_remembered_only_of_a_mail_that_was_stored(installation: Installation) -> None:
    await use(installation, "ann", "if duplicate { discard; }")

    async def full(request: Any, context: Any) -> Any:
        raise LimitReached("the mailbox is full", "OVERQUOTA")

    method = installation.replace("mailstore", DELIVER, full)
    first = await installation.submitted("ann@example.org", sender="")
    await installation.publish(first)
    assert await installation.until_settled(first.queue_id) == {"ann@example.org": "bounced"}
    installation.methods["mailstore"][DELIVER] = method
    assert [step.action for step in await delivered(installation, "ann@example.org")] == ["store", "remember"]
    assert (await delivered(installation, "ann@example.org"))[0].action == "discard"
    assert await installation.count("ann") == 1


async def test_an_edited_copy_is_a_message_of_its_own(installation: Installation) -> None:
    await use(installation, "ann", 'addheader "X-Top" "1"; deleteheader "Subject"; addheader :last "X-End" "2";')
    (step, other) = await delivered(installation, "ann@example.org", "bob@example.org")
    (message,) = await installation.messages("ann")
    top, _, rest = message.partition(b"Received: by mail.example.org\r\n")
    assert top.splitlines()[2] == b"X-Top: 1"
    assert b"Subject" not in rest and rest.endswith(b"X-End: 2\r\n\r\nHello.\r\n")
    assert (step.edited_size, other.edited) == (len(rest), "")
    assert (await installation.messages("bob"))[0].endswith(BODY)
    account = await account_of(installation, "ann")
    quota = await installation.mailstore.Quota(mailstore_pb2.QuotaRequest(account=account))
    assert quota.used_bytes == len(message)


async def test_scripts_of_operator_and_owner_see_each_others_changes(installation: Installation) -> None:
    before = 'addheader "X-Before" "yes"; deleteheader "Subject"; keep :flags "\\\\Flagged";'
    await use(installation, SERVER, before, BEFORE)
    await use(installation, SERVER, 'if not exists ["X-Before", "X-Mine"] { discard; }', AFTER)
    script = (
        'if allof(exists "X-Before", not exists "Subject") { addheader "X-Mine" "too"; deleteheader "Message-ID"; }'
    )
    await use(installation, "ann", script)
    (step,) = await delivered(installation, "ann@example.org")
    assert (step.action, step.flags) == ("store", ("\\Flagged",))
    (message,) = await installation.messages("ann")
    header = message.partition(b"\r\n\r\n")[0]
    assert header.splitlines()[2:4] == [b"X-Mine: too", b"X-Before: yes"]
    assert b"Subject" not in header and b"Message-ID" not in header


async def test_a_local_redirect_runs_the_script_of_the_next_account_and_a_loop_keeps(
    installation: Installation,
) -> None:
    await use(installation, "ann", 'addheader "X-Ann" "1"; redirect "bob@example.org";')
    await use(installation, "bob", 'if exists "X-Ann" { fileinto "Archive"; }')
    steps = await delivered(installation, "ann@example.org")
    assert [(step.action, step.mailbox) for step in steps] == [("store", "Archive")]
    assert await installation.count("bob", "Archive") == 1
    await use(installation, "bob", 'redirect "ann@example.org";')
    await delivered(installation, "ann@example.org")
    assert (await installation.count("ann"), await installation.count("bob")) == (0, 1)


async def test_a_mailbox_that_vanishes_before_the_delivery_is_inbox(installation: Installation) -> None:
    await use(installation, "ann", 'fileinto :create "New";')
    await delivered(installation, "ann@example.org")
    await use(installation, "ann", 'fileinto "New";')
    method = installation.methods["mailstore"].pop(DELIVER)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until_true(lambda: _is_planned(installation, mail.queue_id))
    account = await account_of(installation, "ann")
    await installation.mailstore.DeleteMailbox(mailstore_pb2.MailboxNameRequest(account=account, name="New"))
    installation.methods["mailstore"][DELIVER] = method
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert await installation.count("ann") == 1


async def test_a_failed_script_keeps_the_mail_and_the_plan_says_where(installation: Installation) -> None:
    await use(installation, "ann", 'addheader "X" "1";\nfileinto "Nowhere";')
    (step, *_) = await delivered(installation, "ann@example.org")
    assert step.reason == 'script "main" failed at line 3: there is no mailbox "Nowhere"'
    (message,) = await installation.messages("ann")
    assert b"X: 1" not in message
    await use(installation, "ann", 'include "missing";')
    (step, *_) = await delivered(installation, "ann@example.org")
    assert "missing" in step.reason and step.mailbox == ""


async def test_an_emptied_place_runs_no_script(installation: Installation) -> None:
    owner = await use(installation, "ann", "discard;")
    stub = ScriptsStub(installation.host.channel("mailstore", "operator"))
    await stub.ActivateScript(ActivateScriptRequest(owner=owner, name="", place=ACTIVE))
    await until_true(lambda: not installation.delivery.scripts.has_scripts(owner))
    await delivered(installation, "ann@example.org")
    assert await installation.count("ann") == 1


async def test_the_work_of_all_runs_of_an_account_is_limited(tmp_path: Path, nats_server: nats.NatsServer) -> None:
    flags = {"sieve.work_per_hour": "10000000"}
    body = BODY.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + b"x" * 400_000 + b"\r\n"
    script = 'require "body"; if body :raw :matches ["*a*b*", "*c*d*", "*e*f*", "*g*h*"] { stop; } fileinto "Archive";'
    async with ThreePeople(tmp_path, nats_server, flags) as installation:
        await use(installation, "ann", script)
        await use(installation, "bob", 'fileinto "Archive";')
        for _ in range(12):
            (step, *_) = await delivered(installation, "ann@example.org", body=body)
            if step.reason:
                break
        assert "within an hour" in step.reason
        assert (await installation.count("ann"), await installation.count("ann", "Archive") > 0) == (1, True)
        await delivered(installation, "bob@example.org", body=body)
        assert await installation.count("bob", "Archive") == 1


async def test_a_header_of_a_hundred_thousand_fields(tmp_path: Path, nats_server: nats.NatsServer) -> None:
    """More than the ingress takes. Half a megabyte of it is examined, and nothing of the rest is lost."""
    body = b"X:1\r\n" * 100_000 + BODY
    script = 'deleteheader "X"; addheader "X-Top" "1"; addheader :last "X-End" "2"; fileinto "Archive";'
    async with ThreePeople(tmp_path, nats_server, {}) as installation:
        await use(installation, "ann", script)
        (step, *_) = await delivered(installation, "ann@example.org", body=body)
        stored = await installation.blobs.read(BlobId(step.edited)) if step.edited else None
        if stored is None:  # the work for it is more than a script may do
            assert step.reason and await installation.count("ann") == 1
        else:
            assert stored.read(0, stored.body_size).endswith(BODY.replace(b"\r\n\r\n", b"\r\nX-End: 2\r\n\r\n"))
            assert 0 < stored.body_size < len(body)


async def test_external_lists_are_the_senders_whom_the_owner_allows_and_blocks(installation: Installation) -> None:
    blocking = BlockingStub(installation.host.channel("directory", "operator"))
    for chosen, pattern in (("allow", "*@friends.example"), ("block", "bob@example.org")):
        request = BlockingEntriesRequest(account="ann@example.org", list=chosen, patterns=[pattern])
        await blocking.AddEntries(request)
    stub = ScriptsStub(installation.host.channel("mailstore", "operator"))
    owner = await account_of(installation, "ann")
    source = (
        'require ["extlists", "fileinto", "mailbox", "envelope"]; '
        'if not valid_ext_list ["urn:mailfold:blocked-senders", ":addrbook:default"] { discard; stop; } '
        'if envelope :list "from" ":addrbook:default" { fileinto :create "Friends"; } '
        'elsif address :list "from" "urn:mailfold:blocked-senders" { fileinto :create "Blocked"; }'
    )
    put = PutScriptRequest(owner=owner, name="lists", source=source.encode(), activate=True)
    await stub.PutScript(put)
    await until_true(lambda: installation.delivery.scripts.has_scripts(owner))
    for sender, mailbox in (("eve@friends.example", "Friends"), ("eve@far.example", "Blocked")):
        mail = await installation.submitted("ann@example.org", sender=sender)
        await installation.publish(mail)
        await installation.until_settled(mail.queue_id)
        assert await installation.count("ann", mailbox) == 1


async def test_the_script_of_a_member_cannot_pass_by_the_rules_of_another_list(installation: Installation) -> None:
    lists = ListsStub(installation.host.channel("directory", "operator"))
    for address, member in (("outer@example.org", "bob@example.org"), ("inner@example.org", "ann@example.org")):
        await lists.AddList(lists_pb2.AddListRequest(address=address, owners=["ann@example.org"]))
        await lists.JoinList(lists_pb2.ListMembersRequest(name=address, members=[member]))
    await lists.ChangeList(lists_pb2.ChangeListRequest(name="outer@example.org", members_only=False))
    await installation.followed()
    await use(installation, "bob", 'redirect "inner@example.org";')
    mail = await installation.submitted("outer@example.org", body=BODY)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    events = await installation.events_of_mail(mail.queue_id)
    parts = [event for event in events if isinstance(event, DeliveryListExpanded)]
    steps = [(step.action, step.reason) for part in parts for step in part.steps]
    assert steps == [("discard", NoPost.NOT_MEMBER.value)]
    assert await installation.count("ann") == 0


async def test_a_mailing_list_exists_for_a_script_that_may_redirect_to_it(installation: Installation) -> None:
    lists = ListsStub(installation.host.channel("directory", "operator"))
    await lists.AddList(lists_pb2.AddListRequest(address="devs@example.org", owners=["ann@example.org"]))
    await installation.followed()
    source = (
        'require ["extlists", "imap4flags"]; if valid_ext_list "mailto:devs@example.org" { addflag "$There"; }'
        ' if valid_ext_list ["mailto:ann@example.org", "mailto:none"] { addflag "$Wrong"; }'
    )
    await use(installation, "ann", source)
    (step,) = await delivered(installation, "ann@example.org")
    assert step.flags == ("$There",)
