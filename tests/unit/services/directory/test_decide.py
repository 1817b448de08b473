"""Decisions: events, nothing, or a refusal."""

from __future__ import annotations

import pytest

from services.directory.domain import decide
from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, DomainState, UserState
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AliasAdded,
    AliasSwitched,
    DomainAdded,
    DomainChanged,
    UserPasswordChanged,
    UserSwitched,
)
from shared.protocol.address.address import Address

DOMAIN = DomainState("d1", "example.org", False, False, 0, 0)
ANN = UserState("u1", "ann", "hash", False, ())
ACCOUNT = AccountState("a1", "ann@example.org", "u1", "ann", 0, False)
ADDRESS = Address("ann", "example.org")


def test_a_domain_starts_outgoing_only() -> None:
    assert decide.add_domain(None, "d1", "example.org", False) == [DomainAdded("d1", "example.org", False)]


def test_a_domain_is_there_once() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        decide.add_domain(DOMAIN, "d2", "example.org", True)
    assert refused.value.reason == "taken"


def test_a_switch_that_changes_nothing_is_no_event() -> None:
    assert decide.change_domain(DOMAIN, False, None) == []
    assert decide.change_domain(DOMAIN, True, None) == [DomainChanged("d1", True, False)]
    assert decide.change_account(ACCOUNT, False, 0) == []
    assert decide.switch_alias(AliasState("info@example.org", (), True), True) == []


def test_what_is_not_given_stays() -> None:
    account = AccountState("a1", "ann@example.org", "u1", "ann", 5, True)
    assert decide.change_account(account, None, 9) == [AccountChanged("a1", True, 9)]
    assert decide.change_account(account, False, None) == [AccountChanged("a1", False, 5)]


def test_a_domain_with_something_in_it_is_not_removed() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        decide.remove_domain(DomainState("d1", "example.org", True, False, 1, 2))
    assert refused.value.reason == "not-empty"
    assert "1 account(s) and 2 alias(es)" in str(refused.value)


def test_a_user_with_accounts_is_not_removed() -> None:
    with pytest.raises(DirectoryRefused, match=r"ann@example\.org"):
        decide.remove_user(UserState("u1", "ann", "hash", False, ("ann@example.org",)))


def test_password_and_switch_come_together() -> None:
    assert decide.change_user(ANN, "new", True) == [UserPasswordChanged("u1", "new"), UserSwitched("u1", True)]


def test_an_account_needs_a_domain_of_ours() -> None:
    with pytest.raises(DirectoryRefused, match=r"mailfold domain add example\.org"):
        decide.add_account(False, False, "u1", "a1", ADDRESS, 0)


def test_an_address_is_an_account_or_an_alias() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        decide.add_account(True, True, "u1", "a1", ADDRESS, 0)
    assert refused.value.reason == "taken"
    assert decide.add_account(False, True, "u1", "a1", ADDRESS, 7) == [AccountAdded("a1", "ann@example.org", "u1", 7)]


def add_alias(
    address: Address, *targets: Address, aliases: dict[str, tuple[str, ...]] | None = None, known: bool = True
) -> object:
    result = aliases or {}
    return decide.add_alias(False, True, address, targets, lambda _target: known, result.get)


def test_an_alias_leads_to_what_exists() -> None:
    info = Address("info", "example.org")
    assert add_alias(info, ADDRESS) == [AliasAdded("info@example.org", ("ann@example.org",))]
    with pytest.raises(DirectoryRefused) as refused:
        add_alias(info, ADDRESS, known=False)
    assert refused.value.reason == "missing"


@pytest.mark.parametrize(
    ("target", "aliases"),
    [
        (Address("info", "example.org"), {}),
        (Address("info+x", "example.org"), {}),
        (Address("b", "example.org"), {"b@example.org": ("c@example.org",), "c@example.org": ("info@example.org",)}),
    ],
)
def test_an_alias_does_not_lead_back_to_itself(target: Address, aliases: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(DirectoryRefused, match="itself"):
        add_alias(Address("info", "example.org"), target, aliases=aliases)


def test_a_circle_of_others_does_not_hold_up_the_decision() -> None:
    aliases = {"b@example.org": ("c@example.org",), "c@example.org": ("b@example.org",)}
    assert add_alias(Address("info", "example.org"), Address("b", "example.org"), aliases=aliases)


def test_switching_an_alias() -> None:
    assert decide.switch_alias(AliasState("info@example.org", (), False), True) == [
        AliasSwitched("info@example.org", True)
    ]
