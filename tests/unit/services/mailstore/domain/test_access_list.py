"""Decisions on access control lists (RFC 4314)."""

from __future__ import annotations

import pytest

from services.mailstore.domain import access_list as decide
from services.mailstore.domain.decide import MailboxRefused
from shared.events.mailbox_rights import MailboxRightsChanged

ENTRIES = {"a2": "lrs", "g1": "lrw", "-a2": "w", "anyone": "l"}


@pytest.mark.parametrize(
    ("identifiers", "rights"),
    [
        ({"a2", "g1", "anyone"}, "lrs"),
        ({"a3", "g1", "anyone"}, "lrw"),
        ({"a3", "anyone"}, "l"),
        ({"a3"}, ""),
        (set(), ""),
    ],
)
def test_rights_are_given_by_any_identifier_and_taken_by_any(identifiers: set[str], rights: str) -> None:
    assert decide.rights_for(identifiers, ENTRIES) == rights


def test_a_change_that_changes_nothing_is_no_event() -> None:
    assert decide.change("a1", "m1", ENTRIES, "a2", "+", "s", 10) == []
    assert decide.change("a1", "m1", ENTRIES, "a9", "", "", 10) == []
    assert decide.change("a1", "m1", ENTRIES, "a2", "-", "lrs", 10) == [MailboxRightsChanged("a1", "m1", (("a2", ""),))]


def test_a_full_list_takes_no_entry_and_loses_some() -> None:
    with pytest.raises(MailboxRefused, match="at most 4 entries"):
        decide.change("a1", "m1", ENTRIES, "a9", "", "l", 4)
    assert decide.change("a1", "m1", ENTRIES, "g1", "", "l", 4)
    assert decide.change("a1", "m1", ENTRIES, "g1", "", "", 4)


def test_a_new_mailbox_has_the_list_of_the_one_above() -> None:
    assert decide.inherit("a1", "m2", {}) == []
    assert decide.inherit("a1", "m2", {"b": "l", "a": "r"}) == [
        MailboxRightsChanged("a1", "m2", (("a", "r"), ("b", "l")))
    ]


def test_who_is_removed_leaves_every_list() -> None:
    lists = {"m1": ENTRIES, "m2": {"g1": "l"}}
    assert decide.without("a1", {"a2"}, lists) == [MailboxRightsChanged("a1", "m1", (("-a2", ""), ("a2", "")))]
