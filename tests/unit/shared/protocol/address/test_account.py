"""Account names, sub-addresses and lookup keys."""

import pytest

from shared.protocol.address.account import account_name, is_application_name, lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError


@pytest.mark.parametrize("text", ["ann", "Ann.Lee", "a-b", "a_b", "_", "1", "a" * 200, "x.app"])
def test_account_names(text: str) -> None:
    assert account_name(text) == text.lower()


@pytest.mark.parametrize("text", ["", "a+b", "a b", ".a", "a.", "a..b", "a" * 201, "ä", "a@b", "ann\n", "a/b"])
def test_no_account_names(text: str) -> None:
    with pytest.raises(AddressError):
        account_name(text)


def test_application_names() -> None:
    assert is_application_name("backup.APP")
    assert not is_application_name("app")


@pytest.mark.parametrize(
    ("text", "name", "tag"),
    [
        ("ann@example.org", "ann", None),
        ("ann+shop@example.org", "ann", "shop"),
        ("ann+a+b@example.org", "ann", "a+b"),
        ("ann+@example.org", "ann", ""),
        ("+ann@example.org", "+ann", None),
    ],
)
def test_without_subaddress(text: str, name: str, tag: str | None) -> None:
    assert without_subaddress(parse_address(text)) == (Address(name, "example.org"), tag)


def test_another_separator() -> None:
    assert without_subaddress(parse_address("ann-a+b@example.org"), "-") == (Address("ann", "example.org"), "a+b")


def test_lookup_key_folds_case_and_form() -> None:
    assert lookup_key(parse_address("Ann.LEE@Example.ORG")) == "ann.lee@example.org"
    assert lookup_key(Address("JOSE\u0301", "example.org")) == lookup_key(Address("jos\u00e9", "example.org"))
    assert lookup_key(parse_address('"a@b"@c.example')) != lookup_key(parse_address("a@b.c.example"))
