"""The lists of the server and of accounts: which entry counts, and that a look costs nothing more in long lists."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.directory import AccountRemoved
from shared.routing.block_lists import BlockLists
from shared.routing.sender_patterns import SenderGlob


def lists(*blocked: str, allowed: tuple[str, ...] = (), account: str = "") -> BlockLists:
    made = BlockLists()
    made.apply(BlockingEntriesAdded(account, "block", blocked))
    made.apply(BlockingEntriesAdded(account, "allow", allowed))
    return made


def found_in(made: BlockLists, *senders: str, account: str = "") -> list[tuple[str, str]]:
    return [(entry.list, entry.pattern) for entry in made.find(senders, account)]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("bob@spam.example", ["block"]),
        ("boss@spam.example", ["allow"]),
        ("x@a.spam.example", ["block"]),
        ("x@good.a.spam.example", ["allow"]),
        ("offers@anywhere.example", ["block"]),
        ("win-9@lottery.example", ["block"]),
        ("win-prize@lottery.example", ["allow"]),
        ("win@lottery.example", []),
        ("bob@notspam.example", []),
    ],
)
def test_the_most_specific_entry_counts(sender: str, expected: list[str]) -> None:
    made = lists(
        "*@spam.example",
        "*@*.spam.example",
        "offers@*",
        "win-?@lottery.example",
        "win-*@lottery.example",
        allowed=("boss@spam.example", "*@good.a.spam.example", "win-p*@lottery.example"),
    )
    assert [entry.list for entry in made.find([sender])][:1] == expected


def test_of_two_senders_the_more_specific_entry_is_first_and_a_block_wins_a_tie() -> None:
    made = lists("*@esp.example", "ann@x.example", allowed=("boss@x.example", "*@y.example"))
    assert found_in(made, "bounce@esp.example", "boss@x.example") == [
        ("allow", "boss@x.example"),
        ("block", "*@esp.example"),
    ]
    assert found_in(made, "boss@x.example", "ann@x.example")[0] == ("block", "ann@x.example")
    assert found_in(made, "a@y.example", "b@esp.example")[0] == ("block", "*@esp.example")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("192.0.2.200", "192.0.2.200/32"),
        ("192.0.3.1", ""),
        ("2001:db8::7", "2001:db8::/32"),
        ("2001:db9::7", ""),
        ("::1", ""),
        ("no address", ""),
    ],
)
def test_the_smallest_network_of_an_address(address: str, expected: str) -> None:
    assert lists("192.0.2.0/24", "192.0.2.200/32", "2001:db8::/32").blocked_network(address) == expected


def test_what_is_removed_and_accounts_that_are_gone_leave_nothing() -> None:
    patterns = ("bob@x.example", "*@x.example", "b?b@x.example", "192.0.2.0/24")
    made = lists(*patterns, account="a1")
    assert made.has_own and made.has_lists("a1") and not made.has_lists("")
    assert found_in(made, "bob@x.example", account="a1") and not found_in(made, "bob@x.example")
    made.apply(BlockingEntriesRemoved("a1", "block", patterns))
    assert not made.has_own and not found_in(made, "bob@x.example", account="a1")
    assert not made.blocked_network("192.0.2.1", "a1")
    made.apply(BlockingEntriesAdded("a1", "block", patterns))
    made.apply(AccountRemoved("a1", "ann@example.org"))
    assert not made.has_own


def test_a_look_in_long_lists_compares_only_the_few_patterns_with_wildcards(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    original = SenderGlob.matches

    def matches(self: Any, key: str) -> bool:
        compared.append(self.text)
        return original(self, key)

    monkeypatch.setattr(SenderGlob, "matches", matches)
    many = [f"user{number}@many.example" for number in range(20_000)]
    many += [f"*@d{number}.example" for number in range(20_000)] + [
        f"*@*.s{number}.example" for number in range(20_000)
    ]
    many += [f"10.{number >> 8}.{number & 255}.0/24" for number in range(20_000)]
    made = lists(*many, "win-*@lottery.example")
    assert found_in(made, "x@a.b.s19999.example") == [("block", "*@*.s19999.example")]
    assert found_in(made, "nobody@nowhere.example") == []
    assert compared == ["win-*@lottery.example"]
    assert made.blocked_network("10.78.31.9") == "10.78.31.0/24"
