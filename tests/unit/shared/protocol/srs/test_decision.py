"""The addresses with which moderators decide about held posts."""

from __future__ import annotations

import pytest

from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.decision import MAX_DAYS, Decision, decision_address, is_decision, read_decision
from shared.protocol.srs.member import MemberReturnPath, member_return_path, parse_member_return_path, read_member
from shared.protocol.srs.proof import NoReturnAddress

SECRETS = (b"0123456789abcdef", b"an earlier secret")
NAME = ("devs", "example.org")
LIST, POST, ANN = "i" + "0" * 20, "h" + "1" * 20, "ann@example.org"
DAY = 20_000


def address(decision: Decision = Decision.APPROVE, moderator: str = ANN, name: str = "devs") -> Address:
    return decision_address((name, "example.org"), LIST, POST, moderator, decision, SECRETS, DAY)


def path_of(written: Address) -> MemberReturnPath:
    path = parse_member_return_path(written)
    assert path is not None and is_decision(path)
    return path


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("name", ["devs", "x" * 64])
def test_it_is_read_whatever_the_case(decision: Decision, name: str) -> None:
    written = address(decision, name=name)
    assert len(written.localpart) <= 64
    for text in (str(written), str(written).upper()):
        assert read_decision(path_of(parse_address(text)), LIST, ANN, SECRETS, DAY + 1) is decision
    assert read_decision(path_of(written), LIST, ANN, SECRETS[::-1], DAY) is decision


def test_it_covers_list_post_moderator_and_decision() -> None:
    path = path_of(address())
    forged = NoReturnAddress("forged")
    assert read_decision(path, LIST, "bob@example.org", SECRETS, DAY) == forged
    assert read_decision(path, "i" + "9" * 20, ANN, SECRETS, DAY) == forged
    assert read_decision(path, LIST, ANN, (b"some other secret",), DAY) == forged
    other = parse_address(str(address()).replace(POST, "h" + "2" * 20))
    assert read_decision(path_of(other), LIST, ANN, SECRETS, DAY) == forged
    assert address(Decision.REFUSE) != address(Decision.APPROVE)


def test_it_expires() -> None:
    path = path_of(address())
    assert read_decision(path, LIST, ANN, SECRETS, DAY + MAX_DAYS) is Decision.APPROVE
    assert read_decision(path, LIST, ANN, SECRETS, DAY + MAX_DAYS + 1) == NoReturnAddress("expired")


def test_it_is_no_return_path_of_a_member_and_the_reverse() -> None:
    assert read_member(path_of(address()), LIST, SECRETS, DAY) == NoReturnAddress("forged")
    of_member = parse_member_return_path(member_return_path(*NAME, LIST, "n" + "1" * 20, SECRETS, DAY))
    assert of_member is not None and not is_decision(of_member)
    assert read_decision(of_member, LIST, ANN, SECRETS, DAY) == NoReturnAddress("forged")
