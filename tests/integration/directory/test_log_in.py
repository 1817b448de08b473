"""Log-ins over the directory's socket."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from services.directory.adapters.passwords import PasswordHasher
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from tests.integration.directory.conftest import Running


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed for a comparison, in order."""
    looked_at: list[str] = []
    fits = PasswordHasher._fits

    def counted(hasher: PasswordHasher, stored: str, password: str) -> bool:
        looked_at.append(password)
        return fits(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "_fits", counted)
    return looked_at


async def test_the_full_address_and_the_users_password_open_the_account(people: Running) -> None:
    opened = await people.log_in("correct horse", login="ANN@Example.org")
    account = await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))
    assert (opened.ok, opened.account, opened.address, opened.user_name, opened.quota_bytes) == (
        True,
        account.id,
        "ann@example.org",
        "ann",
        1000,
    )


@pytest.mark.parametrize(
    "login", ["ann", "bob@example.org", "ann@elsewhere.example", "", "ann+x@example.org", "\x00@@"]
)
async def test_any_other_name_is_refused_alike(people: Running, login: str) -> None:
    refused = await people.log_in("correct horse", login=login)
    assert (refused.ok, refused.refusal) == (False, "bad-credentials")


async def test_one_password_opens_accounts_in_several_domains(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="example.net"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="a.lee@example.net", user="ann"))
    assert (await people.log_in("correct horse", login="a.lee@example.net")).ok


async def test_an_alias_does_not_log_in(people: Running) -> None:
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    assert not (await people.log_in("correct horse", login="info@example.org")).ok


@pytest.mark.parametrize("what", ["user", "account", "domain"])
async def test_what_is_disabled_does_not_open_even_when_remembered(people: Running, what: str) -> None:
    assert (await people.log_in("correct horse")).ok
    if what == "user":
        await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", disabled=True))
    elif what == "account":
        await people.stub.ChangeAccount(pb.ChangeAccountRequest(address="ann@example.org", disabled=True))
    else:
        await people.stub.ChangeDomain(pb.ChangeDomainRequest(name="example.org", disabled=True))
    assert (await people.log_in("correct horse")).refusal == "disabled"
    assert (await people.log_in("wrong password")).refusal == "bad-credentials"


async def test_a_new_password_takes_the_old_one_away_at_once(people: Running) -> None:
    assert (await people.log_in("correct horse")).ok
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="battery staple"))
    assert not (await people.log_in("correct horse")).ok
    assert (await people.log_in("battery staple")).ok


async def test_passwords_are_prepared_alike(people: Running) -> None:
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="pa\u0301ssw\u00f6rd\u00a01"))
    assert (await people.log_in("p\u00e1ssw\u00f6rd 1")).ok


@pytest.mark.parametrize("password", ["", "short", "tab\tinside it", "x" * 2000])
async def test_a_password_that_cannot_be_is_refused(people: Running, password: str) -> None:
    with pytest.raises(Invalid):
        await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password=password))


async def test_a_remembered_log_in_costs_no_hash(people: Running, hashes: list[str]) -> None:
    await people.log_in("correct horse")
    for _ in range(20):
        assert (await people.log_in("correct horse")).ok
    assert len(hashes) == 1


async def test_what_was_switched_off_is_hashed_again(people: Running, hashes: list[str]) -> None:
    await people.log_in("correct horse")
    for disabled in (True, False):
        await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", disabled=disabled))
    assert (await people.log_in("correct horse")).ok
    assert len(hashes) == 2


async def test_connections_opened_at_once_share_one_hash(people: Running, hashes: list[str]) -> None:
    result = await asyncio.gather(*(people.log_in("correct horse") for _ in range(40)))
    assert all(entry.ok for entry in result)
    assert len(hashes) == 1


async def test_too_many_failures_lock_the_account_only_for_their_client(people: Running) -> None:
    assert (await people.log_in("correct horse", address="192.0.2.1")).ok
    refusals = [(await people.log_in(f"wrong {number}", address="198.51.100.1")).refusal for number in range(12)]
    assert refusals == ["bad-credentials"] * 10 + ["too-many"] * 2
    assert (await people.log_in("correct horse", address="198.51.100.1")).refusal == "too-many"
    assert (await people.log_in("correct horse", address="198.51.100.2")).ok
    assert (await people.log_in("correct horse", address="192.0.2.1")).ok


async def test_wrong_passwords_in_parallel_are_checked_no_more_often(people: Running) -> None:
    """Of 150 at once, ten are checked."""
    answers = await asyncio.gather(*(people.log_in(f"wrong {number}") for number in range(150)))
    refusals = Counter(answer.refusal for answer in answers)
    assert refusals == {"bad-credentials": 10, "too-many": 140}


async def test_right_passwords_side_by_side_are_all_let_in(people: Running) -> None:
    """A client opens many connections after its user mistyped nine times."""
    for number in range(9):
        assert (await people.log_in(f"wrong {number}")).refusal == "bad-credentials"
    answers = await asyncio.gather(*(people.log_in("correct horse") for _ in range(50)))
    assert all(answer.ok for answer in answers)


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_FAILURES_PER_ADDRESS": "1000"}])
async def test_a_flood_of_one_network_keeps_the_owner_waiting_for_a_few_hashes(people: Running) -> None:
    """80 wrong passwords at 80 accounts come first; the owner's is checked after a few of them at most."""
    done = 0

    async def wrong(number: int) -> None:
        nonlocal done
        await people.log_in("wrong", f"user{number}@example.org", "198.51.100.1")
        done += 1

    flood = [asyncio.ensure_future(wrong(number)) for number in range(80)]
    async with asyncio.timeout(30):
        while not done:  # noqa: ASYNC110
            await asyncio.sleep(0)
    before = done
    assert (await people.log_in("correct horse")).ok
    assert done - before <= 20
    await asyncio.gather(*flood)


async def test_a_refusal_says_how_many_there_were(people: Running) -> None:
    answers = [await people.log_in(f"wrong {number}", f"user{number}@example.org") for number in range(4)]
    assert [answer.refusals for answer in answers] == [1, 2, 3, 4]
    assert (await people.log_in("correct horse")).refusals == 0


async def test_a_new_password_ends_a_lock_by_wrong_ones(people: Running) -> None:
    await people.stub.AddUser(pb.AddUserRequest(name="bob", password="battery staple"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="bob"))
    for login in ("ann@example.org", "bob@example.org"):
        for number in range(10):
            await people.log_in(f"wrong {number}", login)
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="new and better"))
    assert (await people.log_in("new and better")).ok
    assert (await people.log_in("battery staple", "bob@example.org")).refusal == "too-many"


async def test_log_ins_are_events_folded_and_written_at_the_stop(people: Running, events_of: object) -> None:
    for _ in range(3):
        await people.log_in("correct horse")
        await people.log_in("my secret typed as a name", login="not an address")
    await people.log_in("wrong password")
    await people.restart()
    result = [recorded for name, recorded in await events_of(people) if name.startswith("login.")]  # type: ignore[operator]
    by_kind = {(entry.event.stored_name, getattr(entry.event, "login", "")): entry for entry in result}
    assert by_kind["login.succeeded", ""].event.count == 3
    assert by_kind["login.succeeded", ""].provenance.actor.address == "192.0.2.1"
    assert by_kind["login.refused", "ann@example.org"].event.reason == "bad-credentials"
    assert by_kind["login.refused", ""].event.count == 3
    assert by_kind["login.network_known", ""].event.address == "192.0.2.1"
    assert len(result) == 4


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_REMEMBER_SECONDS": "0"}])
async def test_remembering_can_be_switched_off(people: Running, hashes: list[str]) -> None:
    for _ in range(6):
        assert (await people.log_in("correct horse")).ok
    assert len(hashes) == 6
