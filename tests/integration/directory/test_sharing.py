"""The contract of sharing: the switch, the rules of domains, and who may ask and change what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.directory.handlers import sharing as handlers
from services.directory.handlers.book import book_events
from shared.events.directory import SettingChanged
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Denied, Invalid, NotFound
from shared.routing.address_book import AddressBook
from shared.routing.sharing import identify
from shared.rpc.mailfold.directory.v1 import allmail_pb2, roles_pb2, sharing_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.allmail_pb2_grpc import AllMailStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from shared.rpc.mailfold.directory.v1.sharing_pb2_grpc import SharingStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_bulk import history_of, revert

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.net"


@pytest.fixture
async def sharing(people: Running) -> Any:
    """Ann and bob in example.org, eve in example.net; carla administers example.org. Sharing is on."""
    people._environment["MAILFOLD_SHARING_ENABLED"] = "true"
    await people.restart()
    await people.stub.AddDomain(pb.AddDomainRequest(name="example.net", incoming=True))
    for name in ("bob", "eve", "carla"):
        await people.stub.AddUser(pb.AddUserRequest(name=name, password="correct horse"))
    for address in (BOB, EVE):
        await people.stub.AddAccount(pb.AddAccountRequest(address=address, user=address.partition("@")[0]))
    await RolesStub(people.channel("operator")).GiveRole(
        roles_pb2.GiveRoleRequest(user="carla", role="domain-admin", domains=["example.org"])
    )
    return SharingStub(people.channel("operator"))


async def seen(stub: Any, text: str, account: str = ANN) -> str:
    reply = await stub.Identify(sharing_pb2.IdentifyRequest(account=account, identifier=text))
    return str(reply.identifier.name)


async def listed(stub: Any, account: str = ANN, prefix: str = "", limit: int = 0) -> list[str]:
    names: list[str] = []
    after, is_first = "", True
    while after or is_first:
        request = sharing_pb2.ListIdentifiersRequest(account=account, prefix=prefix, after=after, limit=limit)
        page = await stub.ListIdentifiers(request)
        assert len(page.identifiers) <= (limit or 500)
        names += [identifier.name for identifier in page.identifiers]
        after, is_first = page.next, False
    return names


def rule(domain: str, visible: str = "", *domains: str, **values: bool) -> sharing_pb2.SetSharingRequest:
    return sharing_pb2.SetSharingRequest(domain=domain, visible=visible, domains=domains, **values)


async def as_user(running: Running, name: str) -> Provenance:
    return Provenance(Actor("user", (await running.stub.ShowUser(pb.NameRequest(name=name))).id))


async def test_nobody_is_seen_until_sharing_is_switched_on(people: Running) -> None:
    stub = SharingStub(people.channel("operator"))
    shown = await stub.ShowSharing(sharing_pb2.ShowSharingRequest(domain="example.org"))
    assert (shown.enabled, shown.visible, list(shown.sees)) == (False, "domain", [])
    assert (await seen(stub, ANN), await listed(stub)) == ("", [])


async def test_the_switch_is_an_event_of_a_start(
    people: Running, sharing: Any, events_of: Callable[[Running], Any]
) -> None:
    assert await seen(sharing, BOB) == BOB
    people._environment["MAILFOLD_SHARING_ENABLED"] = "false"
    await people.restart()
    await people.restart()
    off = SharingStub(people.channel("operator"))
    assert (await seen(off, BOB), await listed(off)) == ("", [])
    switched = [entry.event.on for name, entry in await events_of(people) if name == "sharing.switched"]
    assert switched == [True, False]
    assert not any(isinstance(entry.event, SettingChanged) for _, entry in await events_of(people))


async def test_two_domains_agree_and_a_restart_and_a_copy_know_it(people: Running, sharing: Any) -> None:
    await sharing.SetSharing(rule("example.org", "domains", "example.net"))
    assert (await seen(sharing, EVE), await listed(sharing)) == ("", [ANN, BOB])
    changed = await sharing.SetSharing(rule("example.net", "all", anyone=True))
    assert (changed.visible, changed.anyone, list(changed.sees)) == ("all", True, ["example.net", "example.org"])
    assert (await seen(sharing, EVE), await listed(sharing)) == (EVE, [EVE, ANN, BOB])
    assert (await seen(sharing, "anyone"), await seen(sharing, "anyone", EVE)) == ("", "anyone")
    await people.restart()
    again = SharingStub(people.channel("mailstore"))
    assert await seen(again, EVE) == EVE
    copy = AddressBook()
    async for page in book_events(people.store):
        for event in page:
            copy.apply(event)
    account = (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).id
    known = identify(copy, account, EVE)
    assert known is not None and known.name == EVE
    held = await again.HeldIdentifiers(sharing_pb2.HeldIdentifiersRequest(account=ANN, owner=EVE))
    assert list(held.identifiers) == [account, "anyone"]
    await SharingStub(people.channel("operator")).SetSharing(rule("example.net", anyone=False))
    held = await again.HeldIdentifiers(sharing_pb2.HeldIdentifiersRequest(account=ANN, owner=EVE))
    assert list(held.identifiers) == [account]
    assert (await people.store.verify()).equal


async def test_a_page_looks_into_a_bounded_number_of_domains(sharing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for domain in ("example.org", "example.net"):
        await sharing.SetSharing(rule(domain, "all"))
    monkeypatch.setattr(handlers, "_MOST_DOMAINS_READ", 1)
    first = await sharing.ListIdentifiers(sharing_pb2.ListIdentifiersRequest(account=ANN))
    assert ([identifier.name for identifier in first.identifiers], first.next) == ([EVE], "@example.org")
    assert await listed(sharing) == [EVE, ANN, BOB]
    assert await listed(sharing, prefix="b") == [BOB]


async def test_names_are_listed_in_pages_and_by_prefix(people: Running, sharing: Any) -> None:
    names = ("ann.lee", "ann-2", "mona", "zed")
    for name in names:
        await people.stub.AddAccount(pb.AddAccountRequest(address=f"{name}@example.org", user="ann"))
    whole = sorted([ANN, BOB, *(f"{name}@example.org" for name in names)], key=str.encode)
    for limit in (1, 2, 5, 6, 7, 1000):
        assert await listed(sharing, limit=limit) == whole
    assert await listed(sharing, prefix="ANN") == [name for name in whole if name.startswith("ann")]
    assert await listed(sharing, prefix="mo") == ["mona@example.org"]
    assert await listed(sharing, prefix="%") == await listed(sharing, prefix="eve") == []
    assert await listed(sharing, account="nobody@example.org") == []
    await people.remove_account("zed@example.org")
    await people.stub.ChangeAccount(pb.ChangeAccountRequest(address=BOB, disabled=True))
    assert await listed(sharing) == [name for name in whole if name not in (BOB, "zed@example.org")]
    for request in (
        sharing_pb2.ListIdentifiersRequest(account=ANN, prefix="x" * 10_000),
        sharing_pb2.ListIdentifiersRequest(account=ANN, after="x" * 10_000),
    ):
        with pytest.raises(Invalid):
            await sharing.ListIdentifiers(request)


async def test_what_is_not_seen_and_what_is_not_there_have_the_same_answer(sharing: Any) -> None:
    texts = (EVE, "nobody@example.net", "nobody@example.org", "x@far.example", "anyone", "", "x" * 100_000)
    replies = [await sharing.Identify(sharing_pb2.IdentifyRequest(account=ANN, identifier=text)) for text in texts]
    assert {reply.SerializeToString() for reply in replies} == {b""}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (rule("example.org", "everybody"), Invalid),
        (rule("example.org", "domains"), Invalid),
        (rule("example.org", "all", "example.net"), Invalid),
        (rule("example.org", "domains", "far.example"), NotFound),
        (rule("far.example", "all"), NotFound),
        (rule("example.org", "domains", *["example.net"] * 1_001), Invalid),
    ],
)
async def test_rules_that_are_refused(sharing: Any, request_: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await sharing.SetSharing(request_)


async def test_a_domain_admin_opens_the_own_domain_alone(people: Running, sharing: Any) -> None:
    with acting(await as_user(people, "carla")):
        await sharing.SetSharing(rule("example.org", "all"))
        assert (await seen(sharing, BOB), await seen(sharing, EVE)) == (BOB, "")
        assert await listed(sharing) == [ANN, BOB]
        for call in (
            sharing.SetSharing(rule("example.net", "all")),
            sharing.ShowSharing(sharing_pb2.ShowSharingRequest(domain="example.net")),
            sharing.Identify(sharing_pb2.IdentifyRequest(account=EVE, identifier=ANN)),
            sharing.ListIdentifiers(sharing_pb2.ListIdentifiersRequest(account=EVE)),
            sharing.HeldIdentifiers(sharing_pb2.HeldIdentifiersRequest(account=ANN, owner=EVE)),
        ):
            with pytest.raises(Denied):
                await call
    with acting(await as_user(people, "bob")):
        assert await listed(sharing, BOB) == [ANN, BOB]
        for call in (
            sharing.SetSharing(rule("example.org", "all")),
            sharing.ListIdentifiers(sharing_pb2.ListIdentifiersRequest(account=ANN)),
        ):
            with pytest.raises(Denied):
                await call


async def test_the_value_for_all_mail_is_that_of_account_domain_or_server(people: Running, sharing: Any) -> None:
    stub = AllMailStub(people.channel("operator"))

    async def chosen(value: str = "") -> bool:
        if value:
            await stub.SetAllMail(allmail_pb2.SetAllMailRequest(account=ANN, value=value))
        return bool((await stub.ShowAllMail(allmail_pb2.ShowAllMailRequest(account=ANN))).chosen)

    assert not await chosen()
    await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="all_mail", value="on"))
    assert [await chosen(), await chosen("off"), await chosen("default")] == [True, False, True]
    people._environment["MAILFOLD_MAILBOXES_ALL_MAIL"] = "true"
    await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="all_mail", value="off"))
    await people.restart()
    stub = AllMailStub(people.channel("operator"))
    assert [await chosen(), await chosen("on")] == [False, True]
    with pytest.raises(Invalid):
        await chosen("perhaps")
    with acting(await as_user(people, "bob")), pytest.raises(Denied):
        await chosen("off")
    await people.remove_account(ANN)
    assert (await people.store.verify()).equal


async def test_histories_show_rules_and_reverts_take_them_back(people: Running, sharing: Any) -> None:
    async def shown() -> tuple[str, list[str], bool]:
        state = await sharing.ShowSharing(sharing_pb2.ShowSharingRequest(domain="example.net"))
        return state.visible, list(state.domains), state.anyone

    async def undo(kind: str, name: str, type_name: str) -> None:
        changes = [change for change in await history_of(people, kind, name) if change.type == type_name]
        await revert(people, changes[-1])

    await sharing.SetSharing(rule("example.net", "domains", "example.org", anyone=True))
    await sharing.SetSharing(rule("example.net", "nobody", anyone=False))
    (last,) = [
        change
        for change in await history_of(people, "domain", "example.net")
        if change.after.get("sharing") == "nobody"
    ]
    assert last.before["sharing"] == "domains"
    await undo("domain", "example.net", "sharing.rule_changed")
    assert await shown() == ("domains", ["example.org"], True)
    stub = AllMailStub(people.channel("operator"))
    await stub.SetAllMail(allmail_pb2.SetAllMailRequest(account=ANN, value="on"))
    await undo("account", ANN, "account.all_mail_changed")
    assert (await stub.ShowAllMail(allmail_pb2.ShowAllMailRequest(account=ANN))).own == ""
    await people.remove_account(EVE)
    await people.stub.RemoveDomain(pb.NameRequest(name="example.net"))
    await undo("domain", "example.net", "domain.removed")
    assert await shown() == ("domains", ["example.org"], True)
    assert (await people.store.verify()).equal
