"""The step of `if`, `elsif` and `else` (RFC 5228 §3.1)."""

from __future__ import annotations

from typing import NamedTuple

from shared.protocol.sieve.program import SieveCondition, SieveStep
from shared.protocol.sieve.running import ScriptRun


class Branch(NamedTuple):
    """A block and the test that chooses it; None chooses it always."""

    condition: SieveCondition | None
    steps: tuple[SieveStep, ...]


def branch_step(branches: tuple[Branch, ...]) -> SieveStep:
    """Run the first block whose test is true."""

    def choose(run: ScriptRun) -> None:
        for condition, steps in branches:
            if condition is None or condition(run):
                for step in steps:
                    step(run)
                return

    return choose
