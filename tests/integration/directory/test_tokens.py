"""Tokens of an issuer that is really asked, over the directory's socket."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.directory.adapters import oidc_keys
from shared.grpc.errors import NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2, groups_pb2, logins_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import LogInsStub
from tests.integration.directory.conftest import Running
from tests.parts.issuer import Issuer

ANN = "ann@example.org"


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    with Issuer(tmp_path) as started:
        yield started


@pytest.fixture
def environment(issuer: Issuer) -> dict[str, str]:
    settings = {**issuer.settings, "oidc.timeout": "2", "oidc.algorithms": "RS256,ES256,EdDSA"}
    return {f"MAILFOLD_{name.replace('.', '_').upper()}": value for name, value in settings.items()}


async def opened(directory: Running, token: str, authorization: str = "") -> Any:
    request = logins_pb2.TokenRequest(token=token, authorization=authorization, protocol="imap", address="192.0.2.1")
    return await LogInsStub(directory.channel("ingress")).OpenWithToken(request)


def forged(claims: dict[str, Any], **header: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, "AAAA"])


async def test_a_token_opens_the_account_of_its_user(people: Running, issuer: Issuer) -> None:
    mechanisms = await LogInsStub(people.channel("ingress")).ListMechanisms(logins_pb2.MechanismsRequest())
    assert {"OAUTHBEARER", "XOAUTH2"} < set(mechanisms.names)
    identity = await opened(people, issuer.token(ANN))
    assert (identity.ok, identity.address, identity.user_name) == (True, ANN, "ann")
    assert (await opened(people, issuer.token(ANN), ANN)).ok
    assert (await opened(people, issuer.token(ANN, kid=None), ANN)).ok
    assert issuer.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]
    await people.stub.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", disabled=True))
    assert (await opened(people, issuer.token(ANN))).refusal == "disabled"


async def test_a_member_asks_for_the_group(people: Running, issuer: Issuer) -> None:
    request = groups_pb2.AddGroupRequest(name="sales", users=["ann"])
    await GroupsStub(people.channel("operator")).AddGroup(request)
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="sales@example.org", group="sales"))
    await people.stub.AddUser(directory_pb2.AddUserRequest(name=ANN, password="misleading name"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="bob@example.org", user=ANN))
    identity = await opened(people, issuer.token(ANN), "sales@example.org")
    assert (identity.ok, identity.address, identity.user_name) == (True, "sales@example.org", "ann")
    assert (await opened(people, issuer.token("bob@example.org"), "sales@example.org")).refusal == "bad-credentials"
    assert (await opened(people, issuer.token("sales@example.org"))).refusal == "bad-credentials"
    assert (await opened(people, issuer.token(ANN), "bob@example.org")).refusal == "bad-credentials"
    assert (await opened(people, issuer.token("nobody@example.org"))).refusal == "bad-credentials"


async def test_what_is_forged_opens_nothing(people: Running, issuer: Issuer) -> None:
    claims = {"iss": issuer.url, "aud": "mail", "exp": int(time.time()) + 60, "email": ANN, "email_verified": True}
    public = json.loads(issuer._document("/keys"))["keys"][0]["n"]
    tokens = [
        forged(claims, alg="none"),
        forged(claims, alg="RS256"),
        forged(claims, alg="HS256", kid="first"),
        forged(claims, alg="RS256", kid="../../../../etc/passwd"),
        forged(claims, alg="RS256", kid=["first"]),
        forged(claims, alg="RS256", kid="first", crit=["exp"]),
        forged(claims, alg="RS256", jku="https://evil.example/keys"),
        issuer.token(ANN, algorithm="HS256", key=public),
        issuer.token(ANN, algorithm="RS512"),
        issuer.token(ANN) + "A",
        issuer.token(ANN, iss="https://evil.example"),
        issuer.token(ANN, aud="calendar"),
        issuer.token(ANN, aud=None),
        issuer.token(ANN, exp=None),
        issuer.token(ANN, exp=int(time.time()) - 60),
        issuer.token(ANN, email_verified=False),
        issuer.token("", email=None, preferred_username=ANN),
        "",
        "a.b.c",
        "....",
        base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.AAAA",
    ]
    stranger = Issuer(people.places.data)
    tokens.append(issuer.token(ANN, key=stranger.keys["first"]))
    for token in tokens:
        assert (await opened(people, token, ANN)).refusal in ("bad-credentials", "too-many")
    assert issuer.asked.count("/realm/keys") <= 1
    assert (await opened(people, issuer.token(ANN))).ok


@pytest.mark.parametrize("kind", ["ES256", "EdDSA"])
async def test_each_kind_of_key(people: Running, issuer: Issuer, kind: str) -> None:
    issuer.rotate("other", kind)
    assert (await opened(people, issuer.token(ANN, algorithm=kind))).ok
    assert (await opened(people, issuer.token(ANN, algorithm=kind, kid=None))).ok


async def test_keys_are_rotated_and_an_unknown_kid_asks_once_a_minute(
    people: Running, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await opened(people, issuer.token(ANN))).ok
    old = issuer.token(ANN)
    issuer.rotate("second")
    flood = [opened(people, issuer.token(ANN, kid=f"k{number}")) for number in range(100)]
    assert {answer.ok for answer in await asyncio.gather(*flood)} == {False}
    assert issuer.asked.count("/realm/keys") == 1
    monkeypatch.setattr(oidc_keys, "_LEAST_SECONDS", 0.0)
    assert (await opened(people, issuer.token(ANN))).ok
    assert issuer.asked.count("/realm/keys") == 2
    assert not (await opened(people, old)).ok


async def test_an_issuer_that_is_away_is_no_mistake(people: Running, issuer: Issuer, monkeypatch: Any) -> None:
    monkeypatch.setattr(oidc_keys, "_LEAST_SECONDS", 0.0)
    answers: list[tuple[int, dict[str, str], bytes]] = [
        (503, {}, b""),
        (302, {"Location": "http://localhost/keys"}, b""),
        (200, {}, b"no JSON"),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"keys": 7}'),
        (200, {}, b"x" * 5_000_000),
        (200, {}, json.dumps({"issuer": "https://other.example", "jwks_uri": "https://other.example/k"}).encode()),
        (200, {}, json.dumps({"issuer": issuer.url, "jwks_uri": "http://localhost/keys"}).encode()),
    ]
    for answer in answers * 2:
        issuer.answer = answer
        with pytest.raises(NotNow, match="issuer of tokens"):
            await opened(people, issuer.token(ANN))
    issuer.answer, issuer.seconds = None, 5.0
    with pytest.raises(NotNow, match="issuer of tokens"):
        await opened(people, issuer.token(ANN))
    issuer.seconds = 0.0
    assert (await opened(people, issuer.token(ANN))).ok
    issuer.answer = (503, {}, b"")
    assert (await opened(people, issuer.token(ANN))).ok  # the keys that were fetched still count


async def test_unusable_keys_are_left_out(people: Running, issuer: Issuer) -> None:
    own = json.loads(issuer._document("/keys"))["keys"]
    wrong = [
        7,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
        {"kty": "RSA", "n": "AQAB" * 10_000, "e": "AQAB", "kid": "b"},
        {"kty": "RSA", "kid": ["first"]},
        {"kty": "RSA", "n": "!", "e": "!", "kid": "first"},
        {"kty": "EC", "crv": "nonsense", "x": "AA", "y": "AA"},
    ]
    whole = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", "keys": [*wrong, *own, *[own[0]] * 400]}
    issuer.answer = (200, {}, json.dumps(whole).encode())
    assert (await opened(people, issuer.token(ANN, kid=None))).ok
    assert not (await opened(people, issuer.token(ANN, algorithm="HS256", key="secret", kid="a"))).ok


@pytest.mark.parametrize("environment", [{}])
async def test_without_an_issuer_no_token_is_taken(people: Running, issuer: Issuer) -> None:
    assert (await opened(people, issuer.token(ANN))).refusal == "bad-credentials"
    assert issuer.asked == []


async def test_a_certificate_opens_the_account_that_it_names(people: Running) -> None:
    stub = LogInsStub(people.channel("ingress"))

    async def shown(*names: str, authorization: str = "") -> Any:
        request = logins_pb2.CertificateRequest(
            names=names, authorization=authorization, protocol="imap", address="192.0.2.1"
        )
        return await stub.OpenWithCertificate(request)

    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="second@example.org", user="ann"))
    await people.stub.AddUser(directory_pb2.AddUserRequest(name="bob", password="bob's password"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="bob@example.org", user="bob"))
    assert (await shown(ANN)).address == ANN
    assert (await shown(ANN, authorization="second@example.org")).address == "second@example.org"
    assert (await shown("x@example.net", ANN, authorization=ANN)).ok
    for names, authorization in (
        ((), ""),
        ((), ANN),
        (("nonsense",), ANN),
        (("nobody@example.org",), ANN),
        ((ANN,), "bob@example.org"),
        ((ANN, "bob@example.org"), ""),
        (("x@example.org",) * 20 + (ANN,), ANN),
    ):
        assert (await shown(*names, authorization=authorization)).refusal in ("bad-credentials", "too-many")
