"""The `mailfold` command, run as an operator runs it."""

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

ROOT = Path(__file__).resolve().parents[2]
_LIMIT = 60.0


class CommandFailed(AssertionError):
    """A command that was to succeed did not."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that came to its end."""

    status: int
    output: str
    errors: str


class Command:
    """`command("status")`, `command.json("trace", queue_id)`: each with `--data` of one server."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> None:
        """`prefix`: a program that runs the command."""
        self._data = data
        self._settings = dict(settings or {})
        self._program = (*prefix, *program())

    def run(self, *words: str, text: str = "", limit: float = _LIMIT) -> Ended:
        """Whatever its exit status is."""
        argv = [*self._program, *words, "--data", str(self._data)]
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, env=environment(self._settings), timeout=limit
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def __call__(self, *words: str, text: str = "") -> str:
        """What it printed. Raises CommandFailed for any other exit status than 0."""
        done = self.run(*words, text=text)
        if done.status:
            raise CommandFailed(f"mailfold {' '.join(words)}: exit {done.status}\n{done.output}{done.errors}")
        return done.output

    def json(self, *words: str) -> Any:
        """What it says with `--json`, decoded."""
        output = self(*words, "--json")
        try:
            return json.loads(output)
        except ValueError as error:
            raise CommandFailed(f"mailfold {' '.join(words)} --json printed no JSON: {output[:300]}") from error

    def json_lines(self, *words: str) -> list[Any]:
        """What it says with `--json`, one document a line."""
        return [json.loads(line) for line in self(*words, "--json").splitlines()]

    def popen(self, *words: str, stdout: int) -> subprocess.Popen[str]:
        """Begins it; its output goes to a descriptor of the caller's."""
        argv = [*self._program, *words, "--data", str(self._data)]
        return subprocess.Popen(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment(self._settings))

    @contextlib.contextmanager
    def following(self, *words: str) -> Iterator[Iterator[str]]:
        """The lines of a command that goes on until it is interrupted; a silent one ends after a while."""
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
    """Ours without settings of some other server, the repository first on Python's path."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAILFOLD_") or name == "MAILFOLD_TEST_DATA"
    }
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**ours, "PYTHONPATH": path, "COLUMNS": "200", **settings}
