"""Shared mailboxes: who loses rights, and how; what is not seen is answered like what does not exist."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from services.directory.app import build as build_directory
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting, asked_by, session_account
from shared.rpc.mailfold.directory.v1 import archives_pb2, directory_pb2, groups_pb2, sharing_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.sharing_pb2_grpc import SharingStub
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2 as rights_pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.mailstore.v1.sharing_pb2_grpc import MailboxSharingStub
from tests.harness.mails import MAIL
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.sharing_people import SharingPeople
from tests.parts import nats
from tests.parts.required import needs

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    needs(nats)
    folder = tmp_path_factory.mktemp("shared")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, {"sharing.enabled": "true"}, build_directory) as started:
        yield started


class Sharers(SharingPeople):
    """Ann, who shares, and Bob, in a domain of their own."""

    def __init__(self, server: ImapServer) -> None:
        number = next(_numbers)
        super().__init__(server, f"s{number}.example")
        self.make_domain(anyone=True)
        self.ann, self.bob = self.user(f"ann{number}"), self.user(f"bob{number}")
        self.bob_name = f"bob{number}"

    def log_in(self, address: str) -> ImapClient:
        client = ImapClient(self.server, "")
        client.ok(f'LOGIN {address} "{PASSWORD}"')
        return client

    def of_ann(self, name: str) -> str:
        return f'"Other Users/{self.ann}/{name}"'

    def mailstore(self, account: str, contract: Any, method: str, request: Any, command: str = "") -> Any:
        """Call the mailstore as a session of this account does."""

        async def call() -> Any:
            assert self.server.host is not None
            stub = contract(self.server.host.channel("mailstore", "access" if account else "operator"))
            provenance = Provenance(Actor("user" if account else "operator", account), command=command)
            with acting(provenance), asked_by(account):
                return await getattr(stub, method)(request)

        return self.server.run(call())


@pytest.fixture
def people(server: ImapServer) -> Sharers:
    return Sharers(server)


def test_who_leaves_a_group_is_sent_away_while_idle(people: Sharers) -> None:
    team = people.group(f"team{next(_numbers)}", people.bob_name)
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    ann.ok("CREATE Plans")
    ann.ok(f"SETACL Plans {team} lr")
    bob.ok(f"SELECT {people.of_ann('Plans')}")
    bob.begin("IDLE")
    assert bob.line() == b"+ idling"
    request = groups_pb2.MembersRequest(group=team.partition("@")[0], users=[people.bob_name])
    people.ask(GroupsStub, "LeaveGroup", request)
    assert any(b"BYE The selected mailbox is gone" in line for line in iter(bob.line, b""))
    assert people.log_in(people.bob).ask(f"SELECT {people.of_ann('Plans')}")[0].startswith(b"NO [NONEXISTENT]")


def test_a_rule_of_the_domain_ends_what_it_forbids_and_gives_it_back(people: Sharers) -> None:
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    ann.ok("CREATE Plans")
    ann.ok(f"SETACL Plans {people.bob} lr")
    domain = people.ann.partition("@")[2]
    for visible, answer in (("nobody", b"NO [NONEXISTENT]"), ("domain", b"OK [READ-ONLY]")):
        people.ask(SharingStub, "SetSharing", sharing_pb2.SetSharingRequest(domain=domain, visible=visible))
        people.follow()
        assert bob.ask(f"SELECT {people.of_ann('Plans')}")[0].startswith(answer)


def test_the_rights_of_a_deleted_account_end(people: Sharers) -> None:
    ann = people.log_in(people.ann)
    ann.ok("CREATE Plans")
    ann.ok(f"SETACL Plans {people.bob} lr")
    ann.ok(f"SETACL Plans -{people.bob} w")
    removal = archives_pb2.RemoveAccountRequest(account=people.bob, fate=archives_pb2.RemoveAccountRequest.DELETE)
    people.ask(ArchivesStub, "RemoveAccount", removal)
    until(
        lambda: people.bob.encode() not in b"".join(acl := ann.ok("GETACL Plans")) and len(acl[0].split()) == 5, "end"
    )


@pytest.mark.parametrize(
    "command",
    [
        "SELECT {}",
        "EXAMINE {}",
        "STATUS {} (MESSAGES)",
        "GETACL {}",
        "MYRIGHTS {}",
        "SETACL {} anyone l",
        "DELETEACL {} anyone",
        "LISTRIGHTS {} anyone",
        "DELETE {}",
        'RENAME {} "Other Users/{ann}/New"',
        "CREATE {}",
        "GETQUOTAROOT {}",
        "GETMETADATA {} /private/comment",
        "SETMETADATA {} (/private/comment NIL)",
        "COPY 1 {}",
        "MOVE 1 {}",
        "APPEND {} {{1}}",
        'LIST "" {}',
        'LIST "" {} RETURN (MYRIGHTS STATUS (MESSAGES))',
    ],
)
def test_what_is_not_seen_does_not_exist(people: Sharers, command: str) -> None:
    """The answer to a mailbox without rights is that to a mailbox that is not there, with as many questions."""
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    ann.ok("CREATE Hidden")
    ann.ok(f"SETACL INBOX {people.bob} lr")
    bob.append(MAIL)
    answers = []
    for name in ("Before", "Hidden", "Absent"):  # the first answer fills what the session remembers
        bob.ok("SELECT INBOX")
        sent = command.replace("{ann}", people.ann).replace("{{1}}", "{1}").replace("{}", people.of_ann(name))
        before = _questions(people)
        answer, lines = bob.ask(sent)
        assert not answer.startswith(b"OK") or command.startswith("LIST")
        answers.append((answer.replace(name.encode(), b""), lines, _questions(people) - before))
    assert answers[1] == answers[2]


def _questions(people: Sharers) -> int:
    """How many questions of sessions the store has answered."""
    mailstore: Any = people.server.app("mailstore")
    if not hasattr(mailstore, "counted"):
        mailstore.counted = 0
        read = mailstore.store.read

        async def counting(query: Any) -> Any:
            mailstore.counted += session_account() != ""
            return await read(query)

        mailstore.store.read = counting
    return int(mailstore.counted)


def test_moves_between_accounts_are_repeated_without_doubles(people: Sharers) -> None:
    """A MOVE whose answer was lost is asked again with its command id: the messages are there once."""
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    ann.ok("CREATE Box")
    ann.ok(f"SETACL Box {people.bob} lri")
    for _ in range(3):
        bob.append(MAIL)
    account, owner = people.accounts[people.bob], people.accounts[people.ann]
    inbox = people.mailstore(
        account, MailstoreStub, "ListMailboxes", pb.ListMailboxesRequest(account=account, name="INBOX")
    )
    request = pb.CopyRequest(
        account=account,
        mailbox=inbox.mailboxes[0].id,
        uids=pb.UidSet(bounds=[1, 3]),
        target="Box",
        messages=3,
        target_account=owner,
    )
    replies = [people.mailstore(account, MailstoreStub, "Move", request, "c-move-once") for _ in range(2)]
    assert [list(reply.target.bounds) for reply in replies] == [[1, 3], [1, 3]]
    assert ann.ok("STATUS Box (MESSAGES)") == [b'* STATUS "Box" (MESSAGES 3)']
    assert bob.ok("STATUS INBOX (MESSAGES)") == [b'* STATUS "INBOX" (MESSAGES 0)']


def test_a_session_can_call_nothing_else_about_another_account(people: Sharers) -> None:
    """A method without a rule is refused, so that a new one gives nobody a right."""
    bob, owner = people.accounts[people.bob], people.accounts[people.ann]
    people.log_in(people.ann)
    with pytest.raises(Exception, match="no right"):
        people.mailstore(bob, MailstoreStub, "SubscribeMailbox", pb.SubscribeMailboxRequest(account=owner, name="x"))
    with pytest.raises(Exception, match="no right"):
        people.mailstore(bob, MailstoreStub, "ListMailboxes", pb.ListMailboxesRequest(account=owner))


def test_the_owner_lists_and_revokes_grants(people: Sharers) -> None:
    ann, bob = people.log_in(people.ann), people.log_in(people.bob)
    for name in ("One", "Two"):
        ann.ok(f"CREATE {name}")
        ann.ok(f"SETACL {name} {people.bob} lr")
    owner = people.accounts[people.ann]
    listed = people.mailstore("", MailboxSharingStub, "ListGrants", rights_pb.ListGrantsRequest(account=owner)).grants
    assert sorted((grant.mailbox, grant.identifier, grant.rights) for grant in listed) == [
        ("One", people.bob, "lr"),
        ("Two", people.bob, "lr"),
    ]
    bob.ok(f"SELECT {people.of_ann('One')}")
    request = rights_pb.RevokeGrantsRequest(account=owner, identifier=people.bob)
    assert people.mailstore("", MailboxSharingStub, "RevokeGrants", request).grants == 2
    with pytest.raises(ConnectionError):
        bob.ok("NOOP")
        bob.ok("NOOP")
    assert people.log_in(people.bob).ok('LIST "" "Other Users/*"') == []


def test_the_quota_of_the_owner_counts(people: Sharers) -> None:
    number = next(_numbers)
    small, address = f"small{number}", f"small{number}@{people.ann.partition('@')[2]}"
    people.ask(DirectoryStub, "AddUser", directory_pb2.AddUserRequest(name=small, password=PASSWORD))
    added = people.ask(
        DirectoryStub, "AddAccount", directory_pb2.AddAccountRequest(address=address, user=small, quota_bytes=2048)
    )
    people.accounts[address] = added.id
    people.follow()
    owner, bob = people.log_in(address), people.log_in(people.bob)
    owner.ok(f"SETACL INBOX {people.bob} lrsi")
    name = f'"Other Users/{address}/INBOX"'
    root = f"Other Users/{address}".encode()
    assert bob.ok(f"GETQUOTAROOT {name}")[1:] == [b'* QUOTA "%b" (STORAGE 0 2)' % root]
    assert bob.ok(f'GETQUOTA "{root.decode()}"') == [b'* QUOTA "%b" (STORAGE 0 2)' % root]
    bob.append(b"Subject: large\r\n\r\n" + b"x" * 3000)
    bob.ok("SELECT INBOX")
    for command in ("COPY", "MOVE"):
        assert bob.ask(f"{command} 1 {name}")[0].startswith(b"NO [OVERQUOTA]")
