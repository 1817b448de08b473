"""An end-to-end test runs in every layout and on every database, or in one that its name chooses."""

from __future__ import annotations

import pytest

from tests.harness.layouts import LAYOUTS, layouts_of, needs_containers, runs_in_containers

NAMES = [f"test_{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILFOLD_TEST_LAYOUTS", raising=False)
    monkeypatch.delenv("MAILFOLD_TEST_COMPOSE", raising=False)


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


def test_some_files_run_on_containers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_in_containers("tests/e2e/test_receiving.py::test_sub_address")
    assert not runs_in_containers("tests/e2e/test_quota.py::test_receiving")
    monkeypatch.setenv("MAILFOLD_TEST_COMPOSE", "all")
    assert runs_in_containers("tests/e2e/test_quota.py::test_receiving")


def test_what_is_about_containers_runs_on_nothing_else() -> None:
    assert needs_containers("tests/e2e/test_containers.py::test_logs_hold_no_secret")
    assert runs_in_containers("tests/e2e/test_containers.py::test_logs_hold_no_secret")
    assert not needs_containers("tests/e2e/test_receiving.py::test_sub_address")
