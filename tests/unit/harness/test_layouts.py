"""An end-to-end test runs in every layout and on every database, or in one that its name chooses."""

from __future__ import annotations

import pytest

from tests.harness.layouts import LAYOUTS, layouts_of

NAMES = [f"test_{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILFOLD_TEST_LAYOUTS", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_test_runs_in_one_layout_which_never_changes(name: str) -> None:
    chosen = layouts_of(name, everywhere=False)
    assert len(chosen) == 1
    assert chosen == layouts_of(name, everywhere=False)


def test_many_tests_use_all_layouts() -> None:
    assert {layout for name in NAMES for layout in layouts_of(name, everywhere=False)} == set(LAYOUTS)


def test_a_marked_test_runs_everywhere() -> None:
    assert layouts_of("test_1", everywhere=True) == LAYOUTS


def test_the_setting_runs_every_test_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILFOLD_TEST_LAYOUTS", "all")
    assert layouts_of("test_1", everywhere=False) == LAYOUTS
