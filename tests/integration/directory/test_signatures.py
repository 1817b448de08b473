"""Mail signatures and fields of users, over the directory's socket."""

from __future__ import annotations

from typing import Any

import pytest

from shared.grpc.errors import Denied, Invalid, NotFound
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import signatures_pb2 as spb
from shared.rpc.mailfold.directory.v1.signatures_pb2_grpc import SignaturesStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running


def stub(running: Running, caller: str = "operator") -> Any:
    return SignaturesStub(running.channel(caller))


async def chosen(running: Running, address: str = "ann@example.org") -> Any:
    user = (await running.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))).user
    identity = (await running.stub.ShowUser(pb.NameRequest(name=user))).id
    request = spb.ChooseSignatureRequest(domain=address.partition("@")[2], user=identity, address=address)
    return await stub(running, "ingress").ChooseSignature(request)


async def test_a_version_stays_when_the_domain_has_another_one(people: Running) -> None:
    first = await stub(people).SetSignature(spb.SetSignatureRequest(domain="example.org", text="{name} {phone}"))
    await stub(people).SetUserField(spb.SetUserFieldRequest(user="ann", name="phone", value="1"))
    reply = await chosen(people)
    assert (reply.id, dict(reply.values)) == (first.id, {"name": "ann", "phone": "1"})
    second = await stub(people).SetSignature(spb.SetSignatureRequest(domain="example.org", html="<p>{address}</p>"))
    assert (await chosen(people)).id == second.id != first.id
    version = await stub(people, "outbound").ShowVersion(spb.ShowVersionRequest(id=first.id))
    assert (version.text, version.html) == ("{name} {phone}", "")
    assert (await stub(people).SetSignature(spb.SetSignatureRequest(domain="example.org", off=True))).id == ""
    assert (await chosen(people)).id == ""


async def test_an_alias_of_a_domain_has_the_mail_signature_of_that_domain(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="b.example", incoming=True))
    await people.stub.AliasDomain(pb.AliasDomainRequest(name="b.example", domain="example.org"))
    given = await stub(people).SetSignature(
        spb.SetSignatureRequest(domain="example.org", text="{address}", signs_automatic=True)
    )
    reply = await chosen(people, "ann@b.example")
    assert (reply.id, dict(reply.values), reply.signs_automatic) == (given.id, {"address": "ann@b.example"}, True)
    with pytest.raises(Invalid, match="alias of another domain"):
        await stub(people).SetSignature(spb.SetSignatureRequest(domain="b.example", text="x"))


async def test_a_new_user_of_the_same_name_inherits_no_fields(people: Running) -> None:
    await people.stub.AddUser(pb.AddUserRequest(name="eve", password="correct horse"))
    await stub(people).SetUserField(spb.SetUserFieldRequest(user="eve", name="phone", value="1"))
    await people.stub.RemoveUser(pb.NameRequest(name="eve"))
    await people.stub.AddUser(pb.AddUserRequest(name="eve", password="correct horse"))
    assert dict((await stub(people).ShowUserFields(spb.ShowUserFieldsRequest(user="eve"))).fields) == {}


async def test_only_the_services_that_need_it_may_ask(people: Running) -> None:
    with pytest.raises(NotFound):
        await stub(people, "outbound").ShowVersion(spb.ShowVersionRequest(id="0" * 32))
    with pytest.raises(Denied):
        await stub(people, "ingress").SetSignature(spb.SetSignatureRequest(domain="example.org", text="x"))
    with pytest.raises(Denied):
        await stub(people, "delivery").ShowVersion(spb.ShowVersionRequest(id="0" * 32))


async def test_they_survive_a_restart_and_a_rebuild(people: Running) -> None:
    await stub(people).SetSignature(spb.SetSignatureRequest(domain="example.org", text="{name} {phone}"))
    await stub(people).SetUserField(spb.SetUserFieldRequest(user="ann", name="phone", value="1"))
    before = await stub(people).ShowSignature(spb.ShowSignatureRequest(domain="example.org"))
    assert before.preview_text == "ann 1"
    await people.restart()
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert (verdict.done, list(verdict.differences)) == (True, [])
    assert await stub(people).ShowSignature(spb.ShowSignatureRequest(domain="example.org")) == before
