"""What the claims of a token must say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.directory.domain.oidc_claims import ClaimRules, TokenRefused, account_in

NOW = 1_800_000_000
RULES = ClaimRules("https://login.example.org", "mail")
CLAIMS: dict[str, Any] = {
    "iss": "https://login.example.org",
    "aud": "mail",
    "exp": NOW + 60,
    "email": "ann@example.org",
    "email_verified": True,
}


def refused(rules: ClaimRules = RULES, **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    with pytest.raises(TokenRefused) as caught:
        account_in(claims, rules, NOW)
    return str(caught.value)


def test_right_claims() -> None:
    assert account_in(CLAIMS, RULES, NOW) == "ann@example.org"
    assert account_in(CLAIMS | {"aud": ["mail"]}, RULES, NOW) == "ann@example.org"
    assert account_in(CLAIMS | {"aud": ["mail", "other"], "azp": "mail"}, RULES, NOW) == "ann@example.org"
    assert account_in(CLAIMS | {"exp": NOW - 29, "nbf": NOW + 30}, RULES, NOW) == "ann@example.org"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://login.example.org/"},
        {"iss": ["https://login.example.org"]},
        {"aud": None},
        {"aud": "calendar"},
        {"aud": []},
        {"aud": {"mail": 1}},
        {"aud": ["mail", "calendar"]},
        {"aud": ["mail", "calendar"], "azp": "calendar"},
        {"exp": None},
        {"exp": NOW - 31},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("inf")},
        {"nbf": NOW + 31},
        {"iat": NOW + 31},
        {"email": None},
        {"email": ""},
        {"email": ["ann@example.org"]},
        {"email": "a" * 321},
        {"email_verified": None},
        {"email_verified": False},
        {"email_verified": "true"},
    ],
)
def test_wrong_claims(changes: dict[str, Any]) -> None:
    refused(**changes)


def test_without_an_audience_nothing_is_right() -> None:
    refused(msgspec.structs.replace(RULES, audience=""), aud="")


def test_clients_and_scopes() -> None:
    rules = msgspec.structs.replace(RULES, clients=("app",), scope="mail")
    assert account_in(CLAIMS | {"azp": "app", "scope": "openid mail"}, rules, NOW)
    assert account_in(CLAIMS | {"client_id": "app", "scp": ["mail"]}, rules, NOW)
    assert "client" in refused(rules, scope="mail")
    assert "client" in refused(rules, azp="other", client_id="app", scope="mail")
    assert "scope" in refused(rules, azp="app", scope="mailbox")
    assert "scope" in refused(rules, azp="app")


def test_another_claim_needs_no_verification() -> None:
    rules = msgspec.structs.replace(RULES, claim="mailbox")
    assert account_in(CLAIMS | {"mailbox": "bob@example.org", "email_verified": None}, rules, NOW) == "bob@example.org"
