"""An end-to-end test runs in every layout and on every database, in two servers or in four."""

from __future__ import annotations

import pytest

from tests.harness.layouts import LAYOUTS, layouts_of

NAMES = [f"test_{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILFOLD_TEST_LAYOUTS", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_two_servers_have_both_layouts_and_both_databases(name: str) -> None:
    chosen = layouts_of(name, everywhere=False)
    assert len(chosen) == 2
    assert {part for layout in chosen for part in layout.split("-")} == {"small", "split", "sqlite", "postgres"}


def test_many_tests_use_all_servers() -> None:
    assert {layout for name in NAMES for layout in layouts_of(name, everywhere=False)} == set(LAYOUTS)


def test_a_marked_test_runs_everywhere() -> None:
    assert layouts_of("test_1", everywhere=True) == LAYOUTS


def test_the_setting_runs_every_test_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILFOLD_TEST_LAYOUTS", "all")
    assert layouts_of("test_1", everywhere=False) == LAYOUTS
