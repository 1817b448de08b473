"""Who reads a notification: the directory answers the services that write one."""

from __future__ import annotations

from typing import Any

import pytest

from shared.grpc.errors import Denied, Invalid, NotFound
from shared.owner.addressees import Addressees
from shared.protocol.languages.language import language_of
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import groups_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from tests.integration.directory.conftest import Running

JOERG = ("Jörg Müller", "de-AT", "Europe/Vienna")


@pytest.fixture
async def groups(people: Running) -> Any:
    """Ann has a profile; the group sales has an account, and two aliases lead to ann."""
    groups = GroupsStub(people.channel("operator"))
    name, language, zone = JOERG
    await groups.SetProfile(
        groups_pb2.SetProfileRequest(user="ann", display_name=name, language=language, time_zone=zone)
    )
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="sales", users=["ann"]))
    await people.stub.AddAccount(pb.AddAccountRequest(address="sales@example.org", group="sales"))
    for address, targets in (("info", ["ann"]), ("both", ["ann", "sales"])):
        names = [f"{target}@example.org" for target in targets]
        await people.stub.AddAlias(pb.AddAliasRequest(address=f"{address}@example.org", targets=names))
    return groups


async def test_the_profile_of_who_gets_the_mail(people: Running, groups: Any) -> None:
    account = (await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))).id
    for caller in ("mailstore", "delivery", "outbound"):
        addressees = Addressees(people.channel(caller))
        known = await addressees.of_account(account)
        assert (known.address, known.name, str(known.zone)) == ("ann@example.org", JOERG[0], JOERG[2])
        assert known.language is language_of("de")
        for address in ("ann@example.org", "Info@example.org", "ann+tag@example.org"):
            assert await addressees.of_address(address) == known._replace(address=address)
    with pytest.raises(Denied):
        await Addressees(people.channel("classifier")).of_address("ann@example.org")


async def test_others_have_no_profile(people: Running, groups: Any) -> None:
    addressees = Addressees(people.channel("mailstore"))
    for address in ("sales@example.org", "both@example.org", "nobody@example.org", "x@far.example", "not an address"):
        known = await addressees.of_address(address)
        assert (known.address, known.name, known.language) == (address, "", language_of("en"))
    with pytest.raises(NotFound):
        await addressees.of_account("a" + "0" * 20)
    await groups.SetProfile(groups_pb2.SetProfileRequest(user="ann", display_name="", language="", time_zone=""))
    assert (await addressees.of_address("ann@example.org")).name == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ann\r\nBcc: eve@example.net", "Ann Bcc: eve@example.net"),
        ("\u2028Ann\u2029", "Ann"),
        ("\u202egnA", None),
        ("Ann\u2066x\u2069", None),
        ("Ann\u200b", None),
        ("Ann\x00", None),
        ("x" * 10_240, None),
    ],
)
async def test_a_display_name_has_a_single_line_and_no_controls(people: Running, text: str, kept: str | None) -> None:
    stub = GroupsStub(people.channel("operator"))
    request = groups_pb2.SetProfileRequest(user="ann", display_name=text)
    if kept is None:
        with pytest.raises(Invalid):
            await stub.SetProfile(request)
    else:
        assert (await stub.SetProfile(request)).display_name == kept


@pytest.mark.parametrize(
    "zone",
    ["../../etc/passwd", "/etc/localtime", "Europe/Berlin\x00", "Europe/" + "A" * 10_000, "posixrules", "Europe"],
)
async def test_what_is_no_time_zone_is_refused(people: Running, zone: str) -> None:
    with pytest.raises(Invalid):
        await GroupsStub(people.channel("operator")).SetProfile(
            groups_pb2.SetProfileRequest(user="ann", time_zone=zone)
        )
