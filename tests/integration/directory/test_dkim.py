"""DKIM keys from the first one over rotation to retirement, with records in a real zone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from loadtest.zone.data import Zone
from loadtest.zone_server import ZoneServer
from shared.events.directory import DomainAdded
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.tls.private_files import write_private
from tests.harness.waiting import until_true
from tests.integration.directory.conftest import Running
from tests.parts import nats
from tests.parts.required import needs

NAME = pb.NameRequest(name="example.org")


class Signing:
    """A directory with example.org, and the zone that it sees."""

    def __init__(self, running: Running, zone: Zone) -> None:
        self.running = running
        self.zone = zone

    @property
    def stub(self) -> Any:
        return self.running.stub

    async def states(self) -> list[tuple[str, str, bool]]:
        return _states((await self.stub.ShowDkim(NAME)).keys)

    async def signers(self) -> list[str]:
        stub = DirectoryStub(self.running.channel("outbound"))
        return [key.selector for key in (await stub.SendingOf(pb.SendingRequest(domain="example.org"))).keys]

    def publish(self, *keys: pb.DkimKey) -> None:
        for key in keys:
            self.zone.replace(key.name, "TXT", key.record)

    async def check(self) -> list[tuple[str, str, bool]]:
        return _states((await self.stub.CheckDkim(NAME)).keys)

    async def report(self) -> owner_pb2.ReportReply:
        reply: owner_pb2.ReportReply = await OwnerStub(self.running.channel("operator")).Report(
            owner_pb2.ReportRequest()
        )
        return reply

    async def is_well(self) -> bool:
        return not (await self.report()).troubles


def _states(keys: Any) -> list[tuple[str, str, bool]]:
    return [(key.algorithm.partition("-")[0], key.state, key.published) for key in keys]


@pytest.fixture
async def signing(tmp_path: Path, nats_server: nats.NatsServer) -> AsyncIterator[Signing]:
    needs(nats)
    zone = Zone()
    async with ZoneServer(zone) as server:
        running = Running(tmp_path / "data", nats_server.url, {"MAILFOLD_RESOLVER_ADDRESSES": server.address})
        await running.start()
        await running.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
        yield Signing(running, zone)
        await running.stop()


async def test_first_keys_sign_at_once_and_are_reported_until_they_are_published(signing: Signing) -> None:
    assert await signing.states() == [("rsa", "signing", False), ("ed25519", "signing", False)]
    report = await signing.report()
    assert "example.org" in report.state and report.counts["domains_with_unpublished_dkim"] == 1
    assert list(report.troubles) == []
    keys = (await signing.stub.ShowDkim(NAME)).keys
    signing.publish(keys[0])
    assert await signing.check() == [("rsa", "signing", True), ("ed25519", "signing", False)]
    signing.publish(keys[1])
    assert await signing.check() == [("rsa", "signing", True), ("ed25519", "signing", True)]
    report = await signing.report()
    assert (report.state, report.counts["domains_with_unpublished_dkim"]) == ("", 0)
    signing.zone.remove(keys[0].name, "TXT")
    assert (await signing.check())[0] == ("rsa", "signing", False)


async def test_a_rotation_signs_with_each_new_key_when_it_is_seen(signing: Signing) -> None:
    before = await signing.signers()
    keys = (await signing.stub.RotateDkim(NAME)).keys
    assert await signing.signers() == before
    assert await signing.check() == [
        ("rsa", "signing", False),
        ("rsa", "new", False),
        ("ed25519", "signing", False),
        ("ed25519", "new", False),
    ]
    assert await signing.signers() == before
    new_rsa, new_ed = (key for key in keys if key.state == "new")
    signing.publish(new_rsa)
    await signing.check()
    assert await signing.signers() == [new_rsa.selector, before[1]]
    signing.publish(new_ed)
    await signing.check()
    assert await signing.signers() == [new_rsa.selector, new_ed.selector]
    assert [state for _, state, _ in await signing.states()] == ["former", "signing"] * 2


async def test_a_second_rotation_waits_for_the_first(signing: Signing) -> None:
    await signing.stub.RotateDkim(NAME)
    with pytest.raises(NotNow, match="waits for its record"):
        await signing.stub.RotateDkim(NAME)


async def test_a_repeated_rotation_makes_keys_once(signing: Signing) -> None:
    with acting(Provenance(Actor("operator"), command="c1")):
        await signing.stub.RotateDkim(NAME)
    waiting = [key for key in (await signing.stub.ShowDkim(NAME)).keys if key.state == "new"]
    assert len(waiting) == 2


async def test_a_former_key_is_kept_until_its_time(signing: Signing) -> None:
    keys = (await signing.stub.RotateDkim(NAME)).keys
    signing.publish(*keys)
    await signing.check()
    with pytest.raises(NotNow, match=r"12 day\(s\)"):
        await signing.stub.RetireDkim(pb.RetireDkimRequest(domain="example.org"))
    with pytest.raises(Invalid, match="signs mail now"):
        signer = (await signing.signers())[0]
        await signing.stub.RetireDkim(pb.RetireDkimRequest(domain="example.org", selector=signer, force=True))
    former = {key.selector for key in (await signing.stub.ShowDkim(NAME)).keys if key.state == "former"}
    gone = (await signing.stub.RetireDkim(pb.RetireDkimRequest(domain="example.org", force=True))).keys
    assert {key.selector for key in gone} == former and len(former) == 2
    assert [state for _, state, _ in await signing.states()] == ["signing", "signing"]


async def test_a_rotation_can_be_given_up(signing: Signing) -> None:
    before = await signing.signers()
    for key in (await signing.stub.RotateDkim(NAME)).keys:
        if key.state == "new":
            await signing.stub.RetireDkim(pb.RetireDkimRequest(domain="example.org", selector=key.selector))
    assert await signing.signers() == before and len(await signing.states()) == 2


@pytest.mark.parametrize("name", ["nosuch.example", "", "x\r\ny", "a" * 300, "example.org\n.evil"])
async def test_a_domain_that_is_not_ours_has_no_keys(signing: Signing, name: str) -> None:
    for method in ("ShowDkim", "RotateDkim", "CheckDkim"):
        with pytest.raises(NotFound):
            await getattr(signing.stub, method)(pb.NameRequest(name=name))
    with pytest.raises(NotFound):
        await signing.stub.RetireDkim(pb.RetireDkimRequest(domain=name))


async def test_domains_of_an_older_release_get_their_keys_at_the_start_once(
    signing: Signing, events_of: Callable[[Running], Any]
) -> None:
    by = Provenance(Actor("system"))
    added = [DomainAdded(f"d{number}", f"old{number}.example") for number in range(12)]
    for domain in added:
        await signing.running.store.write(
            lambda tx, domain=domain: tx.append(f"domain:{domain.id}", [domain], by, owner="directory")
        )
    assert [trouble.what for trouble in (await signing.report()).troubles] == [
        "no DKIM key signs mail of old0.example, old1.example, old10.example, old11.example, old2.example and others"
    ]
    await signing.running.restart()
    await until_true(signing.is_well)
    await signing.running.restart()
    events = [entry for name, entry in await events_of(signing.running) if name == "dkim.key_added"]
    assert len(events) == 2 + 2 * len(added) and all(entry.event.signs for entry in events)
    assert {entry.provenance.actor for entry in events[2:]} == {Actor("system", "dkim")}


async def test_the_background_sees_a_record_without_a_command(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = [key for key in (await signing.stub.RotateDkim(NAME)).keys if key.state == "new"]
    signing.publish(*new)
    monkeypatch.setattr("services.directory.handlers.dkim_upkeep._FIRST_SECONDS", 0.0)
    await signing.running.restart()

    async def signs() -> bool:
        return await signing.signers() == [key.selector for key in new]

    await until_true(signs)


async def test_without_its_key_file_nothing_is_lost_but_said(signing: Signing) -> None:
    key_file = signing.running.places.secrets_key
    saved = key_file.read_bytes()
    key_file.write_text("nonsense\n")
    with pytest.raises(NotNow, match="openssl rand"):
        await signing.stub.AddDomain(pb.AddDomainRequest(name="example.net"))
    (trouble,) = (await signing.report()).troubles
    assert "key 1 of" in trouble.what
    await signing.running.restart()
    assert len(await signing.signers()) == 2
    key_file.unlink()
    with pytest.raises(NotNow, match="mailfold secrets rekey"):
        await signing.stub.AddDomain(pb.AddDomainRequest(name="example.net"))
    assert ["2 secret(s) need the key" in trouble.what for trouble in (await signing.report()).troubles] == [True]
    write_private(key_file, saved)
    assert list((await signing.report()).troubles) == []
    await signing.stub.AddDomain(pb.AddDomainRequest(name="example.net"))


async def test_everything_verifies(signing: Signing) -> None:
    signing.publish(*(await signing.stub.RotateDkim(NAME)).keys)
    await signing.check()
    await signing.stub.RetireDkim(pb.RetireDkimRequest(domain="example.org", force=True))
    owner = OwnerStub(signing.running.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert verdict.done and list(verdict.differences) == []
