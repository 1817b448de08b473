"""Measures the CPU time of both interpreters, in rounds that alternate: a change of the machine's speed meets both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtest.figures import SieveCost
from loadtest.sieve.pigeonhole import Pigeonhole, is_installed
from loadtest.sieve.rules import message, rules
from shared.protocol.message.scan import scan
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import OctetsInMemory, SieveMessage

AGAIN = 50
"""Runs of the script in one process of sieve-test, for the cost of a further run."""
_NOTHING = b'if header "x-none" "x" { stop; }\n'
_ENVELOPE = SieveEnvelope("someone@example.com", "bob@example.org")


def measure(count: int, octets: int, rounds: int, runs: int, tick: Callable[[], None]) -> SieveCost:
    """The cost of a script of `count` rules over a message of `octets`. Raises OSError, CalledProcessError."""
    source, text = rules(count), message(octets)
    began = time.process_time()
    program = compile_script(source)
    compiling = time.process_time() - began
    scanned = SieveMessage(OctetsInMemory(text), scan(text))
    environment = SieveEnvironment(addresses=("bob@example.org",))

    def run() -> None:
        run_script(program, scanned, _ENVELOPE, environment)

    mine: list[float] = []
    scans: list[float] = []
    with TemporaryDirectory(prefix="loadtest-sieve-") as folder:
        other = _Other(Path(folder), source, text) if is_installed() else None
        for _ in range(rounds):
            mine.append(_timed(run, runs))
            scans.append(_timed(lambda: scan(text), max(runs // 10, 1)))
            if other is not None:
                other.measure()
            tick()
    return SieveCost(
        rules=count,
        message_octets=octets,
        rounds=rounds,
        compile_ms=_ms(compiling),
        run_ms=_ms(statistics.median(mine)),
        scan_ms=_ms(statistics.median(scans)),
        other_run_ms=_ms(other.first_run()) if other else None,
        other_further_run_ms=_ms(other.further_run()) if other else None,
    )


def _timed(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 4)


class _Other:
    """Pigeonhole's processes: with the script and with almost none, once and many times over the message."""

    def __init__(self, folder: Path, source: bytes, text: bytes) -> None:
        self._programs = Pigeonhole(folder, text)
        # A script that stores the message would end the sequence of scripts, and storing is no interpretation. So these
        # two match nothing, and both end with the same implicit keep.
        self._nothing = self._programs.compiled("nothing", _NOTHING)
        self._unmatched = self._programs.compiled("unmatched", b"\n".join(source.splitlines()[:-1]) + b"\n")
        self._seconds: dict[str, list[float]] = {"nothing": [], "script": [], "nothing again": [], "script again": []}

    def measure(self) -> None:
        """One round."""
        self._programs.seconds(self._nothing)  # the first process after other work pays for cold caches
        self._seconds["nothing"].append(self._programs.seconds(self._nothing))
        self._seconds["script"].append(self._programs.seconds(self._unmatched))
        self._seconds["nothing again"].append(self._programs.seconds(self._nothing, AGAIN))
        self._seconds["script again"].append(self._programs.seconds(self._unmatched, AGAIN))

    def first_run(self) -> float:
        """A process with the script, less one with a single rule: interpretation and reading of the message."""
        return self._median("script") - self._median("nothing")

    def further_run(self) -> float:
        """What each further run costs, when message and script have been read."""
        return (self._median("script again") - self._median("nothing again")) / AGAIN

    def _median(self, name: str) -> float:
        return statistics.median(self._seconds[name])
