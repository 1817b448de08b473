"""Runs generated scripts over messages in both interpreters and lists what they decide differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.program import CompiledScript
from tests.interop.sieve.decisions import Decision, ours, theirs
from tests.interop.sieve.differences import DIFFERENCES
from tests.interop.sieve.scripts import GeneratedScript
from tests.parts.pigeonhole import Pigeonhole

SENDER, RECIPIENT = "sender@example.net", "owner+detail@example.org"
_ENVELOPE = SieveEnvelope(SENDER, RECIPIENT)


@dataclass
class Comparison:
    """What was compared: runs, probes, crashes of Pigeonhole, justified differences, and the others as texts."""

    runs: int = 0
    probes: int = 0
    crashes: int = 0
    justified: Counter[str] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.runs} runs, {self.probes} probes, {self.crashes} crashes of Pigeonhole"]
        lines += [f"{count:6} {text}" for text, count in self.justified.most_common()]
        return "\n".join([*lines, f"{len(self.others)} other differences"])


class Comparer:
    """Both interpreters with the corpus."""

    def __init__(self, other: Pigeonhole, corpus: Mapping[str, bytes], now: datetime) -> None:
        self._other, self._corpus = other, corpus
        self._files = {name: other.store(f"{index}.eml", octets) for index, (name, octets) in enumerate(corpus.items())}
        self._messages = {name: message_in_memory(octets) for name, octets in corpus.items()}
        self._environment = SieveEnvironment(now, addresses=(RECIPIENT, "owner@example.org"))
        self.comparison = Comparison()

    def compare(self, label: str, script: GeneratedScript, names: Iterable[str]) -> None:
        """Run a script over messages in both."""
        program = compile_script(script.source.encode())
        path = self._other.store(f"{label}.sieve", script.source.encode())
        self._other.compiled(path)
        for name in names:
            self._compare(label, script, program, path, name)

    def _compare(self, label: str, script: GeneratedScript, program: CompiledScript, path: Path, name: str) -> None:
        comparison = self.comparison
        printed = self._other.run(path, self._files[name], SENDER, RECIPIENT)
        if "Panic" in printed.error:
            comparison.crashes += 1
            return
        comparison.runs += 1
        mine, other = self._ours(program, self._messages[name]), theirs(printed)
        if mine.error or other.error:
            if bool(mine.error) != bool(other.error):
                comparison.others.append(f"{label} {name}: error {mine.error!r} / {other.error!r}")
            return
        has_cause = self._compare_probes(f"{label} {name}", name, script, mine, other)
        if not has_cause and _without_vacation(mine, mine) != _without_vacation(other, mine):
            comparison.others.append(f"{label} {name}: actions {mine.actions} / {other.actions}")

    def _ours(self, program: CompiledScript, message: SieveMessage) -> Decision:
        return ours(run_script(program, message, _ENVELOPE, self._environment))

    def _compare_probes(self, place: str, name: str, script: GeneratedScript, mine: Decision, other: Decision) -> bool:
        """Whether a probe differs; what later probes and actions make of its match variables differs too."""
        mine_by_probe, other_by_probe = mine.by_probe, other.by_probe
        for number, probe in enumerate(script.probes):
            self.comparison.probes += 1
            pair = mine_by_probe.get(number), other_by_probe.get(number)
            if pair[0] == pair[1]:
                continue
            octets = self._corpus[name]
            cause = next((known for known in DIFFERENCES if known.explains(name, octets, probe, *pair)), None)
            if cause is None:
                self.comparison.others.append(f"{place}: {probe}\n    Mailfold {pair[0]}\n    Pigeonhole {pair[1]}")
            else:
                self.comparison.justified[f"{cause.section}: {cause.reason}"] += 1
            return True
        return False


def _without_vacation(decision: Decision, mine: Decision) -> list[str]:
    """The actions in any order. Pigeonhole decides at delivery whether an answer is due (RFC 5230 §4.5, §4.6)."""
    answers = any(line.startswith("vacation") for line in mine.actions)
    return sorted(line for line in decision.actions if answers or not line.startswith("vacation"))
