"""Domains, users, accounts and aliases over the directory's socket."""

from __future__ import annotations

import msgspec
import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import AlreadyExists, Denied, Invalid, NotFound, NotNow, Unauthenticated
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

OPERATOR = Actor("operator", "root")


async def resolve(running: Running, address: str) -> pb.Resolution:
    return await running.stub.Resolve(pb.ResolveRequest(address=address))  # type: ignore[no-any-return]


async def test_a_domain_starts_outgoing_only(directory: Running) -> None:
    made = await directory.stub.AddDomain(pb.AddDomainRequest(name="Example.ORG"))
    assert (made.name, made.incoming) == ("example.org", False)
    assert (await resolve(directory, "ann@example.org")).kind == pb.Resolution.OUTGOING_ONLY
    await directory.stub.ChangeDomain(pb.ChangeDomainRequest(name="EXAMPLE.org", incoming=True))
    assert (await resolve(directory, "ann@example.org")).kind == pb.Resolution.UNKNOWN


async def test_an_address_resolves_the_moment_it_is_made_and_no_longer(people: Running) -> None:
    answer = await resolve(people, "Ann+shop@Example.org")
    assert (answer.kind, answer.targets[0].address, answer.targets[0].quota_bytes, answer.detail) == (
        pb.Resolution.ACCOUNTS,
        "ann@example.org",
        1000,
        "shop",
    )
    await people.remove_account("ANN@example.org")
    assert (await resolve(people, "ann@example.org")).kind == pb.Resolution.UNKNOWN


async def test_a_recreated_address_is_another_account(people: Running) -> None:
    before = await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))
    await people.remove_account(before.id)
    after = await people.stub.AddAccount(pb.AddAccountRequest(address="ann@example.org", user="ann"))
    assert after.id != before.id
    assert (await resolve(people, "ann@example.org")).targets[0].account == after.id
    with pytest.raises(NotFound):
        await people.stub.ShowAccount(pb.NameRequest(name=before.id))


async def test_aliases_lead_to_accounts_and_elsewhere(people: Running) -> None:
    made = await people.stub.AddAlias(
        pb.AddAliasRequest(address="Info@example.org", targets=["ann@example.org", "bob@elsewhere.example"])
    )
    assert made.address == "info@example.org"
    answer = await resolve(people, "info@example.org")
    assert {(target.address, target.remote) for target in answer.targets} == {
        ("ann@example.org", False),
        ("bob@elsewhere.example", True),
    }
    assert answer.via == "info@example.org"
    assert (await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))).aliases == ["info@example.org"]
    await people.stub.ChangeAlias(pb.ChangeAliasRequest(address="info@example.org", disabled=True))
    assert (await resolve(people, "info@example.org")).kind == pb.Resolution.DISABLED


async def test_one_address_is_one_thing(people: Running) -> None:
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    with pytest.raises(AlreadyExists):
        await people.stub.AddAccount(pb.AddAccountRequest(address="INFO@example.org", user="ann"))
    with pytest.raises(AlreadyExists):
        await people.stub.AddAlias(pb.AddAliasRequest(address="ann@example.org", targets=["x@elsewhere.example"]))
    with pytest.raises(NotFound, match=r"nobody@example\.org"):
        await people.stub.AddAlias(pb.AddAliasRequest(address="sales@example.org", targets=["nobody@example.org"]))


async def test_what_is_in_use_is_not_removed(people: Running) -> None:
    with pytest.raises(NotNow):
        await people.stub.RemoveDomain(pb.NameRequest(name="example.org"))
    with pytest.raises(NotNow):
        await people.stub.RemoveUser(pb.NameRequest(name="ann"))


async def test_a_user_sends_as_their_own_addresses(people: Running) -> None:
    user = await people.stub.ShowUser(pb.NameRequest(name="ann"))
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    asked = ["ann@example.org", "ANN+x@example.org", "info@example.org", "boss@example.org", "not an address"]
    reply = await people.stub.MaySendAs(pb.MaySendAsRequest(user=user.id, addresses=asked))
    assert list(reply.refused) == ["boss@example.org", "not an address"]


async def test_a_repeated_command_is_answered_and_not_done_twice(directory: Running) -> None:
    with acting(Provenance(OPERATOR, command="c1")):
        first = await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
        again = await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
    assert first == again
    with acting(Provenance(OPERATOR, command="c2")), pytest.raises(AlreadyExists):
        await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))


async def test_events_say_who_did_it(directory: Running, events_of: object) -> None:
    with acting(Provenance(Actor("operator", "ann", address="192.0.2.7"), command="c9")):
        await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
    events = await events_of(directory)  # type: ignore[operator]
    assert [name for name, _ in events] == ["domain.added", "dkim.key_added", "dkim.key_added"]
    expected = Provenance(Actor("operator", "ann", address="192.0.2.7"), command="c9")
    assert [recorded.provenance for _, recorded in events] == [expected] * 3


async def test_everything_is_there_after_a_restart_and_verifies(people: Running) -> None:
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    await people.stub.ChangeAccount(pb.ChangeAccountRequest(address="ann@example.org", disabled=True))
    before = await people.stub.ListAccounts(pb.ListRequest())
    await people.restart()
    assert await people.stub.ListAccounts(pb.ListRequest()) == before
    assert (await resolve(people, "ann@example.org")).kind == pb.Resolution.DISABLED
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert verdict.done
    assert (verdict.rows > 4, list(verdict.differences)) == (True, [])
    *_, rebuilt = [entry async for entry in owner.Rebuild(owner_pb2.RebuildRequest())]
    assert rebuilt.done
    assert await people.stub.ListAccounts(pb.ListRequest()) == before


async def test_only_those_who_may_call(people: Running) -> None:
    with pytest.raises(Denied):
        await DirectoryStub(people.channel("ingress")).ListUsers(pb.ListRequest())
    with pytest.raises(Unauthenticated):
        await DirectoryStub(people.channel("operator", "wrong")).ListUsers(pb.ListRequest())


async def test_a_report_counts(people: Running) -> None:
    report = await OwnerStub(people.channel("operator")).Report(owner_pb2.ReportRequest())
    assert dict(report.counts) == {
        "domains": 1,
        "users": 1,
        "accounts": 1,
        "aliases": 0,
        "domains_without_postmaster": 1,
        "domains_with_unpublished_dkim": 1,
        "open_erasures": 0,
        "passwords_without_scram_keys": 0,
        "lockouts": 0,
    }


async def test_a_setting_is_checked_written_and_an_event(directory: Running, events_of: object) -> None:
    directory.places.settings_file.write_text('# mine\n[server]\nbind = ["127.0.0.1"]\n')
    with pytest.raises(Invalid, match="password_length"):
        await directory.stub.ChangeSetting(pb.ChangeSettingRequest(name="directory.password_length", value="0"))
    with pytest.raises(Invalid, match="no such setting"):
        await directory.stub.ChangeSetting(pb.ChangeSettingRequest(name="directory.nonsense", value="1"))
    changed = await directory.stub.ChangeSetting(pb.ChangeSettingRequest(name="directory.password_length", value="12"))
    assert "settings apply" in changed.source
    assert "# mine" in directory.places.settings_file.read_text()
    await directory.restart()
    result = {setting.name: setting for setting in (await directory.stub.ListSettings(pb.ListRequest())).settings}
    assert (result["directory.password_length"].value, result["directory.password_length"].default) == ("12", "8")
    events = [recorded.event for name, recorded in await events_of(directory) if name == "setting.changed"]  # type: ignore[operator]
    assert [(setting.name, setting.value, setting.previous) for setting in events] == [
        ("directory.password_length", "12", ""),
        ("server.bind", "127.0.0.1", ""),
    ]


async def test_an_edit_by_hand_is_an_event_and_a_secret_is_not_in_it(directory: Running, events_of: object) -> None:
    directory.places.settings_file.write_text('[bus]\npassword = "hunter2"\nconcurrency = 5\n')
    await directory.restart()
    directory.places.settings_file.write_text('[bus]\npassword = "hunter3"\n')
    await directory.restart()
    recorded = [entry for name, entry in await events_of(directory) if name == "setting.changed"]  # type: ignore[operator]
    assert {entry.provenance.actor.id for entry in recorded} == {"mailfold.toml"}
    assert b"hunter" not in b"".join(msgspec.json.encode(entry.event) for entry in recorded)
    assert [entry.event.name for entry in recorded] == [
        "bus.concurrency",
        "bus.password",
        "bus.concurrency",
        "bus.password",
    ]
    assert recorded[2].event.value == ""
    assert recorded[1].event.value != recorded[3].event.value
    (shown,) = [
        entry
        for entry in (await directory.stub.ListSettings(pb.ListRequest())).settings
        if entry.name == "bus.password"
    ]
    assert (shown.value, shown.secret) == ("********", True)
