"""Names that people enter are brought into canonical form, or refused with advice."""

from __future__ import annotations

import pytest

from services.directory.domain import names
from services.directory.domain.state import DirectoryRefused


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("Example.ORG", "example.org"), (" example.org. ", "example.org"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_a_domain_becomes_lower_case_a_labels(given: str, canonical: str) -> None:
    assert names.domain_name(given) == canonical


@pytest.mark.parametrize(
    "given", ["", "localhost", "[192.0.2.1]", "a_b.example", "exa mple.org", "example..org", "192.0.2.1", "-" * 300]
)
def test_what_is_no_mail_domain_is_refused(given: str) -> None:
    with pytest.raises(DirectoryRefused) as refused:
        names.domain_name(given)
    assert refused.value.reason == "invalid"
    assert "example.org" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "canonical"), [("Ann@Example.ORG", "ann@example.org"), ("a.b-c.1@example.org", "a.b-c.1@example.org")]
)
def test_an_account_has_a_canonical_address(given: str, canonical: str) -> None:
    assert str(names.account_address(given)) == canonical


@pytest.mark.parametrize(
    "given",
    [
        "ann+tag@example.org",
        "ann/b@example.org",
        "shop.app@example.org",
        "SHOP.APP@example.org",
        "a" * 201 + "@example.org",
        "ann",
        ".a@example.org",
    ],
)
def test_what_cannot_be_a_mailbox_is_refused(given: str) -> None:
    with pytest.raises(DirectoryRefused):
        names.account_address(given)


def test_an_alias_may_have_characters_that_an_account_may_not() -> None:
    assert str(names.alias_address("Sales_EU@Example.org")) == "sales_eu@example.org"


def test_an_alias_has_no_tag_but_a_pattern_may_have_one() -> None:
    with pytest.raises(DirectoryRefused):
        names.alias_address("info+x@example.org")
    assert str(names.alias_address("*+News@Example.org")) == "*+news@example.org"
    assert str(names.alias_address("*@example.org")) == "*@example.org"


def test_targets_are_kept_once_each() -> None:
    targets = names.alias_targets(("Ann@example.org", "ann@EXAMPLE.org", "bob@elsewhere.example"))
    assert len(targets) == 2


def test_an_alias_without_targets_is_refused() -> None:
    with pytest.raises(DirectoryRefused):
        names.alias_targets(())


def test_user_names_are_equal_without_case_and_in_any_normalisation() -> None:
    assert names.user_key("JOSÉ") == names.user_key("José".lower())
    assert names.user_name("  Ann Lee ") == "Ann Lee"


@pytest.mark.parametrize("given", ["", "   ", "a\nb", "x" * 201])
def test_a_users_name_is_printable(given: str) -> None:
    with pytest.raises(DirectoryRefused):
        names.user_name(given)
