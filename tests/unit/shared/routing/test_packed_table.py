"""The packed table behaves like a dictionary and costs little more than its texts."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing import packed_table
from shared.routing.known_names import KnownAccount, KnownAlias
from shared.routing.packed_names import packed_names, packed_texts
from shared.routing.packed_table import PackedTable

KEYS = st.text(st.characters(exclude_characters="\x00\x01", codec="utf-8"), max_size=6)
VALUES = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=6)
CHANGES = st.lists(st.tuples(st.sampled_from(["set", "pop", "get"]), KEYS, VALUES), max_size=60)


@pytest.mark.parametrize("pages", [1, packed_table.PAGES])
@given(changes=CHANGES)
def test_it_behaves_like_a_dictionary(pages: int, changes: list[tuple[str, str, str]]) -> None:
    table, model = _with_pages(pages), dict[str, str]()
    for change, key, value in changes:
        if change == "set":
            table[key], model[key] = value, value
        elif change == "pop":
            assert table.pop(key, None) == model.pop(key, None)
        assert table.get(key) == model.get(key)
        assert table.get(key, "absent") == model.get(key, "absent")
        assert (key in table) == (key in model)
    assert len(table) == len(model)
    assert dict(table.items()) == model


def _with_pages(pages: int) -> PackedTable[str]:
    before, packed_table.PAGES = packed_table.PAGES, pages
    try:
        return packed_texts()
    finally:
        packed_table.PAGES = before


def test_a_key_that_is_part_of_another_is_another_key() -> None:
    table = packed_texts()
    table["ann@example.org"] = "first"
    table["joann@example.org"] = "second"
    table["ann@example.or"] = "third"
    assert [table[key] for key in ("ann@example.org", "joann@example.org", "ann@example.or")] == [
        "first",
        "second",
        "third",
    ]
    with pytest.raises(KeyError):
        table["nn@example.org"]
    with pytest.raises(KeyError):
        del table["nn@example.org"]


@pytest.mark.parametrize(("key", "value"), [("a\x00b", "x"), ("a\x01b", "x"), ("a", "x\x00y")])
def test_octets_that_separate_entries_are_refused(key: str, value: str) -> None:
    table = packed_texts()
    with pytest.raises(ValueError, match="cannot be a key"):
        table[key] = value
    assert len(table) == 0


@pytest.mark.parametrize(
    "name",
    [
        KnownAccount("ann@example.org", "a1", "u1"),
        KnownAccount("Ann@example.org", "a1", "u1", 5),
        KnownAccount("ann@example.org", "a1", "u1", 0, disabled=True),
        KnownAlias("info@example.org", ("ann@example.org", "müller@example.org")),
        KnownAlias("*@example.org", ("ann@example.org",), ended=True, owners=("u1", "u2"), kind="wildcard"),
        KnownAlias("info@example.org", ()),
    ],
)
def test_names_come_back_as_they_went_in(name: Any) -> None:
    table = packed_names(type(name))
    table[name.address.lower()] = name
    assert table[name.address.lower()] == name


def test_an_account_takes_no_more_than_200_octets() -> None:
    table, number = packed_names(KnownAccount), 20_000
    tracemalloc.start()
    try:
        for place in range(number):
            table[f"person{place}@example.org"] = KnownAccount(
                f"person{place}@example.org", f"a{place:020d}", f"u{place:020d}"
            )
        taken, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 200 * number
