"""SCRAM-SHA-256 over the directory's socket: keys, proofs, names without a password, and when it is offered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.events.verifiers import ScramKeysMade
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.scram import ScramClient
from shared.protocol.sasl.scram import ProofGiven, SaltNeeded, ScramServer
from shared.rpc.mailfold.directory.v1 import bulk_pb2, credentials_pb2, directory_pb2, groups_pb2, logins_pb2
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import LogInsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.harness.waiting import until_true
from tests.integration.directory.conftest import Running

ANN = "ann@example.org"
SCRAM = "SCRAM-SHA-256"


async def offered(directory: Running) -> list[str]:
    stub = LogInsStub(directory.channel("ingress"))
    return list((await stub.ListMechanisms(logins_pb2.MechanismsRequest())).names)


async def is_offered(directory: Running, expected: bool) -> None:
    async def as_expected() -> bool:
        return (SCRAM in await offered(directory)) is expected

    await until_true(as_expected)


async def salt(directory: Running, login: str, authorization: str = "") -> Any:
    request = logins_pb2.BeginScramRequest(login=login, authorization=authorization)
    return await LogInsStub(directory.channel("ingress")).BeginScram(request)


async def scram(
    directory: Running,
    password: str,
    login: str = ANN,
    authorization: str = "",
    protocol: str = "imap",
    address: str = "192.0.2.1",
) -> Any:
    """The identity that our own client gets, which checks the server's signature."""
    stub = LogInsStub(directory.channel("ingress"))
    client = ScramClient(
        ClientCredentials(name=login, password=password, authzid=authorization, scram_nonce="client-nonce")
    )
    server = ScramServer()
    names = server.respond(client.begin() or b"")
    assert isinstance(names, SaltNeeded)
    given = await salt(directory, names.name, names.authzid)
    proof = server.respond(client.respond(server.supply(given.salt, given.iterations, "server-nonce").data))
    assert isinstance(proof, ProofGiven)
    answer = await stub.FinishScram(
        logins_pb2.FinishScramRequest(
            login=proof.authcid,
            authorization=proof.authzid,
            protocol=protocol,
            address=address,
            text=proof.text,
            proof=proof.proof,
        )
    )
    assert bool(answer.signature) is answer.identity.ok
    if answer.identity.ok:
        client.respond(server.accept(answer.signature).data)
        assert client.is_complete
    return answer.identity


async def app_password(directory: Running, name: str, *scopes: str) -> Any:
    request = credentials_pb2.AddAppPasswordRequest(user="ann", name=name, scopes=scopes)
    return await CredentialsStub(directory.channel("operator")).AddAppPassword(request)


async def import_user(directory: Running, hashed: str) -> None:
    """A user whose hash was made elsewhere."""
    stub = BulkStub(directory.channel("operator"))
    with acting(Provenance(Actor("operator", "root"), command="import-1")):
        begun = await stub.BeginImport(bulk_pb2.BeginImportRequest(digest="00ff"))
    text = f'{{"kind":"account","address":"old@example.org","user":"old","password_hash":"{hashed}"}}'
    line = bulk_pb2.ImportLine(number=1, json=text.encode())
    answer = await stub.ImportLines(bulk_pb2.ImportLinesRequest(id=begun.id, lines=[line]))
    assert not answer.mistakes


async def test_a_new_password_opens_the_account_at_once(people: Running) -> None:
    await is_offered(people, True)
    identity = await scram(people, "correct horse")
    assert (identity.ok, identity.address, identity.user_name) == (True, ANN, "ann")
    assert (await scram(people, "wrong")).refusal == "bad-credentials"
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", password="battery staple"))
    assert (await scram(people, "correct horse")).refusal == "bad-credentials"
    assert (await scram(people, "battery staple")).ok
    await people.restart()
    assert (await scram(people, "battery staple")).ok


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_POP3": "true"}])
async def test_each_password_of_an_account_opens_it_within_its_scope(people: Running) -> None:
    phone, laptop = await app_password(people, "Phone", "imap"), await app_password(people, "Laptop", "smtp", "pop")
    for password in ("correct horse", phone.password):
        assert (await scram(people, password)).ok
    assert (await scram(people, phone.password)).credential == phone.id
    assert (await scram(people, laptop.password)).refusal == "app-password-scope"
    assert (await scram(people, laptop.password, protocol="submission")).ok
    assert (await scram(people, laptop.password, protocol="pop3")).ok
    assert (await scram(people, laptop.password, protocol="managesieve")).refusal == "app-password-scope"
    given = [await salt(people, name) for name in (ANN, "ANN@Example.org", f"{ANN}#Phone", f"{ANN}*ann")]
    assert all(one == given[0] for one in given)
    remove = credentials_pb2.RemoveAppPasswordRequest(user="ann", name="Phone")
    await CredentialsStub(people.channel("operator")).RemoveAppPassword(remove)
    assert (await scram(people, phone.password)).refusal == "bad-credentials"


async def test_a_label_means_one_app_password(people: Running) -> None:
    phone, laptop = await app_password(people, "Phone", "imap"), await app_password(people, "Laptop", "imap")
    assert (await scram(people, phone.password, f"{ANN}#phone")).credential == phone.id
    assert (await scram(people, laptop.password, f"{ANN}#phone")).refusal == "bad-credentials"
    assert (await scram(people, "correct horse", f"{ANN}#phone")).refusal == "bad-credentials"
    assert (await people.log_in(phone.password, f"{ANN}#Phone")).ok
    assert (await people.log_in(phone.password, f"{ANN}#{phone.id}")).ok
    assert (await people.log_in(laptop.password, f"{ANN}#Phone")).refusal == "bad-credentials"
    assert (await people.log_in("correct horse", f"{ANN}#Phone")).refusal == "bad-credentials"


async def test_a_member_logs_in_as_himself_and_asks_for_the_group(people: Running) -> None:
    groups = GroupsStub(people.channel("operator"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="sales", users=["ann"]))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="sales@example.org", group="sales"))
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="bob", password="bob's password"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="bob@example.org", user="bob"))
    for login, authorization in (
        (ANN, "sales@example.org"),
        ("sales@example.org*ann", ""),
        ("ann", "sales@example.org"),
    ):
        identity = await scram(people, "correct horse", login, authorization)
        assert (identity.ok, identity.address, identity.user_name) == (True, "sales@example.org", "ann")
        assert identity.group
    assert (await scram(people, "correct horse", "sales@example.org")).refusal == "bad-credentials"
    assert (await scram(people, "bob's password", "bob@example.org", "sales@example.org")).refusal == "bad-credentials"
    assert (await scram(people, "correct horse", ANN, "bob@example.org")).refusal == "bad-credentials"


async def test_a_name_that_opens_nothing_has_a_salt_of_its_own(people: Running) -> None:
    known = await salt(people, ANN)
    names = ("nobody@example.org", "nobody@example.net", "nobody", "x" * 500, f"{ANN}*nobody")
    first = [await salt(people, name) for name in names]
    assert all(len(given.salt) == len(known.salt) and given.iterations == known.iterations for given in first)
    assert len({given.salt for given in [*first, known]}) == len(names) + 1
    await people.restart()
    assert [await salt(people, name) for name in names] == first
    assert await salt(people, "NOBODY@example.org") == first[0]
    assert (await scram(people, "x", "nobody@example.org")).refusal == "bad-credentials"


async def test_asking_for_several_accounts_does_not_tell_whether_a_user_exists(people: Running) -> None:
    for user, address in (("ann", ANN), ("nobody", "nobody@example.org")):
        named = [await salt(people, user, asked) for asked in ("sales@example.org", "info@example.org")]
        named += [await salt(people, f"{asked}*{user.upper()} ") for asked in ("sales@example.org", "x@example.net")]
        assert len({given.salt for given in named}) == 1
        addressed = [await salt(people, address, asked) for asked in ("", "sales@example.org", "info@example.org")]
        assert len({given.salt for given in addressed}) == 1
        assert (await salt(people, user)).salt != named[0].salt


async def test_it_is_offered_while_everybody_has_keys(people: Running) -> None:
    await is_offered(people, True)
    await import_user(people, "{SSHA}W2gYXwYTQcPSYHMJYoYGVMVgBqtzYWx0")
    await is_offered(people, False)
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="old", disabled=True))
    await is_offered(people, True)
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="old", disabled=False))
    await is_offered(people, False)
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="old", password="a new password"))
    await is_offered(people, True)


async def test_a_password_used_in_clear_gets_keys(people: Running, events_of: Callable[[Running], Any]) -> None:
    await people.store.write(lambda tx: tx.connection.execute("DELETE FROM scram_keys"))
    assert (await scram(people, "correct horse")).refusal == "bad-credentials"
    await people.restart()
    for _ in range(3):
        assert (await people.log_in("correct horse")).ok

    async def works() -> bool:
        return bool((await scram(people, "correct horse")).ok)

    await until_true(works)
    made = [entry for _, entry in await events_of(people) if isinstance(entry.event, ScramKeysMade)]
    assert len(made) == 2


async def test_the_former_password_is_one_mistake(people: Running) -> None:
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", password="battery staple"))
    for _ in range(8):
        assert (await scram(people, "correct horse")).refusal == "bad-credentials"
    assert (await scram(people, "correct horse")).refusals <= 9
    assert (await scram(people, "battery staple")).ok


async def test_wrong_proofs_are_limited_as_wrong_passwords_are(people: Running) -> None:
    answers = [(await scram(people, f"wrong {number}")).refusal for number in range(12)]
    assert answers[:10] == ["bad-credentials"] * 10
    assert answers[-1] == "too-many"


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_SCRAM": "false"}])
async def test_it_can_be_switched_off(people: Running) -> None:
    assert await offered(people) == []
    assert (await people.log_in("correct horse")).ok


async def test_keys_are_rebuilt_and_survive_another_key_of_secrets(people: Running) -> None:
    await people.stub.RekeySecrets(directory_pb2.ListRequest())
    await people.stub.DropSecretKeys(directory_pb2.ListRequest())
    await people.restart()
    assert (await scram(people, "correct horse")).ok
    *_, verdict = [entry async for entry in OwnerStub(people.channel("operator")).Verify(owner_pb2.VerifyRequest())]
    assert verdict.done and list(verdict.differences) == []


async def test_a_lost_key_of_secrets_withdraws_it_until_passwords_are_used_again(people: Running) -> None:
    await is_offered(people, True)
    people.places.secrets_key.unlink()
    await people.restart()
    await is_offered(people, False)
    assert (await people.log_in("correct horse")).ok
    await people.stub.RekeySecrets(directory_pb2.ListRequest())
    await people.restart()
    assert (await people.log_in("correct horse")).ok
    await is_offered(people, True)
    assert (await scram(people, "correct horse")).ok
