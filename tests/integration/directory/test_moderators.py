"""Moderators of mailing lists, over the directory's socket: who is one, who may name them, and whose right ends."""

from __future__ import annotations

from typing import Any

import pytest

from shared.grpc.call import acting
from shared.grpc.errors import Denied, Invalid, NotFound, ServiceError, Unavailable
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2
from shared.rpc.mailfold.directory.v1 import archives_pb2, directory_pb2, lists_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import moderators_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_lists import DEVS, add
from tests.integration.directory.test_rights import as_user

ANN, BOB, CARL = "ann@example.org", "bob@example.org", "carl@example.net"


def moderators_of(running: Running, caller: str = "operator") -> Any:
    return ModeratorsStub(running.channel(caller))


async def name(running: Running, *moderators: str, moderate: str = "all") -> pb.Moderation:
    listed = pb.ListOfModerators(moderators=moderators)
    request = pb.SetModerationRequest(name=DEVS, moderate=moderate, moderators=listed)
    made: pb.Moderation = await moderators_of(running).SetModeration(request)
    return made


async def is_moderator(running: Running, **author: str) -> bool:
    asked = pb.JudgePostRequest(name=DEVS, **author)
    return bool((await moderators_of(running, "delivery").ListModeratorsOf(asked)).moderators)


async def add_bob(running: Running) -> None:
    await running.stub.AddUser(directory_pb2.AddUserRequest(name="bob", password="correct horse"))
    await running.stub.AddAccount(directory_pb2.AddAccountRequest(address=BOB, user="bob"))


async def test_moderators_are_accounts_here_or_addresses_elsewhere(people: Running) -> None:
    await add(people)
    await people.stub.AddAlias(directory_pb2.AddAliasRequest(address="mods@example.org", targets=[ANN]))
    made = await name(people, "Ann+tag@EXAMPLE.org", ANN, CARL, moderate="non-members")
    assert (list(made.moderators), made.moderate, made.days) == ([ANN, CARL], "non-members", 7)
    for wrong in ("mods@example.org", "nobody@example.org"):
        with pytest.raises(NotFound, match="has an account"):
            await name(people, wrong)
    with pytest.raises(Invalid, match="needs a moderator"):
        await name(people)
    await people.restart()
    shown = await moderators_of(people).ShowModeration(pb.ModerationRequested(name=DEVS))
    assert (list(shown.moderators), shown.moderate) == ([ANN, CARL], "non-members")
    assert await is_moderator(people, author=CARL) and await is_moderator(people, author="ann@example.org")
    assert not await is_moderator(people, author="Dora@example.net") and not await is_moderator(people)
    judged = await moderators_of(people, "ingress").JudgePost(pb.JudgePostRequest(name=DEVS, author="x@example.com"))
    assert (judged.allowed, judged.held, judged.is_member, judged.most_posts) == (True, True, False, 100)


async def test_a_new_holder_of_an_address_moderates_nothing(people: Running) -> None:
    await add(people)
    await add_bob(people)
    await name(people, ANN, BOB, CARL)
    assert await is_moderator(people, author=BOB)
    archives = ArchivesStub(people.channel("operator"))
    named = await archives.ListReferences(archives_pb2.ReferencesRequest(account=BOB))
    assert list(named.lists) == [DEVS], "the removal shows what ends"
    await archives.RemoveAccount(
        archives_pb2.RemoveAccountRequest(account=BOB, fate=archives_pb2.RemoveAccountRequest.DELETE)
    )
    assert not await is_moderator(people, author=BOB)
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="bobby", password="correct horse"))
    await people.stub.AddDomain(directory_pb2.AddDomainRequest(name="example.net", incoming=True))
    assert not await is_moderator(people, author=CARL), "an address here needs an account"
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address=CARL, user="bobby"))
    assert not await is_moderator(people, author=CARL)
    shown = await moderators_of(people).ShowModeration(pb.ModerationRequested(name=DEVS))
    assert list(shown.moderators) == [ANN]


async def test_only_moderators_and_admins_of_the_domain_decide(people: Running) -> None:
    await add(people)
    await add_bob(people)
    await name(people, ANN)
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="carla", password="correct horse"))
    await RolesStub(people.channel("operator")).GiveRole(
        roles_pb2.GiveRoleRequest(user="carla", role="domain-admin", domains=["example.org"])
    )
    stub = moderators_of(people)
    calls = {
        "ListHeld": heldposts_pb2.ListHeldRequest(name=DEVS),
        "DecidePost": heldposts_pb2.DecideRequest(name=DEVS, id="h1", decision="approve"),
        "SetModeration": pb.SetModerationRequest(name=DEVS, days=3),
        "JudgePost": pb.JudgePostRequest(name=DEVS),
        "ListModeratorsOf": pb.JudgePostRequest(name=DEVS),
    }

    async def reached(user: str) -> set[str]:
        """The methods that the user may call; delivery does not run."""
        names = set[str]()
        with acting(await as_user(people, user)):
            for method, request in calls.items():
                try:
                    await getattr(stub, method)(request)
                except Denied:
                    continue
                except ServiceError as error:
                    assert isinstance(error, Unavailable), error
                names.add(method)
        return names

    assert await reached("bob") == set()
    assert await reached("ann") == {"ListHeld", "DecidePost"}
    assert await reached("carla") == {"ListHeld", "DecidePost", "SetModeration"}
    await name(people, BOB)
    assert (await reached("ann"), await reached("bob")) == (set(), {"ListHeld", "DecidePost"})
    await people.stub.ChangeAccount(directory_pb2.ChangeAccountRequest(address=BOB, disabled=True))
    assert await reached("bob") == set()


async def test_a_removed_list_has_no_moderators(people: Running) -> None:
    stub = await add(people)
    await name(people, ANN)
    await stub.RemoveList(lists_pb2.ListRequested(name=DEVS))
    await add(people)
    shown = await moderators_of(people).ShowModeration(pb.ModerationRequested(name=DEVS))
    assert (list(shown.moderators), shown.moderate) == ([], "none")
