"""A right that ends between the question whether it is held and the unit of work: nothing is done with it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.directory.app import build as build_directory
from services.mailstore.handlers.access_lists import AccessLists
from services.mailstore.handlers.held_rights import Holders
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import session_account
from shared.rpc.mailfold.mailstore.v1 import annotations_pb2
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsStub
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from tests.harness.mails import MAIL
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.test_sharing import Sharers
from tests.parts import nats
from tests.parts.required import needs

_BY = Provenance(Actor("user", "ann"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    needs(nats)
    folder = tmp_path_factory.mktemp("races")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, {"sharing.enabled": "true"}, build_directory) as started:
        yield started


def take_before_the_next_write(people: Sharers, monkeypatch: pytest.MonkeyPatch, mailbox: str, right: str) -> None:
    """Let Ann take a right from Bob when his next unit of work is about to begin."""
    mailstore: Any = people.server.app("mailstore")
    write, owner, bob = mailstore.store.write, people.accounts[people.ann], people.accounts[people.bob]
    lists = AccessLists(mailstore.store, Holders(mailstore.book), 100)

    async def after_taking(work: Any, **options: Any) -> Any:
        if session_account() == bob:
            monkeypatch.setattr(mailstore.store, "write", write)
            await lists.change(owner, owner, mailbox, people.bob, "-", right, _BY)
        return await write(work, **options)

    monkeypatch.setattr(mailstore.store, "write", after_taking)


def replaced(owner: str, source: str) -> tuple[Any, str, Any]:
    message = pb.AppendMessage(blob="b", size=1)
    return (
        MailstoreStub,
        "Replace",
        pb.ReplaceRequest(account=owner, mailbox=source, uid=1, target="Goal", message=message),
    )


def renamed(owner: str, _source: str) -> tuple[Any, str, Any]:
    return MailstoreStub, "RenameMailbox", pb.RenameMailboxRequest(account=owner, name="Source", new_name="Goal/New")


def annotated(owner: str, _source: str) -> tuple[Any, str, Any]:
    value = annotations_pb2.Annotation(entry="/shared/comment", value=b"x")
    request = annotations_pb2.SetAnnotationsRequest(account=owner, mailbox="Goal", annotations=[value])
    return AnnotationsStub, "SetAnnotations", request


def stored_own(owner: str, source: str) -> tuple[Any, str, Any]:
    uids = pb.UidSet(bounds=[1, 1])
    return MailstoreStub, "Store", pb.StoreRequest(account=owner, mailbox=source, uids=uids, flags=["\\Seen"])


def created(owner: str, _source: str) -> tuple[Any, str, Any]:
    return MailstoreStub, "CreateMailbox", pb.CreateMailboxRequest(account=owner, name="Goal/New")


def test_the_own_seen_is_not_set_after_the_right_has_ended(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    people = Sharers(server)
    ann = people.log_in(people.ann)
    ann.ok("CREATE Source")
    ann.ok(f"SETACL Source {people.bob} lrsw")
    ann.ok('SETMETADATA Source (/shared/vendor/mailfold/seen "own")')
    ann.append(MAIL, "Source")
    owner, bob = people.accounts[people.ann], people.accounts[people.bob]
    listed = pb.ListMailboxesRequest(account=owner, name="Source")
    source = people.mailstore(owner, MailstoreStub, "ListMailboxes", listed).mailboxes[0].id
    take_before_the_next_write(people, monkeypatch, "Source", "s")
    with pytest.raises(Exception, match="no right"):
        people.mailstore(bob, *stored_own(owner, source))
    assert people.mailstore(bob, MailstoreStub, "ListMailboxes", listed).mailboxes[0].unseen == 1


@pytest.mark.parametrize(("call", "right"), [(replaced, "i"), (renamed, "k"), (annotated, "w"), (created, "k")])
def test_a_right_is_looked_at_within_the_unit_of_work(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch, call: Callable[[str, str], tuple[Any, str, Any]], right: str
) -> None:
    people = Sharers(server)
    ann = people.log_in(people.ann)
    for name in ("Source", "Goal"):
        ann.ok(f"CREATE {name}")
        ann.ok(f"SETACL {name} {people.bob} lrswitekx")
    ann.append(MAIL, "Source")
    owner, bob = people.accounts[people.ann], people.accounts[people.bob]
    request = pb.ListMailboxesRequest(account=owner, name="Source")
    source = people.mailstore(owner, MailstoreStub, "ListMailboxes", request).mailboxes[0].id
    take_before_the_next_write(people, monkeypatch, "Goal", right)
    with pytest.raises(Exception, match="no right"):
        people.mailstore(bob, *call(owner, source))
    assert right.encode() not in ann.ok("GETACL Goal")[0].split()[-1]
    assert ann.ok('LIST "" Goal/*') == []
    assert ann.ok("STATUS Source (MESSAGES)") == [b'* STATUS "Source" (MESSAGES 1)']


def test_the_right_to_another_account_is_looked_at_when_a_message_is_replaced(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = Sharers(server)
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    ann.ok("CREATE Goal")
    ann.ok(f"SETACL Goal {people.bob} lri")
    bob.append(MAIL)
    owner, own = people.accounts[people.ann], people.accounts[people.bob]
    named = pb.ListMailboxesRequest(account=own, name="INBOX")
    inbox = people.mailstore(own, MailstoreStub, "ListMailboxes", named).mailboxes[0].id
    stub, method, request = replaced(own, inbox)
    request.target_account = owner
    take_before_the_next_write(people, monkeypatch, "Goal", "i")
    with pytest.raises(Exception, match="no right"):
        people.mailstore(own, stub, method, request)
    assert bob.ok("STATUS INBOX (MESSAGES)") == [b'* STATUS "INBOX" (MESSAGES 1)']
    assert ann.ok("STATUS Goal (MESSAGES)") == [b'* STATUS "Goal" (MESSAGES 0)']
