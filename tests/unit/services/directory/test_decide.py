"""Decisions: events, nothing, or a refusal."""

from __future__ import annotations

import msgspec
import pytest

from services.directory.domain import decide, domains
from services.directory.domain.state import AccountState, DirectoryRefused, DomainState, GivenLimits, UserState
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountMessageQuotaChanged,
    DomainAdded,
    DomainAliased,
    DomainChanged,
    DomainValueChanged,
    UserPasswordChanged,
    UserSwitched,
)
from shared.protocol.address.address import Address
from shared.routing.domain_values import MESSAGES_LIMIT, QUOTA_LIMIT

DOMAIN = DomainState("d1", "example.org", False, False, 0, 0)
ANN = UserState("u1", "ann", "hash", False, ())
ACCOUNT = AccountState("a1", "ann@example.org", "u1", "ann", 0, False)
ADDRESS = Address("ann", "example.org")


def test_a_domain_starts_outgoing_only() -> None:
    assert domains.add_domain(None, "d1", "example.org", False) == [DomainAdded("d1", "example.org", False)]


def test_a_domain_is_there_once() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        domains.add_domain(DOMAIN, "d2", "example.org", True)
    assert refused.value.reason == "taken"


def test_a_switch_that_changes_nothing_is_no_event() -> None:
    assert domains.change_domain(DOMAIN, False, None) == []
    assert domains.change_domain(DOMAIN, True, None) == [DomainChanged("d1", True, False)]
    assert decide.change_account(ACCOUNT, False, GivenLimits(0, 0)) == []


def test_what_is_not_given_stays() -> None:
    account = AccountState("a1", "ann@example.org", "u1", "ann", 5, True)
    assert decide.change_account(account, None, GivenLimits(9)) == [AccountChanged("a1", True, 9)]
    assert decide.change_account(account, False, GivenLimits()) == [AccountChanged("a1", False, 5)]
    assert decide.change_account(account, None, GivenLimits(messages=7)) == [AccountMessageQuotaChanged("a1", 7)]


def test_a_domain_with_something_in_it_is_not_removed() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        domains.remove_domain(DomainState("d1", "example.org", True, False, 1, 2))
    assert refused.value.reason == "not-empty"
    assert "1 account(s) and 2 alias(es)" in str(refused.value)


def test_a_user_with_accounts_is_not_removed() -> None:
    with pytest.raises(DirectoryRefused, match=r"ann@example\.org"):
        decide.remove_user(UserState("u1", "ann", "hash", False, ("ann@example.org",)))


def test_password_and_switch_come_together() -> None:
    assert decide.change_user(ANN, "new", True) == [UserPasswordChanged("u1", "new"), UserSwitched("u1", True)]


def test_an_account_needs_a_domain_of_ours() -> None:
    with pytest.raises(DirectoryRefused, match=r"mailfold domain add example\.org"):
        decide.add_account("", False, "u1", "a1", ADDRESS, GivenLimits())


def test_an_address_is_an_account_or_an_alias() -> None:
    with pytest.raises(DirectoryRefused) as refused:
        decide.add_account("it is an alias", True, "u1", "a1", ADDRESS, GivenLimits())
    assert refused.value.reason == "taken"
    added = AccountAdded("a1", "ann@example.org", "u1", 7)
    assert decide.add_account("", True, "u1", "a1", ADDRESS, GivenLimits(7)) == [added]
    limited = decide.add_account("", True, "u1", "a1", ADDRESS, GivenLimits(7, 9))
    assert limited == [added, AccountMessageQuotaChanged("a1", 9)]


def test_limits_are_bounded() -> None:
    for limits in (GivenLimits(QUOTA_LIMIT + 1), GivenLimits(messages=MESSAGES_LIMIT + 1)):
        with pytest.raises(DirectoryRefused, match="at most"):
            decide.change_account(ACCOUNT, None, limits)


def test_an_alias_of_a_domain_has_no_addresses_and_is_not_aliased() -> None:
    other = DomainState("d2", "b.example", False, False, 0, 0)
    assert domains.alias_domain(other, DOMAIN) == [DomainAliased("d2", "d1")]
    aliased = msgspec.structs.replace(other, alias_of="d1")
    assert domains.alias_domain(aliased, DOMAIN) == []
    assert domains.alias_domain(aliased, None) == [DomainAliased("d2", "")]
    assert domains.alias_domain(other, None) == []
    for domain, goal in (
        (DOMAIN, DOMAIN),
        (DOMAIN, aliased),
        (msgspec.structs.replace(other, accounts=1), DOMAIN),
        (msgspec.structs.replace(other, aliases=1), DOMAIN),
        (msgspec.structs.replace(other, domain_aliases=("c.example",)), DOMAIN),
    ):
        with pytest.raises(DirectoryRefused):
            domains.alias_domain(domain, goal)


def test_a_domain_with_aliases_of_it_is_not_removed() -> None:
    with pytest.raises(DirectoryRefused, match=r"b\.example"):
        domains.remove_domain(msgspec.structs.replace(DOMAIN, domain_aliases=("b.example",)))


def test_values_of_a_domain() -> None:
    assert domains.set_value(DOMAIN, "masquerading", "on") == [DomainValueChanged("d1", "masquerading", "on", "")]
    changed = msgspec.structs.replace(DOMAIN, values={"masquerading": "on"})
    assert domains.set_value(changed, "masquerading", "on") == []
    assert domains.set_value(changed, "masquerading", "off") == [DomainValueChanged("d1", "masquerading", "", "on")]
    for name, text in (("masquerading", "perhaps"), ("colour", "red"), ("separators", "a"), ("catch_all", "nobody")):
        with pytest.raises(DirectoryRefused):
            domains.set_value(DOMAIN, name, text)
    with pytest.raises(DirectoryRefused, match="alias"):
        domains.set_value(msgspec.structs.replace(DOMAIN, alias_of="d2"), "masquerading", "on")
