"""Return addresses for members of a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.account import without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.member import (
    BouncedMember,
    ReadMember,
    member_return_path,
    parse_member_return_path,
    read_member,
)
from shared.protocol.srs.proof import MAX_AGE, NoReturnAddress
from tests.unit.shared.protocol.srs.addresses import DAY, OLD_SECRET, SECRET, as_sent, changes, expected_hash

LIST = "l0abcdefghjkmnpqrstvw"
MEMBER = "r0123456789abcdefghjk"
LISTS = {"news": LIST, "new": "l1", "newss": "l2"}
IDS = st.from_regex(r"[a-z0-9]{1,26}", fullmatch=True)


def path(name: str = "news", member: str = MEMBER, day: int = DAY) -> Address:
    return member_return_path(name, "example.org", LIST, member, [SECRET], day)


def read(address: Address, *, secrets: tuple[bytes, ...] = (SECRET,), day: int = DAY) -> ReadMember | None:
    written = parse_member_return_path(address)
    if written is None:
        return None
    list_id = LIST if written.list_name == LIST else LISTS.get(written.list_name, "l9")
    return read_member(written, list_id, secrets, day)


def test_the_form() -> None:
    proof = expected_hash("VERP", LIST, MEMBER).lower()
    assert path("News") == parse_address(f"news={MEMBER}=js{proof}@example.org")


@given(IDS)
def test_a_member_comes_back(member: str) -> None:
    address = as_sent(path(member=member))
    assert read(address) == BouncedMember(member)
    for changed in (address.localpart.upper(), address.localpart.lower(), address.localpart.swapcase()):
        assert read(Address(changed, address.domain)) == BouncedMember(member)


@given(st.data())
def test_a_change_of_one_character_is_refused(data: st.DataObject) -> None:
    changed = Address(data.draw(changes(path().localpart)), "example.org")
    assert read(changed) in (None, NoReturnAddress("forged"))


@given(st.binary(min_size=16, max_size=64))
def test_another_secret_is_refused(secret: bytes) -> None:
    assert read(path(), secrets=(secret,)) == (BouncedMember(MEMBER) if secret == SECRET else NoReturnAddress("forged"))


def test_secrets_are_rotated() -> None:
    old = member_return_path("news", "example.org", LIST, MEMBER, [OLD_SECRET], DAY)
    assert read(old, secrets=(SECRET, OLD_SECRET)) == BouncedMember(MEMBER)
    assert read(old) == NoReturnAddress("forged")


def test_another_list_or_member_is_refused() -> None:
    written = parse_member_return_path(path())
    assert written is not None
    assert read_member(written, "l0abcdefghjkmnpqrstvx", [SECRET], DAY) == NoReturnAddress("forged")
    other = path().localpart.replace(MEMBER, "r0123456789abcdefghjm")
    assert read(Address(other, "example.org")) == NoReturnAddress("forged")


def test_a_renamed_list_still_gets_its_bounces() -> None:
    assert read_member(
        parse_member_return_path(path("old-name")),  # type: ignore[arg-type]
        LIST,
        [SECRET],
        DAY,
    ) == BouncedMember(MEMBER)


def test_expiry() -> None:
    assert read(path(), day=DAY - 1) == read(path(), day=DAY + MAX_AGE) == BouncedMember(MEMBER)
    assert read(path(), day=DAY + MAX_AGE + 1) == NoReturnAddress("expired")
    assert read(path(), day=DAY + 1024) == NoReturnAddress("forged")


@pytest.mark.parametrize("name", ["a" * 32, "a" * 200, "größe", "a b", "a=b", "a+b", ""])
def test_a_name_that_does_not_fit_is_replaced_by_the_id(name: str) -> None:
    address = path(name)
    assert address.localpart.startswith(LIST + "=")
    assert len(address.localpart) <= 64
    assert read(address) == BouncedMember(MEMBER)


def test_the_longest_name_and_ids_fit() -> None:
    assert path("a" * 31).localpart.startswith("a" * 31 + "=")
    assert len(path("a" * 31).localpart) == 64
    longest = member_return_path("a" * 99, "example.org", "i" * 26, "m" * 26, [SECRET], DAY)
    assert len(longest.localpart) == 64


@pytest.mark.parametrize("member", ["", "ann@example.com", "ann=example.com", "A1", "ä", "a" * 27, "a\n", "a+b"])
def test_an_id_is_no_address(member: str) -> None:
    with pytest.raises(ValueError, match="an id has"):
        path(member=member)
    with pytest.raises(ValueError, match="an id has"):
        member_return_path("news", "example.org", member, MEMBER, [SECRET], DAY)


@pytest.mark.parametrize("separator", "+-_.")
def test_a_sub_address_of_the_list_is_no_return_address(separator: str) -> None:
    assert parse_member_return_path(Address(f"news{separator}{MEMBER}", "example.org")) is None
    assert without_subaddress(path(), "+") == (path(), None)


@pytest.mark.parametrize(
    "text", ["news@example.org", "news=a=b@example.org", f"news={MEMBER}=uiqgltzdq1@example.org", "a=b@example.org"]
)
def test_other_addresses(text: str) -> None:
    assert parse_member_return_path(parse_address(text)) is None


@given(st.text(max_size=80))
def test_any_text_proves_nothing(text: str) -> None:
    assert not isinstance(read(Address(text, "example.org")), BouncedMember)
