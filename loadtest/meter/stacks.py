"""Shows where CPU time is spent: py-spy samples the stacks of running Python processes."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

Stack = tuple[str, ...]
"""The files of the frames, outermost first."""
_RATE = 250
"""Samples a second."""
_ATTACH = 10.0
_FRAME = re.compile(r"\(([^()]*?)(?::\d+)?\)$")


def sampler() -> str | None:
    """The sampling program, beside this Python or on PATH; None when there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


class StackSamples:
    """Samples stacks: `start()` begins, `stop()` returns the samples by name.

    Only the thread that holds the interpreter is sampled, which never sleeps.
    """

    def __init__(self, program: str, pids: Mapping[str, Sequence[int]]) -> None:
        self._program = program
        self._pids = pids
        self._folder = Path(tempfile.mkdtemp(prefix="mailfold-stacks-"))
        self._watchers: dict[tuple[str, int], subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Attach to every process; the sampler ignores those that are not Python."""
        for name, pids in self._pids.items():
            for pid in pids:
                self._watchers[name, pid] = self._watch(pid)
        time.sleep(0.5)

    def stop(self) -> dict[str, Counter[Stack]]:
        """Detach; returns the counts."""
        samples: dict[str, Counter[Stack]] = {}
        for watcher in self._watchers.values():
            watcher.send_signal(signal.SIGINT)
        for (name, pid), watcher in self._watchers.items():
            watcher.wait(_ATTACH)
            samples.setdefault(name, Counter()).update(self._read(pid))
        shutil.rmtree(self._folder, ignore_errors=True)
        return {name: counted for name, counted in samples.items() if counted}

    def _watch(self, pid: int) -> subprocess.Popen[bytes]:
        output = str(self._folder / str(pid))
        argv = [
            self._program,
            "record",
            "--pid",
            str(pid),
            "--rate",
            str(_RATE),
            "--format",
            "raw",
            "--output",
            output,
            "--full-filenames",
            "--gil",
        ]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _read(self, pid: int) -> Counter[Stack]:
        try:
            text = (self._folder / str(pid)).read_text("utf-8", "replace")
        except OSError:
            return Counter()
        return stacks(text)


def stacks(text: str) -> Counter[Stack]:
    """The lines `function (file:line);… count` of a raw record."""
    samples: Counter[Stack] = Counter()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        if count.isdigit():
            samples[tuple(match[1] if (match := _FRAME.search(frame)) else frame for frame in frames.split(";"))] += (
                int(count)
            )
    return samples
