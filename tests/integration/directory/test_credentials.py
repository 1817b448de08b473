"""App passwords and applications over the directory's socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain import generated_passwords
from shared.clock import SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import AlreadyExists, Denied, Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import bulk_pb2, credentials_pb2, directory_pb2
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

SHOP = "shop.app@example.org"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many slow and fast hashes were computed."""
    counts = {"slow": 0, "fast": 0}
    slow, fast = PasswordHasher._fits, generated_passwords.hash_of

    def count_slow(hasher: PasswordHasher, stored: str, password: str) -> bool:
        counts["slow"] += 1
        return slow(hasher, stored, password)

    def count_fast(secret: str, salt: bytes) -> str:
        counts["fast"] += 1
        return fast(secret, salt)

    monkeypatch.setattr(PasswordHasher, "_fits", count_slow)
    monkeypatch.setattr(generated_passwords, "hash_of", count_fast)
    return counts


def credentials(directory: Running) -> Any:
    return CredentialsStub(directory.channel("operator"))


async def app_password(directory: Running, name: str = "Phone", **values: Any) -> Any:
    """A new app password of ann."""
    request = credentials_pb2.AddAppPasswordRequest(**({"user": "ann", "name": name, "scopes": ["imap"]} | values))
    return await credentials(directory).AddAppPassword(request)


async def application(directory: Running, address: str = SHOP, **values: Any) -> Any:
    return await credentials(directory).AddApplication(credentials_pb2.AddApplicationRequest(address=address, **values))


async def log_in(
    directory: Running,
    password: str,
    protocol: str = "imap",
    address: str = "192.0.2.1",
    login: str = "ann@example.org",
) -> Any:
    request = directory_pb2.AuthenticateRequest(login=login, password=password, protocol=protocol, address=address)
    return await directory.stub.Authenticate(request)


async def refusal(directory: Running, password: str, **values: str) -> str:
    opened = await log_in(directory, password, **values)
    assert opened.ok == (not opened.refusal)
    return str(opened.refusal)


async def listed(directory: Running) -> list[Any]:
    reply = await credentials(directory).ListAppPasswords(credentials_pb2.AppPasswordsRequest(user="ann"))
    return list(reply.app_passwords)


async def test_an_app_password_opens_its_protocols_for_all_accounts_of_the_user(people: Running) -> None:
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="ann2@example.org", user="ann"))
    made = await app_password(people, scopes=["smtp", "imap"])
    assert list(made.scopes) == ["imap", "smtp"]
    opened = await log_in(people, made.password)
    assert (opened.ok, opened.user_name, opened.credential) == (True, "ann", made.id)
    assert (await log_in(people, made.password.upper(), "submission", login="ANN2@example.org")).ok
    assert await refusal(people, made.password, protocol="pop3") == "app-password-scope"
    assert await refusal(people, made.password, protocol="managesieve") == "app-password-scope"
    assert not (await log_in(people, "correct horse")).credential


async def test_it_opens_nothing_of_another_user(people: Running) -> None:
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="bob", password="correct battery"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="bob@example.org", user="bob"))
    await application(people)
    made = await app_password(people)
    assert await refusal(people, made.password, login="bob@example.org") == "bad-credentials"
    assert await refusal(people, made.password, login=SHOP) == "bad-credentials"


async def test_networks_are_compared_with_the_address_of_the_client(people: Running) -> None:
    made = await app_password(people, networks=["192.0.2.0/24", "2001:db8::/32"])
    assert await refusal(people, made.password, address="192.0.2.200") == ""
    assert await refusal(people, made.password, address="::ffff:192.0.2.9") == ""
    assert await refusal(people, made.password, address="2001:db8:1::5") == ""
    assert await refusal(people, made.password, address="198.51.100.1") == "app-password-network"
    assert await refusal(people, made.password, address="") == "app-password-network"


async def test_it_expires_with_an_event_that_ends_its_sessions(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    soon = SystemClock().now() + 300_000
    made = await app_password(people, expires_at=soon)
    assert (await log_in(people, made.password)).ok
    types: list[str] = []
    while "user.app_password_expired" not in types:
        types = [name for name, _ in await events_of(people)]
    assert types.count("user.app_password_expired") == 1
    assert await refusal(people, made.password) == "app-password-expired"
    assert [state.expired for state in await listed(people)] == [True]
    with pytest.raises(Invalid, match="in the future"):
        await app_password(people, "Late", expires_at=1)


async def test_a_right_password_that_is_refused_is_no_guess(people: Running) -> None:
    made = await app_password(people)
    for _ in range(20):
        assert await refusal(people, made.password, protocol="submission") == "app-password-scope"
    assert (await log_in(people, made.password)).ok


async def test_disabling_and_removing_the_user_end_it(people: Running) -> None:
    made = await app_password(people)
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", disabled=True))
    assert await refusal(people, made.password) == "disabled"
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", disabled=False))
    await people.remove_account("ann@example.org")
    await people.stub.RemoveUser(directory_pb2.NameRequest(name="ann"))
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="ann", password="another ann"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="ann@example.org", user="ann"))
    assert await listed(people) == []
    assert await refusal(people, made.password) == "bad-credentials"


async def test_a_removed_one_opens_nothing_and_the_others_stay(people: Running) -> None:
    phone, tablet = await app_password(people), await app_password(people, "Tablet")
    request = credentials_pb2.RemoveAppPasswordRequest(user="ann", name="PHONE")
    assert (await credentials(people).RemoveAppPassword(request)).name == "Phone"
    assert await refusal(people, phone.password) == "bad-credentials"
    assert (await log_in(people, tablet.password)).ok
    with pytest.raises(NotFound):
        await credentials(people).RemoveAppPassword(request)


async def test_a_guess_costs_one_fast_hash_and_counts(people: Running, hashes: dict[str, int]) -> None:
    made = [await app_password(people, f"Device {number}") for number in range(20)]
    hashes |= {"slow": 0, "fast": 0}
    for number in range(10):
        wrong = f"{made[number].id}-{'0' * 26}"
        assert await refusal(people, wrong) == "bad-credentials"
        assert hashes == {"slow": 0, "fast": number + 1}
    assert await refusal(people, "correct horse") == "too-many"
    assert await refusal(people, f"{made[0].id}-{'1' * 26}") == "too-many"
    assert await refusal(people, made[0].password) == ""
    assert hashes == {"slow": 0, "fast": 12}
    assert await refusal(people, f"p{'0' * 20}-{'0' * 26}", address="192.0.2.2") == "bad-credentials"
    assert await refusal(people, made[0].password, address="192.0.2.2") == ""
    assert hashes == {"slow": 0, "fast": 14}


async def test_the_last_use_is_recorded_once_for_many_log_ins(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    made = await app_password(people)
    assert [state.last_used_at for state in await listed(people)] == [0]
    for _ in range(5):
        assert (await log_in(people, made.password)).ok
    await people.restart()
    (state,) = await listed(people)
    assert (state.last_used_at > state.added_at, state.last_used_from) == (True, "192.0.2.1")
    events = await events_of(people)
    assert [entry.event.id for name, entry in events if name == "app_password.used"] == [made.id]
    (succeeded,) = [entry for name, entry in events if name == "login.succeeded"]
    assert (succeeded.provenance.actor.credential, succeeded.event.count) == (made.id, 5)


async def test_the_rows_are_the_fold_of_the_events(people: Running) -> None:
    made, shop = await app_password(people), await application(people)
    assert (await log_in(people, made.password)).ok
    await app_password(people, "Tablet")
    rename = credentials_pb2.RenameApplicationRequest(name=shop.id, address="store.app@example.org")
    await credentials(people).RenameApplication(rename)
    await people.restart()
    removal = credentials_pb2.RemoveAppPasswordRequest(user="ann", name="Tablet")
    await credentials(people).RemoveAppPassword(removal)
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert (verdict.done, list(verdict.differences)) == (True, [])


async def test_a_repeated_command_makes_one_password_and_shows_it_once(people: Running) -> None:
    with acting(Provenance(Actor("operator"), command="c1")):
        first, again = await app_password(people), await app_password(people)
    with acting(Provenance(Actor("operator"), command="c2")):
        shop, shop_again = await application(people), await application(people)
    assert (first.id, shop.id) == (again.id, shop_again.id)
    assert first.password and shop.password and (again.password, shop_again.password) == ("", "")
    assert (await log_in(people, first.password)).ok


async def test_histories_have_applications_and_no_hash(people: Running) -> None:
    shop, _ = await application(people, mails_an_hour=5), await app_password(people)
    change = credentials_pb2.ChangeApplicationRequest(name=SHOP, mails_an_hour=9)
    await credentials(people).ChangeApplication(change)
    for address in ("store.app@example.org", SHOP):
        rename = credentials_pb2.RenameApplicationRequest(name=shop.id, address=address)
        await credentials(people).RenameApplication(rename)
    stub = BulkStub(people.channel("operator"))
    request = bulk_pb2.HistoryRequest(kind="account", name="store.app@example.org")
    changes = [change async for page in stub.ShowHistory(request) for change in page.changes]
    assert [change.type.rpartition("_")[2] for change in changes] == ["added", "limited", "renamed", "renamed"]
    assert changes[0].after["secret_hash"] == "********"
    assert (changes[1].before["mails_an_hour"], changes[1].after["mails_an_hour"]) == ("5", "9")
    request = bulk_pb2.HistoryRequest(kind="user", name="ann")
    (added,) = [change async for page in stub.ShowHistory(request) for change in page.changes]
    assert added.after["name"] == "ann"


async def test_neither_password_nor_hash_leaves_the_directory(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    made, shop = await app_password(people), await application(people)
    secrets = [made.password.rpartition("-")[2], shop.password.rpartition("-")[2]]
    events = await events_of(people)
    hidden = [entry.event.secret_hash for _, entry in events if hasattr(entry.event, "secret_hash")]
    assert hidden == ["********"] * 2
    assert [text for text in secrets if text in repr(events)] == []
    assert [state.password for state in await listed(people)] == [""]
    shown = await credentials(people).ShowApplication(credentials_pb2.ApplicationRequest(name=SHOP))
    assert shown.password == ""


async def test_an_app_password_changes_nothing(people: Running) -> None:
    made = await app_password(people, scopes=["api"])
    ann = await people.stub.ShowUser(directory_pb2.NameRequest(name="ann"))
    with acting(Provenance(Actor("user", ann.id, made.id))):
        with pytest.raises(Denied, match="app password"):
            await app_password(people, "Another")
        with pytest.raises(Denied, match="app password"):
            await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", password="new password"))
    with acting(Provenance(Actor("operator", "", made.id))):
        with pytest.raises(Denied, match="app password"):
            await people.stub.AddAlias(
                directory_pb2.AddAliasRequest(address="all@example.org", targets=["x@elsewhere.example"])
            )
        with pytest.raises(Denied, match="app password"):
            await people.stub.ChangeSetting(directory_pb2.ChangeSettingRequest(name="directory.postmaster", value=""))
        with pytest.raises(Denied, match="app password"):
            await people.remove_account("ann@example.org")
    assert [state.name for state in await listed(people)] == ["Phone"]


async def test_users_make_their_own_app_passwords_and_no_applications(people: Running) -> None:
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="bob", password="correct battery"))
    ann = await people.stub.ShowUser(directory_pb2.NameRequest(name="ann"))
    await application(people)
    with acting(Provenance(Actor("user", ann.id, "password"))):
        made = await app_password(people)
        assert [state.name for state in await listed(people)] == ["Phone"]
        with pytest.raises(Denied):
            await app_password(people, user="bob")
        with pytest.raises(Denied):
            await application(people, "mine.app@example.org")
        with pytest.raises(Denied):
            await credentials(people).RenewApplicationPassword(credentials_pb2.ApplicationRequest(name=SHOP))
        reply = await credentials(people).ListApplications(credentials_pb2.ApplicationsRequest())
        assert list(reply.applications) == []
    assert (await log_in(people, made.password)).ok


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scopes": []}, "some of imap"),
        ({"scopes": ["ftp"]}, "some of imap"),
        ({"networks": ["192.0.2.7/24"]}, "host bits"),
        ({"networks": [f"192.0.2.{number}/32" for number in range(21)]}, "at most 20 networks"),
        ({"name": "x" * 101}, "1 to 100"),
        ({"name": " "}, "1 to 100"),
    ],
)
async def test_requests_that_make_no_sense_are_refused(people: Running, values: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        await app_password(people, **values)


async def test_a_user_has_a_bounded_number_of_them_with_different_names(people: Running) -> None:
    await app_password(people)
    with pytest.raises(AlreadyExists):
        await app_password(people, "phone")
    for number in range(99):
        await app_password(people, f"Device {number}")
    with pytest.raises(Invalid, match="at most 100"):
        await app_password(people, "One more")


async def test_a_user_cannot_choose_a_password_of_this_form(people: Running) -> None:
    made = await app_password(people)
    with pytest.raises(Invalid, match="form of a password that the server makes"):
        await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", password=made.password))


async def test_an_application_sends_and_does_not_read(people: Running) -> None:
    shop = await application(people, mails_an_hour=30)
    opened = await log_in(people, shop.password, "submission", login=SHOP)
    assert (opened.ok, opened.account, opened.user, opened.mails_an_hour) == (True, shop.id, shop.id, 30)
    assert await refusal(people, shop.password, login=SHOP) == "send-only"
    assert await refusal(people, shop.password, login=SHOP, protocol="pop3") == "send-only"
    change = credentials_pb2.ChangeApplicationRequest(name=SHOP, receives=True)
    await credentials(people).ChangeApplication(change)
    assert await refusal(people, shop.password, login=SHOP) == ""


async def test_an_application_sends_as_its_own_address_alone(people: Running) -> None:
    shop = await application(people, receives=True)
    await people.stub.AddAlias(directory_pb2.AddAliasRequest(address="shop@example.org", targets=[SHOP]))
    value = directory_pb2.DomainValueRequest(name="example.org", value_name="masquerading", value="on")
    await people.stub.SetDomainValue(value)
    addresses = [SHOP, "shop.app+1@example.org", "shop@example.org", "ann@example.org", "nobody@example.org"]
    request = directory_pb2.MaySendAsRequest(user=shop.id, addresses=addresses)
    assert list((await people.stub.MaySendAs(request)).refused) == addresses[1:]


async def test_mail_to_an_application_is_refused_until_it_receives(people: Running) -> None:
    shop = await application(people)
    value = directory_pb2.DomainValueRequest(name="example.org", value_name="catch_all", value="ann@example.org")
    await people.stub.SetDomainValue(value)

    async def resolved() -> tuple[int, list[str]]:
        reply = await people.stub.Resolve(directory_pb2.ResolveRequest(address=SHOP))
        return reply.kind, [target.account for target in reply.targets]

    assert await resolved() == (directory_pb2.Resolution.DISABLED, [])
    change = credentials_pb2.ChangeApplicationRequest(name=SHOP, receives=True)
    await credentials(people).ChangeApplication(change)
    assert await resolved() == (directory_pb2.Resolution.ACCOUNTS, [shop.id])
    change = credentials_pb2.ChangeApplicationRequest(name=SHOP, disabled=True)
    await credentials(people).ChangeApplication(change)
    assert await resolved() == (directory_pb2.Resolution.DISABLED, [])
    await people.restart()
    assert await resolved() == (directory_pb2.Resolution.DISABLED, [])
    assert await refusal(people, shop.password, login=SHOP) == "disabled"


async def test_an_application_is_renamed_and_keeps_its_password(people: Running) -> None:
    shop = await application(people, receives=True)
    request = credentials_pb2.RenameApplicationRequest(name=SHOP, address="Store.app@example.org")
    assert (await credentials(people).RenameApplication(request)).address == "store.app@example.org"
    assert await refusal(people, shop.password, login="store.app@example.org") == ""
    assert await refusal(people, shop.password, login=SHOP) == "bad-credentials"
    reply = await people.stub.Resolve(directory_pb2.ResolveRequest(address=SHOP))
    assert reply.kind == directory_pb2.Resolution.UNKNOWN
    account = await people.stub.ShowAccount(directory_pb2.NameRequest(name=shop.id))
    assert account.address == "store.app@example.org"


async def test_a_new_password_replaces_the_old_one_and_removal_ends_both(people: Running) -> None:
    shop = await application(people)
    renewed = await credentials(people).RenewApplicationPassword(credentials_pb2.ApplicationRequest(name=SHOP))
    assert await refusal(people, shop.password, login=SHOP, protocol="submission") == "bad-credentials"
    assert await refusal(people, renewed.password, login=SHOP, protocol="submission") == ""
    await people.remove_account(SHOP)
    assert await refusal(people, renewed.password, login=SHOP, protocol="submission") == "bad-credentials"
    again = await application(people)
    assert again.id != shop.id
    assert await refusal(people, renewed.password, login=SHOP, protocol="submission") == "bad-credentials"


async def test_the_name_of_an_application_holds(people: Running) -> None:
    await application(people)
    with pytest.raises(AlreadyExists, match="it is an application"):
        await people.stub.AddAlias(directory_pb2.AddAliasRequest(address=SHOP, targets=["ann@example.org"]))
    with pytest.raises(AlreadyExists, match="it is an application"):
        await application(people, "SHOP.app@example.org")
    with pytest.raises(Invalid, match=r"ends in \.app"):
        await application(people, "shop@example.org")
    with pytest.raises(NotFound, match="not a domain of this server"):
        await application(people, "shop.app@elsewhere.example")
    await people.remove_account("ann@example.org")
    with pytest.raises(NotNow, match="1 application"):
        await people.stub.RemoveDomain(directory_pb2.NameRequest(name="example.org"))
