"""Reverse-paths of forwarded mail: SRS0, SRS1, stored senders, and everything that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.address import Address, make_address, parse_address
from shared.protocol.srs.proof import MAX_AGE, LocalpartTooLong, NoReturnAddress
from shared.protocol.srs.rewrite import Reversed, StoredSender, forward, forward_stored, reverse
from tests.unit.shared.protocol.srs.addresses import (
    DAY,
    OLD_SECRET,
    OURS,
    SECRET,
    as_sent,
    changes,
    expected_hash,
    same_but_for_case,
    senders,
)

ANN = parse_address("Ann@example.com")


def rewritten(sender: Address, day: int = DAY) -> Address:
    address = forward(sender, OURS, [SECRET], day)
    assert address is not None
    return address


def back(address: Address, *, secrets: tuple[bytes, ...] = (SECRET,), day: int = DAY) -> Reversed:
    return reverse(address, {OURS}, secrets, day)


def lowered(address: Address) -> Address:
    return Address(address.localpart.lower(), address.domain)


def test_the_form_of_srs0() -> None:
    proof = expected_hash("SRS0", "example.com", "ann")
    assert rewritten(ANN) == parse_address(f"SRS0={proof}=JS=example.com=Ann@{OURS}")


def test_null_stays_null() -> None:
    assert forward(None, OURS, [SECRET], DAY) is None


def test_an_address_of_this_domain_is_not_rewritten() -> None:
    own = rewritten(ANN)
    assert rewritten(own) == own


@given(senders())
def test_a_sender_comes_back(sender: Address) -> None:
    try:
        address = as_sent(rewritten(sender))
    except LocalpartTooLong:
        overhead = len("SRS0=12345678=12==")
        assert len(str(sender).encode()) - 1 + overhead > 64
        return
    assert len(str(address).rpartition("@")[0].encode()) <= 64
    assert back(address) == sender
    returned = back(lowered(address))
    assert returned == lowered(sender)


@pytest.mark.parametrize(
    "text",
    [
        '"Ann Lee"@example.com',
        '"a@b"@example.com',
        r'"a\"\\b"@example.com',
        "ÄNN@example.com",
        "ΑΣ@example.com",
        "İ@example.com",
        "a=b+c-d@example.com",
        "=@example.com",
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "ann@grün.example",
        "SRS0@example.com",
        "SRS0=no@example.com",
        "SRS1=x=not_valid-==h=t=d=l@example.com",
        "SRSX=ABCDEFGH=AA=token@example.com",
    ],
)
def test_unusual_senders_come_back(text: str) -> None:
    sender = parse_address(text)
    address = as_sent(rewritten(sender))
    assert address.localpart.startswith("SRS0=")
    assert back(address) == sender
    assert back(lowered(address)) == lowered(sender)


@given(st.data())
def test_a_change_of_one_character_is_refused(data: st.DataObject) -> None:
    address = rewritten(data.draw(st.sampled_from([ANN, parse_address("ÄNNk@sub.example.com")])))
    changed = Address(data.draw(changes(address.localpart)), OURS)
    refusal = back(changed)
    assert isinstance(refusal, NoReturnAddress)
    assert refusal.reason in ("forged", "malformed", "not_rewritten")


@pytest.mark.parametrize(("old", "new"), [("k", "\u212a"), ("s", "\u017f"), ("i", "\u0131")])
def test_a_character_that_only_folds_to_ascii_is_another_one(old: str, new: str) -> None:
    address = rewritten(Address("kisk", "example.com"))
    assert not same_but_for_case(old, new) or new == "\u212a"
    for changed in (address.localpart.replace(old, new), address.localpart.replace(old.upper(), new)):
        if changed != address.localpart:
            assert isinstance(back(Address(changed, OURS)), NoReturnAddress)


@given(senders(), st.binary(min_size=16, max_size=64))
def test_another_secret_is_refused(sender: Address, secret: bytes) -> None:
    try:
        address = rewritten(sender)
    except LocalpartTooLong:
        return
    assert back(address, secrets=(secret,)) == (sender if secret == SECRET else NoReturnAddress("forged"))


def test_secrets_are_rotated() -> None:
    old = forward(ANN, OURS, [OLD_SECRET], DAY)
    new = forward(ANN, OURS, [SECRET, OLD_SECRET], DAY)
    assert old is not None
    assert new == rewritten(ANN) != old
    assert back(old, secrets=(SECRET, OLD_SECRET)) == back(new, secrets=(SECRET, OLD_SECRET)) == ANN
    assert back(old) == NoReturnAddress("forged")


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b"too short"]])
def test_weak_secrets_are_errors(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="16 octets"):
        forward(ANN, OURS, secrets, DAY)
    with pytest.raises(ValueError, match="16 octets"):
        reverse(rewritten(ANN), {OURS}, secrets, DAY)


@pytest.mark.parametrize("written", [0, 1023, 1024, DAY])
def test_expiry(written: int) -> None:
    address = rewritten(ANN, written)
    assert back(address, day=written - 1) == ANN
    assert back(address, day=written + MAX_AGE) == ANN
    assert back(address, day=written + MAX_AGE + 1) == NoReturnAddress("expired")
    assert reverse(address, {OURS}, [SECRET], written + 30, max_age=30) == ANN


def test_an_address_does_not_become_valid_again() -> None:
    address = rewritten(ANN)
    days = range(DAY + MAX_AGE + 1, DAY + 2100)
    assert {back(address, day=day) for day in days} == {NoReturnAddress("expired"), NoReturnAddress("forged")}
    assert back(address, day=DAY - 2) == NoReturnAddress("forged")


def test_only_our_domains_are_reversed() -> None:
    address = rewritten(ANN)
    assert reverse(address, {"other.example"}, [SECRET], DAY) == NoReturnAddress("not_ours")
    assert reverse(address, {"other.example", OURS}, [SECRET], DAY) == ANN
    assert back(Address("ann", OURS)) == NoReturnAddress("not_rewritten")
    assert back(Address("SRS0", OURS)) == NoReturnAddress("not_rewritten")


@pytest.mark.parametrize(
    "localpart",
    [
        "SRS0=",
        "SRS0=FRQNEI3T=UI=example.com",
        "SRS0=FRQNEI3=UI=example.com=Ann",
        "SRS0=FRQNEI3T=U=example.com=Ann",
        "SRS0-FRQNEI3T=UI=example.com=Ann",
        "SRS0+FRQNEI3T=UI=example.com=Ann",
        "SRS0=FRQNEI31=UI=example.com=Ann",
        "SRS0=FRQNEI3T=U1=example.com=Ann",
        "SRS0=FRQNEI3T=UI==Ann",
        "SRS0=FRQNEI3T=UI=example.com=",
        "\u017fRS0=FRQNEI3T=UI=example.com=Ann",
        "SRS1=UIFRQNEI3T=example.com=Ann",
        "SRS1=UIFRQNEI3T=example.com==Ann",
        "SRSX=FRQNEI3T=UI=",
        "SRSX=FRQNEI3T=UI=" + "a" * 33,
        "SRSX=FRQNEI3T=UI=a b",
    ],
)
def test_malformed(localpart: str) -> None:
    refusal = back(Address(localpart, OURS))
    assert refusal == NoReturnAddress("not_rewritten" if localpart.startswith("\u017f") else "malformed")


def test_too_long() -> None:
    longest = make_address("a" * (46 - len("example.com")), "example.com")
    assert len(rewritten(longest).localpart) == 64
    with pytest.raises(LocalpartTooLong):
        rewritten(make_address(longest.localpart + "a", "example.com"))
    with pytest.raises(LocalpartTooLong):  # the quotes count
        rewritten(make_address(" " + longest.localpart[1:], "example.com"))
    with pytest.raises(LocalpartTooLong):  # octets and not characters
        rewritten(make_address("ä" + longest.localpart[1:], "example.com"))


def test_a_stored_sender() -> None:
    address = forward_stored("q0abcdefghjkmnpqrstvw", OURS, [SECRET], DAY)
    assert address.localpart.startswith("SRSX=")
    assert len(forward_stored("x" * 32, OURS, [SECRET], DAY).localpart) <= 64
    for returned in (address, lowered(address), Address(address.localpart.upper(), OURS)):
        assert back(returned) == StoredSender("q0abcdefghjkmnpqrstvw")
    assert back(address, day=DAY + MAX_AGE + 1) == NoReturnAddress("expired")
    assert back(Address(address.localpart[:-1] + "x", OURS)) == NoReturnAddress("forged")


@pytest.mark.parametrize("token", ["", "a" * 33, "a=b", "ann@example.com", "ä", "a\n"])
def test_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="a token has"):
        forward_stored(token, OURS, [SECRET], DAY)


@pytest.mark.parametrize("separator", "=-+")
def test_an_address_of_another_forwarder(separator: str) -> None:
    foreign = parse_address(f"srs0{separator}aB/x=T2=example.com=Ann@first.example")
    address = as_sent(rewritten(foreign))
    assert address.localpart.startswith("SRS1=JS")
    assert address.localpart.endswith(f"=first.example={separator}aB/x=T2=example.com=Ann")
    assert back(address) == parse_address(f"SRS0{separator}aB/x=T2=example.com=Ann@first.example")
    assert back(lowered(address)) == Address(f"SRS0{separator}ab/x=t2=example.com=ann", "first.example")
    assert back(address, day=DAY + MAX_AGE + 1) == NoReturnAddress("expired")


@pytest.mark.parametrize("separator", "=-+")
def test_a_second_forwarder_is_left_out(separator: str) -> None:
    foreign = parse_address(f"SRS1{separator}hash=First.example=+aBcd=T2=example.com=Ann@second.example")
    assert back(rewritten(foreign)) == parse_address("SRS0+aBcd=T2=example.com=Ann@first.example")


def test_our_own_address_that_came_back_through_another_forwarder() -> None:
    own = rewritten(ANN)
    foreign = Address(f"SRS1=hash={OURS}={own.localpart.removeprefix('SRS0')}", "second.example")
    assert rewritten(foreign) == own


@given(st.data())
def test_a_change_of_srs1_is_refused(data: st.DataObject) -> None:
    address = rewritten(parse_address("SRS0=abcd=T2=example.com=ann@first.example"))
    changed = Address(data.draw(changes(address.localpart)), OURS)
    assert isinstance(back(changed), NoReturnAddress)


def test_a_proof_is_for_its_form_only() -> None:
    address = rewritten(ANN)
    _, proof, stamp, _ = address.localpart.split("=", 3)
    assert back(Address(f"SRSX={proof}={stamp}=example", OURS)) == NoReturnAddress("forged")
    assert back(Address(f"SRS1={stamp}{proof}=example.com==a=b=c=Ann", OURS)) == NoReturnAddress("forged")


@given(st.text(max_size=80), st.sampled_from(["", "SRS0=", "SRS1=", "SRSX=", "SRS0=FRQNEI3T=UI="]))
def test_any_text_is_refused_or_plain(text: str, prefix: str) -> None:
    assert isinstance(back(Address(prefix + text, OURS)), NoReturnAddress)
