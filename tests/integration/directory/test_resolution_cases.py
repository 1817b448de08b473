"""The directory itself answers every case of the table, and a copy that was made from its events as well."""

from __future__ import annotations

import re
from typing import Any

from services.directory.handlers.book import book_events
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.rpc.mailfold.directory.v1 import credentials_pb2, groups_pb2, lists_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from tests.harness.resolution_cases import CaseLine, CaseSection, described, expected, sections
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_lists import lists_of

_USERS = frozenset({"ann", "bob", "eve", "boss", "marie"})


async def change(running: Running, words: tuple[str, ...]) -> None:
    stub = running.stub
    match words:
        case ("domain" | "outgoing" as kind, name, *alias):
            await stub.AddDomain(pb.AddDomainRequest(name=name, incoming=kind == "domain"))
            if alias:
                await stub.AliasDomain(pb.AliasDomainRequest(name=name, domain=alias[1]))
        case ("account", address, user):
            await stub.AddUser(pb.AddUserRequest(name=user, password="correct horse battery"))
            await stub.AddAccount(pb.AddAccountRequest(address=address, user=user))
        case ("alias", address, *targets):
            await stub.AddAlias(pb.AddAliasRequest(address=address, targets=targets))
        case ("owners", address, *users):
            await stub.ChangeAlias(pb.ChangeAliasRequest(address=address, owners=pb.Names(names=users)))
        case ("value", domain, name, *texts):
            await stub.SetDomainValue(pb.DomainValueRequest(name=domain, value_name=name, value=" ".join(texts)))
        case ("application" | "receive", *_) | ("disable", "application", _):
            await change_application(CredentialsStub(running.channel("operator")), words)
        case ("group" | "owned" | "leave", *_):
            await change_group(running, words)
        case ("list", address, *owners):
            await lists_of(running).AddList(lists_pb2.AddListRequest(address=address, owners=owners))
        case ("disable", "list", address):
            await lists_of(running).ChangeList(lists_pb2.ChangeListRequest(name=address, disabled=True))
        case ("disable", "account", address):
            await stub.ChangeAccount(pb.ChangeAccountRequest(address=address, disabled=True))
        case ("disable", "alias", address):
            await stub.ChangeAlias(pb.ChangeAliasRequest(address=address, disabled=True))
        case ("disable", "domain", name):
            await stub.ChangeDomain(pb.ChangeDomainRequest(name=name, disabled=True))
        case _:
            raise AssertionError(f"no change {words}")


async def change_application(stub: Any, words: tuple[str, ...]) -> None:
    match words:
        case ("application", address):
            await stub.AddApplication(credentials_pb2.AddApplicationRequest(address=address))
        case ("receive", address):
            await stub.ChangeApplication(credentials_pb2.ChangeApplicationRequest(name=address, receives=True))
        case (_, _, address):
            await stub.ChangeApplication(credentials_pb2.ChangeApplicationRequest(name=address, disabled=True))


async def change_group(running: Running, words: tuple[str, ...]) -> None:
    groups = GroupsStub(running.channel("operator"))
    match words:
        case ("group", group, *users):
            await groups.AddGroup(groups_pb2.AddGroupRequest(name=group, users=users))
        case ("owned", address, group):
            await running.stub.AddAccount(pb.AddAccountRequest(address=address, group=group))
        case ("leave", group, user):
            await groups.LeaveGroup(groups_pb2.MembersRequest(group=group, users=[user]))


async def answer(running: Running, words: tuple[str, ...]) -> str:
    if len(words) == 3:
        user = await running.stub.ShowUser(pb.NameRequest(name=words[0]))
        reply = await running.stub.MaySendAs(pb.MaySendAsRequest(user=user.id, addresses=[words[2]]))
        return "no" if reply.refused else "yes"
    resolution = await running.stub.Resolve(pb.ResolveRequest(address=words[0]))
    kind = pb.Resolution.Kind.Name(resolution.kind).lower().replace("_", "-")
    return described(kind, tuple(target.address for target in resolution.targets), resolution.detail)


class Section:
    """A section in domains and with users of its own, so that all of them share a directory."""

    def __init__(self, number: int, section: CaseSection) -> None:
        self.title = section.title
        self._suffix = f"{number}.example"
        self.lines = [
            CaseLine(line.number, tuple(map(self._own, line.words)), line.answer and self._own(line.answer))
            for line in section.lines
        ]

    def _own(self, text: str) -> str:
        """The text with the domains of this section; names of users get them too, because they are unique."""
        if text in _USERS:
            return f"{text} of {self._suffix}"
        return re.sub(r"\b([abc])\.example", rf"\1.{self._suffix}", text, flags=re.IGNORECASE)


async def test_the_directory_answers_and_so_does_a_copy(directory: Running) -> None:
    mine = [Section(number, section) for number, section in enumerate(sections())]
    for section in mine:
        for line in section.lines:
            if line.answer:
                assert await answer(directory, line.words) == expected(line.answer), (section.title, line.number)
            else:
                await change(directory, line.words)
    copied = AddressBook()
    async for events in book_events(directory.store):
        for event in events:
            copied.apply(event)
    for section in mine:
        last = {line.words[0]: line.answer for line in section.lines if line.answer and len(line.words) == 1}
        for address, text in last.items():
            resolution = copied.resolve(parse_address(address))
            targets = tuple(target.address for target in resolution.targets)
            assert described(resolution.kind.value, targets, resolution.detail) == expected(text), address
