"""A first start is announced once, or ended with the reason."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailfold.launcher.start import FirstStart
from mailfold.supervisor.report import Process, State


def process(state: State, restarts: int = 0) -> Process:
    return Process("core", ("directory",), state, 1, 0, 0, restarts, "status 1" if state is State.BACKOFF else "")


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """The signals that the launcher sends itself."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    yield seen
    signal.signal(signal.SIGTERM, before)


def test_ready_is_said_once(tmp_path: Path) -> None:
    said: list[int] = []
    first = FirstStart(tmp_path, lambda: said.append(1))
    for state in (State.STARTING, State.RUNNING, State.BACKOFF, State.RUNNING):
        first.changed((process(state),))
    assert said == [1]
    assert not first.failed


def test_a_process_that_crashes_again_and_again_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stopped: list[int]
) -> None:
    (tmp_path / "core.log").write_text("one\nport 25 is taken\n")
    first = FirstStart(tmp_path, lambda: pytest.fail("it is not ready"))
    for restarts in range(3):
        first.changed((process(State.BACKOFF, restarts),))
        first.changed((process(State.BACKOFF, restarts),))
    assert first.failed
    assert stopped == [signal.SIGTERM]
    errors = capsys.readouterr().err
    assert errors.count("core ended with status 1") == 3
    assert "port 25 is taken" in errors


def test_being_stopped_meanwhile_is_no_failure(tmp_path: Path, stopped: list[int]) -> None:
    first = FirstStart(tmp_path, lambda: pytest.fail("it is not ready"))
    first.changed((process(State.STOPPING),))
    assert (first.failed, stopped) == (False, [])
