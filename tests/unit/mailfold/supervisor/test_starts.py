"""A start may take long while it makes progress; without progress it is killed and repeated, with a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailfold.supervisor import unit as unit_module
from mailfold.supervisor.backoff import Backoff
from mailfold.supervisor.child import Child, Spawn
from mailfold.supervisor.report import State
from mailfold.supervisor.unit import Unit
from shared.starting import StartProgress, read_progress

PATIENCE = 120.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(unit_module, "monotonic", made.monotonic)
    return made


class Starting:
    """A child that reports the progress of its start as a test wants."""

    def __init__(self) -> None:
        self.text = ""
        self.is_ready = False
        child = Child(
            "core",
            Spawn(("sleep", "1000")),
            ready=lambda _pid: self.is_ready,
            start_timeout=PATIENCE,
            doing=lambda _pid: self.text,
        )
        self.unit = Unit(child, Backoff())
        self.output = self.unit.begin(())

    def look(self) -> None:
        self.unit.act_when_due()
        self.unit.look_whether_ready()

    def end(self) -> None:
        if self.unit.alive:
            self.unit.kill()
            while not self.unit.reap():
                os.sched_yield()
        os.close(self.output)


@pytest.fixture
def starting(clock: Clock) -> Iterator[Starting]:
    made = Starting()
    yield made
    made.end()


def test_a_start_that_advances_is_left_alone_however_long_it_takes(starting: Starting, clock: Clock) -> None:
    pid = starting.unit.pid
    for count in range(100):  # three hours
        starting.text = f"mailstore: computes tables anew, {count * 1000} events so far"
        starting.look()
        clock.now += PATIENCE - 1
        starting.look()
    assert (starting.unit.state, starting.unit.pid) == (State.STARTING, pid)
    assert starting.unit.process().doing == starting.text
    starting.is_ready = True
    starting.look()
    assert (starting.unit.state, starting.unit.process().doing) == (State.RUNNING, "")


def test_a_start_that_says_nothing_new_is_killed_and_the_report_says_what_it_did(
    starting: Starting, clock: Clock
) -> None:
    starting.text = "mailstore: waits"
    starting.look()
    clock.now += PATIENCE + 1
    starting.look()
    while not starting.unit.reap():
        os.sched_yield()
    process = starting.unit.process()
    assert process.state is State.BACKOFF
    assert process.last_exit == "signal 9, after 120 s without progress: mailstore: waits"


def test_a_process_says_what_it_does_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "core.starting"
    progress = StartProgress(file)
    progress.note("starts mailstore", at_once=True)
    assert read_progress(file, os.getpid()) == "starts mailstore"
    assert read_progress(file, os.getpid() + 1) == ""  # of a process that has ended
    progress.clear()
    assert read_progress(file, os.getpid()) == ""
    assert list(tmp_path.iterdir()) == []


def test_many_words_in_a_moment_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = StartProgress(tmp_path / "core.starting")
    written: list[str] = []
    monkeypatch.setattr(progress, "_write", lambda _file: written.append(progress._text))
    for count in range(100_000):
        progress.note(f"{count} so far")
    assert 1 <= len(written) < 1000
