"""Distinguished names are compared without regard to how they are written."""

from __future__ import annotations

import pytest

from services.directory.domain.ldap_names import NAME_LIMIT, comparable, is_below, without_unique_part


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("uid=ann,ou=People,dc=example,dc=org", "UID=Ann, OU=people , DC=example,DC=org"),
        ("cn=Lee\\, Ann,dc=org", "cn=lee\\2c ann,dc=org"),
        ("cn=Ann \\2B Bob,dc=org", "cn=Ann \\+ Bob,dc=org"),
        ("cn=M\\C3\\BCller,dc=org", "cn=müller,dc=org"),
        ("cn=a;dc=org", "cn=a,dc=org"),
        ("cn=Ann  Lee,dc=org", "cn=Ann Lee,dc=org"),
    ],
)
def test_two_forms_of_a_name(left: str, right: str) -> None:
    assert comparable(left) == comparable(right) != ""


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("cn=a\\,dc=x,dc=org", "cn=a,dc=x,dc=org"),  # a comma that belongs to the value
        ("cn=a\\2cdc\\3dx,dc=org", "cn=a,dc=x,dc=org"),
        ("cn=a\\+b=c,dc=org", "cn=a+b=c,dc=org"),
        ("cn=\\\\2c,dc=org", "cn=\\2c,dc=org"),
    ],
)
def test_two_names(left: str, right: str) -> None:
    assert comparable(left) != comparable(right)


def test_an_overlong_name_has_no_form() -> None:
    assert comparable("cn=" + "a" * NAME_LIMIT) == ""
    assert comparable("\\") == "\\"


def test_a_unique_member_may_end_in_a_bit_string() -> None:
    assert without_unique_part("cn=ann,dc=org#'0101'B") == "cn=ann,dc=org"
    assert without_unique_part("cn=ann#1,dc=org") == "cn=ann#1,dc=org"


def test_what_is_below_an_entry() -> None:
    base = comparable("ou=people,dc=org")
    assert is_below(comparable("uid=ann,OU=People,dc=org"), base)
    assert is_below(base, base)
    assert is_below("anything", "")
    assert not is_below(comparable("cn=x,xou=people,dc=org"), base)
    assert not is_below(comparable("cn=a\\,ou=people,dc=org"), base)
