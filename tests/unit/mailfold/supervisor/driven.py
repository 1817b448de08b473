"""Runs a supervisor in a separate process, with children given as Python text, and reads its report."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mailfold.supervisor.report import Process, State, read_report
from tests.parts.child import Child

_ROOT = Path(__file__).resolve().parents[4]
_SCRIPT = """
import os, pathlib, signal, sys
sys.path.insert(0, {root!r})
from mailfold.supervisor.backoff import Backoff
from mailfold.supervisor.child import Child, Fork, Spawn
from mailfold.supervisor.supervisor import Supervisor

here = pathlib.Path({folder!r})
SLEEP = Spawn(("sleep", "1000"))

def sh(text):
    return Spawn(("sh", "-c", text))

def file_there(name):
    return lambda pid: (here / name).exists()

def forever():
    signal.pause()

{before}
children = [{children}]
logs = here if {to_files} else None
Supervisor(children, here / "processes.json", logs, backoff=lambda: Backoff(0.01, 0.1, 60.0)).run()
"""


class Driven:
    """A context manager: the supervisor runs within the block, and is killed at the end if it still runs."""

    def __init__(self, folder: Path, children: str, *, before: str = "", to_files: bool = True) -> None:
        self.folder = folder
        script = folder / "driver.py"
        script.write_text(
            _SCRIPT.format(root=str(_ROOT), folder=str(folder), before=before, children=children, to_files=to_files)
        )
        self._child = Child([sys.executable, str(script)], folder / "driver.out")

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def printed(self) -> str:
        return self._child.log_tail()

    def process(self, name: str) -> Process | None:
        """A child in the present report."""
        report = read_report(self.folder / "processes.json")
        return next((result for result in report.processes if result.name == name), None) if report else None

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; fails when the supervisor ends, or after 30 seconds."""
        self._child.wait_until(condition)

    def wait_for(self, name: str, condition: Callable[[Process], bool]) -> Process:
        """Wait until the child's report fulfils a condition."""
        result: list[Process] = []

        def is_so() -> bool:
            process = self.process(name)
            result[:] = [process] if process and condition(process) else []
            return bool(result)

        self.wait(is_so)
        return result[0]

    def running(self, name: str) -> Process:
        """Wait until the child runs and is ready."""
        return self.wait_for(name, lambda entry: entry.state is State.RUNNING)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its end; its exit status."""
        return self._child.stop(number)

    def signal(self, number: signal.Signals) -> None:
        """Signal the supervisor."""
        os.kill(self.pid, number)


def is_gone(pid: int) -> bool:
    """Whether no such process runs. A zombie counts as gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def wait_until_gone(*pids: int) -> None:
    """Wait until none of them runs; fails after a minute."""
    watcher = Child(["sleep", "60"], Path(os.devnull))
    try:
        watcher.wait_until(lambda: all(map(is_gone, pids)), timeout=59)
    finally:
        watcher.kill()
