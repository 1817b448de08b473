"""Runs the `mailfold` command as an operator does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
_LIMIT = 60.0


class CommandFailed(AssertionError):
    """A command failed that should have succeeded."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Command:
    """Runs commands with `--data` of one server: `command("status")`, `command.json("trace", queue_id)`."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> None:
        """`prefix` is a program that runs the command."""
        self._data = data
        self._settings = dict(settings or {})
        self._program = (*prefix, *program())

    def run(self, *words: str, text: str = "", limit: float = _LIMIT) -> Ended:
        """Run the command; any exit status is accepted."""
        argv = [*self._program, *words, "--data", str(self._data)]
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, env=environment(self._settings), timeout=limit
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def __call__(self, *words: str, text: str = "") -> str:
        """The output of the command. Raises CommandFailed for any other exit status than 0."""
        done = self.run(*words, text=text)
        if done.status:
            raise CommandFailed(f"mailfold {' '.join(words)}: exit {done.status}\n{done.output}{done.errors}")
        return done.output

    def trace(self, name: str, *words: str) -> str:
        """The output of `trace`, once the event log has recorded these words: it follows the other services."""

        def recorded() -> str:
            done = self.run("trace", name)
            return done.output if done.status == 0 and all(word in done.output for word in words) else ""

        return until(recorded, f"«{'», «'.join(words)}» in the trace of {name}")

    def json(self, *words: str) -> Any:
        """The output with `--json`, decoded."""
        output = self(*words, "--json")
        try:
            return json.loads(output)
        except ValueError as error:
            raise CommandFailed(f"mailfold {' '.join(words)} --json printed no JSON: {output[:300]}") from error

    def json_lines(self, *words: str) -> list[Any]:
        """The output with `--json`, one document per line."""
        return [json.loads(line) for line in self(*words, "--json").splitlines()]

    def popen(self, *words: str, stdout: int) -> subprocess.Popen[str]:
        """Start the command; its output goes to a descriptor of the caller."""
        argv = [*self._program, *words, "--data", str(self._data)]
        return subprocess.Popen(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment(self._settings))

    @contextlib.contextmanager
    def following(self, *words: str) -> Iterator[Iterator[str]]:
        """The lines of a command that runs until it is interrupted; it ends when it prints nothing for a while."""
        argv = ["timeout", str(_LIMIT), *self._program, *words, "--data", str(self._data)]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, env=environment(self._settings), start_new_session=True
        ) as process:
            assert process.stdout is not None
            try:
                yield iter(process.stdout)
            finally:
                os.killpg(process.pid, signal.SIGINT)


def program() -> tuple[str, ...]:
    """The command of this checkout."""
    return sys.executable, "-m", "mailfold"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment without settings of another server, with the repository first on Python's path."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAILFOLD_") or name == "MAILFOLD_TEST_DATA"
    }
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**ours, "PYTHONPATH": path, "COLUMNS": "200", **settings}
