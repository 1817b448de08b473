"""Lockouts over the directory's socket: they are listed, recorded, lifted, and go on over a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Denied, Invalid, NotFound
from shared.rpc.mailfold.directory.v1 import credentials_pb2, lockouts_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.directory.v1.lockouts_pb2_grpc import LockoutsStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running

STRANGER, HOME = "198.51.100.1", "192.0.2.1"


def lockouts(running: Running) -> Any:
    return LockoutsStub(running.channel("operator"))


async def listed(running: Running, **choice: Any) -> list[tuple[str, str, str, int]]:
    reply = await lockouts(running).ListLockouts(lockouts_pb2.ListLockoutsRequest(**choice))
    return [(entry.kind, entry.account, entry.network, entry.mistakes) for entry in reply.lockouts]


async def guesses(running: Running, number: int, address: str = STRANGER, login: str = "ann@example.org") -> None:
    for guess in range(number):
        await running.log_in(f"wrong {guess}", login, address)


async def test_a_lockout_is_listed_and_recorded_and_lifted(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    await guesses(people, 12)
    assert await listed(people) == [("client", "ann@example.org", STRANGER, 10)]
    assert await listed(people, account="ann@example.org") == await listed(people, address=STRANGER)
    assert await listed(people, address="192.0.2.99") == []
    reply = await lockouts(people).LiftLockouts(lockouts_pb2.LiftLockoutsRequest(account="ann@example.org"))
    assert [entry.reason for entry in reply.lockouts] == [
        "10 different wrong passwords from there at this account, the last one by imap"
    ]
    assert await listed(people) == []
    assert (await people.log_in("correct horse", address=STRANGER)).ok
    names = [name for name, _ in await events_of(people) if name.startswith("lockout.")]
    assert names == ["lockout.started", "lockout.lifted"]


async def test_a_lockout_goes_on_over_a_restart_and_ends_with_a_new_password(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    await guesses(people, 10)
    await people.restart()
    assert await listed(people) == [("client", "ann@example.org", STRANGER, 10)]
    assert (await people.log_in("correct horse", address=STRANGER)).refusal == "too-many"
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="battery staple"))
    assert (await people.log_in("battery staple", address=STRANGER)).ok
    assert await listed(people) == []
    await people.restart()
    assert await listed(people) == []
    ends = [entry.event.reason for name, entry in await events_of(people) if name == "lockout.ended"]
    assert ends == ["new-password"]


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_FAILURES_EVERYWHERE": "15"}])
async def test_an_account_is_closed_for_new_networks_and_open_for_known_ones(people: Running) -> None:
    """A known network and a right app password pass; so they do when the server has started again."""
    made = await CredentialsStub(people.channel("operator")).AddAppPassword(
        credentials_pb2.AddAppPasswordRequest(user="ann", name="Phone", scopes=["imap"])
    )
    assert (await people.log_in("correct horse", address=HOME)).ok
    await people.restart()
    for number in range(15):
        await people.log_in(f"wrong {number}", address=f"198.51.100.{number + 1}")
    assert ("account", "ann@example.org", "", 15) in await listed(people)
    assert (await people.log_in("correct horse", address="203.0.113.9")).refusal == "too-many"
    assert (await people.log_in("correct horse", address=HOME)).ok
    assert (await people.log_in(made.password, address="203.0.113.9")).ok
    await people.restart()
    assert (await people.log_in("correct horse", address="203.0.113.8")).refusal == "too-many"
    assert (await people.log_in("correct horse", address=HOME)).ok


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_FAILURES_PER_ADDRESS": "12"}])
async def test_other_accounts_of_a_locked_network_go_on(people: Running) -> None:
    """An office: one of its devices tries many passwords, and the others have logged in from there before."""
    await people.stub.AddUser(pb.AddUserRequest(name="bob", password="battery staple"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="bob"))
    assert (await people.log_in("correct horse", address=HOME)).ok
    for number in range(12):
        await people.log_in("wrong", f"nobody{number}@example.org", HOME)
    assert await listed(people) == [("network", "", HOME, 12)]
    assert (await people.log_in("battery staple", "bob@example.org", HOME)).refusal == "too-many"
    assert (await people.log_in("correct horse", address=HOME)).ok
    assert (await people.log_in("mistyped", address=HOME)).refusal == "bad-credentials"


async def test_a_phone_with_an_old_password_locks_nobody_out(people: Running) -> None:
    for _ in range(200):
        assert (await people.log_in("old password", address=HOME)).refusal in ("bad-credentials", "too-many")
    assert await listed(people) == []
    assert (await people.log_in("correct horse", address=HOME)).ok


async def test_only_admins_list_and_lift(people: Running) -> None:
    await guesses(people, 10)
    for name in ("bob", "carla"):
        await people.stub.AddUser(pb.AddUserRequest(name=name, password="correct horse"))
    await RolesStub(people.channel("operator")).GiveRole(
        roles_pb2.GiveRoleRequest(user="carla", role="domain-admin", domains=["example.org"])
    )
    bob, carla = [(await people.stub.ShowUser(pb.NameRequest(name=name))).id for name in ("bob", "carla")]
    lift = lockouts_pb2.LiftLockoutsRequest
    with acting(Provenance(Actor("user", bob))), pytest.raises(Denied):
        await lockouts(people).LiftLockouts(lift(account="ann@example.org"))
    with acting(Provenance(Actor("user", carla))):
        with pytest.raises(Denied):
            await lockouts(people).LiftLockouts(lift(all=True))
        with pytest.raises(Denied):
            await lockouts(people).LiftLockouts(lift(address=STRANGER))
        assert (await lockouts(people).LiftLockouts(lift(account="ann@example.org"))).total == 1


async def test_what_cannot_be_meant_is_refused(people: Running) -> None:
    lift = lockouts_pb2.LiftLockoutsRequest
    with pytest.raises(Invalid):
        await lockouts(people).LiftLockouts(lift())
    with pytest.raises(NotFound):
        await lockouts(people).LiftLockouts(lift(account="nobody@example.org"))
    with pytest.raises(Invalid):
        await lockouts(people).ListLockouts(lockouts_pb2.ListLockoutsRequest(address="the office"))


async def test_the_lockouts_of_a_removed_account_go_with_it(people: Running) -> None:
    await guesses(people, 10)
    await people.restart()
    await people.remove_account("ann@example.org")
    assert await listed(people) == []
    await people.restart()
    assert await listed(people) == []


async def test_an_account_shows_its_last_log_in(people: Running) -> None:
    name = pb.NameRequest(name="ann@example.org")
    await guesses(people, 2)
    assert (await people.stub.ShowAccount(name)).last_login_at == 0
    before = (await people.log_in("correct horse")).as_of
    await people.restart()
    assert before and (await people.stub.ShowAccount(name)).last_login_at > 0


async def test_mistakes_of_all_protocols_count_together(people: Running) -> None:
    protocols = ("imap", "pop3", "managesieve", "submission", "submissions")
    refusals = [
        (
            await people.stub.Authenticate(
                pb.AuthenticateRequest(
                    login="ann@example.org",
                    password=f"wrong {number}",
                    protocol=protocols[number % 5],
                    address=STRANGER,
                )
            )
        ).refusal
        for number in range(11)
    ]
    assert refusals == ["bad-credentials"] * 10 + ["too-many"]
    assert (await people.log_in("correct horse", address=STRANGER)).refusal == "too-many"
