"""People of a real slapd are users here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.grpc.errors import NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import ldap_pb2
from shared.rpc.mailfold.directory.v1.ldap_pb2_grpc import LdapStub
from tests.integration.directory.conftest import Running
from tests.parts.required import needs
from tests.parts.slapd import Slapd, settings_of


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    needs(Slapd)
    with Slapd() as running:
        running.add("ann", "horse", "ann@example.org", "ann@elsewhere.example")
        running.add("bob", "staple", "bob@example.org")
        yield running


@pytest.fixture
def environment(slapd: Slapd) -> dict[str, str]:
    return settings_of(slapd)


@pytest.fixture
async def following(directory: Running) -> Running:
    """A directory with the domain and everybody of slapd."""
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org", incoming=True))
    await sync(directory)
    return directory


async def sync(running: Running, **options: bool) -> ldap_pb2.LdapReport:
    stub = LdapStub(running.channel("operator"))
    report: ldap_pb2.LdapReport = await stub.SyncLdap(ldap_pb2.SyncLdapRequest(**options))
    return report


async def users(running: Running) -> dict[str, tuple[bool, list[str]]]:
    listed = (await running.stub.ListUsers(pb.ListRequest())).users
    return {user.name: (user.disabled, list(user.accounts)) for user in listed}


async def test_people_become_users_and_log_in_with_their_password_there(following: Running, slapd: Slapd) -> None:
    assert await users(following) == {"ann": (False, ["ann@example.org"]), "bob": (False, ["bob@example.org"])}
    assert (await following.log_in("horse")).ok
    assert (await following.log_in("staple")).refusal == "bad-credentials"
    assert (await following.log_in("")).refusal == "bad-credentials"
    assert (await following.log_in("staple", "bob@example.org")).user_name == "bob"
    slapd.set_password("ann", "battery")
    assert (await following.log_in("battery")).ok
    assert (await following.log_in("horse")).refusal == "bad-credentials"


async def test_a_second_reading_changes_nothing(following: Running, slapd: Slapd) -> None:
    report = await sync(following)
    assert (report.people, report.users, report.added, report.missing, list(report.skipped)) == (2, 2, 0, 0, [])


async def test_who_gets_another_name_there_stays_the_user(following: Running, slapd: Slapd) -> None:
    slapd.rename("ann", "anna")
    report = await sync(following)
    assert (report.added, report.missing) == (0, 0)
    assert (await following.log_in("horse")).ok


async def test_who_vanishes_is_disabled_and_who_is_back_is_enabled(following: Running, slapd: Slapd) -> None:
    slapd.remove("bob")
    report = await sync(following, dry_run=True)
    assert (report.missing, report.disabled) == (1, 1)
    assert (await users(following))["bob"] == (False, ["bob@example.org"])
    await sync(following)
    assert (await users(following))["bob"] == (True, ["bob@example.org"])
    slapd.add("bob", "staple", "bob@example.org")  # another person: it has another entryUUID
    report = await sync(following)
    assert (report.added, report.back) == (1, 0)
    assert any("is there already" in text for text in report.skipped)
    await LdapStub(following.channel("operator")).LinkLdapUser(ldap_pb2.LinkLdapUserRequest(user="bob"))
    await following.stub.ChangeUser(pb.ChangeUserRequest(name="bob", disabled=False))
    assert (await following.log_in("staple", "bob@example.org")).ok


async def test_a_search_that_fails_changes_nothing(following: Running, slapd: Slapd) -> None:
    slapd.stop()
    with pytest.raises(NotNow, match="cannot be asked"):
        await sync(following)
    with pytest.raises(NotNow):  # nobody is refused for a wrong password
        await following.log_in("horse")
    assert (await users(following))["ann"] == (False, ["ann@example.org"])
    slapd.start()
    assert (await following.log_in("horse")).ok


async def test_unusually_many_missing_change_nothing_until_an_operator_says_so(
    following: Running, slapd: Slapd
) -> None:
    for number in range(8):
        slapd.add(f"extra{number}", "password")
    await sync(following)
    for number in range(8):
        slapd.remove(f"extra{number}")
    report = await sync(following)
    assert "8 of 10 users are missing" in report.problem
    assert not any(disabled for disabled, _ in (await users(following)).values())
    assert (await sync(following, accept_missing=True)).problem == ""
    assert sum(disabled for disabled, _ in (await users(following)).values()) == 8


async def test_a_user_here_with_the_name_of_a_person_is_not_taken_over(directory: Running, slapd: Slapd) -> None:
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org", incoming=True))
    await directory.stub.AddUser(pb.AddUserRequest(name="ann", password="correct horse"))
    await directory.stub.AddAccount(pb.AddAccountRequest(address="ann@example.org", user="ann"))
    report = await sync(directory)
    assert len(report.skipped) == 1 and report.skipped[0].startswith("ann: ")
    assert (await directory.log_in("correct horse")).ok
    with pytest.raises(NotFound, match="0 people there"):
        await LdapStub(directory.channel("operator")).LinkLdapUser(
            ldap_pb2.LinkLdapUserRequest(user="ann", person="nobody")
        )
    await LdapStub(directory.channel("operator")).LinkLdapUser(ldap_pb2.LinkLdapUserRequest(user="ann"))
    assert (await directory.log_in("correct horse")).refusal == "bad-credentials"
    assert (await directory.log_in("horse")).ok
    await directory.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="battery staple"))
    assert (await directory.log_in("battery staple")).ok


@pytest.mark.parametrize("name", ["a*b", "(uid=*)", "back\\slash", "nul\\00"])
async def test_a_name_with_the_characters_of_filters_is_only_a_name(
    following: Running, slapd: Slapd, name: str
) -> None:
    slapd.add("o'neil*", "secret", "oneil@example.org")
    await sync(following)
    assert (await following.log_in("secret", "oneil@example.org")).ok
    assert (await following.log_in("secret", f"{name}@example.org")).refusal == "bad-credentials"


async def test_more_pages_than_a_search_returns_at_once(following: Running, slapd: Slapd) -> None:
    slapd.add_many(range(1_200))
    report = await sync(following)
    assert (report.people, report.added) == (1_202, 1_200)
    slapd.remove("bob")
    slapd.add_many(range(1_200, 1_600))
    with pytest.raises(NotNow, match="sizeLimitExceeded"):
        await sync(following)
    listed = await users(following)
    assert len(listed) == 1_202 and not listed["bob"][0]


class TestWithTlsFromTheFirstOctet:
    @pytest.fixture
    def environment(self, slapd: Slapd) -> dict[str, str]:
        return {**settings_of(slapd), "MAILFOLD_LDAP_URL": slapd.tls_url}

    async def test_it_is_read_and_asked(self, following: Running) -> None:
        assert (await following.log_in("horse")).ok
        assert (await following.log_in("staple")).refusal == "bad-credentials"


class TestUnderAnotherName:
    @pytest.fixture
    def environment(self, slapd: Slapd) -> dict[str, str]:
        return {**settings_of(slapd), "MAILFOLD_LDAP_URL": slapd.url.replace("localhost", "127.0.0.1")}

    async def test_the_name_in_the_certificate_is_checked(self, directory: Running) -> None:
        with pytest.raises(NotNow, match="certificate"):
            await sync(directory)


class TestWithoutItsAuthority:
    @pytest.fixture
    def environment(self, slapd: Slapd) -> dict[str, str]:
        return {**settings_of(slapd), "MAILFOLD_LDAP_CA_FILE": ""}

    async def test_its_certificate_is_checked(self, directory: Running) -> None:
        with pytest.raises(NotNow, match="certificate"):
            await sync(directory)
        report = await LdapStub(directory.channel("operator")).ShowLdap(ldap_pb2.LdapRequest())
        assert "certificate" in report.problem
