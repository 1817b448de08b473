"""A reading process, as the server sees it: started, asked, and killed with everything it started."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock

import msgspec

from services.indexer.extraction.dialogue import FileDialogue, ProcessDied, TooMuchOutput
from services.indexer.extraction.port import ExtractorUnavailable
from services.indexer.extraction.verdict import ProcessEnd
from services.indexer.extraction.wire import BadFrame, Confinement

_ROOT = Path(__file__).parents[3]
_LAUNCHER = Path(__file__).parent / "child" / "launcher.py"
_START_SECONDS = 60.0
_MOST_AT_START = 64 * 1024
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "XDG_CACHE_HOME": "/nonexistent",
    "KREUZBERG_CACHE_DIR": "/nonexistent",
    "HF_HUB_OFFLINE": "1",
    "RUST_BACKTRACE": "0",
    "RAYON_NUM_THREADS": "1",
    "TOKIO_WORKER_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""All that the process gets of an environment; no secrets are in it."""


def command_line(memory_mb: int, cpu_seconds: int) -> tuple[str, ...]:
    """The command that starts a reading process."""
    return (sys.executable, "-I", "-B", str(_LAUNCHER), str(_ROOT), str(memory_mb), str(cpu_seconds))


class ReadingProcess:
    """A process in a session of its own. All methods but `kill` are called from one thread."""

    def __init__(self, command: Sequence[str], library: Path) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is this program itself
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**ENVIRONMENT, "TMPDIR": str(library)},
                cwd="/",
                close_fds=True,
                start_new_session=True,
            )
        except OSError as error:
            raise ExtractorUnavailable(f"no process can be started: {error}") from error
        self._ending = Lock()
        self.asked = 0
        """The number of requests so far."""

    @property
    def pid(self) -> int:
        """The id of the process, which is that of its group too."""
        return self._process.pid

    def ready(self) -> Confinement:
        """Wait until it can be asked. Raises ExtractorUnavailable."""
        conversation = self.conversation(_START_SECONDS, _MOST_AT_START)
        try:
            return msgspec.msgpack.decode(conversation.ready(), type=Confinement)
        except (ProcessDied, TooMuchOutput, BadFrame, msgspec.DecodeError, TimeoutError) as error:
            raise ExtractorUnavailable(f"a reading process did not start: {conversation.complaint[-500:]}") from error

    def conversation(self, seconds: float, most_octets: int) -> FileDialogue:
        """A conversation with it that may take so long, and give so much."""
        return FileDialogue(self._process, time.monotonic() + seconds, most_octets)

    def ask(self, conversation: FileDialogue, octets: Iterator[bytes]) -> bytes:
        """Ask it."""
        self.asked += 1
        return conversation.ask(octets)

    def kill(self) -> None:
        """Kill it and all processes it started; another thread that talks to it sees it die."""
        with self._ending, contextlib.suppress(ProcessLookupError, PermissionError):
            # After it was waited for, its number may be another's.
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> ProcessEnd:
        """Kill it, close its pipes, and say what it died of, when it was dead before."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        with self._ending:
            if self._process.returncode is not None:
                return ProcessEnd(self._process.returncode, 0)
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            return ProcessEnd(self._process.returncode, _most_mb(usage))


def _most_mb(usage: resource.struct_rusage) -> int:
    """The most memory that the process used, in MB; 0 when it is not known.

    What a process reports includes the memory of this one, of which it was a copy until exec.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage.ru_maxrss // 1024 if usage.ru_maxrss > own else 0
