"""A compiled script: steps that run in order. Each step and each condition is a function of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from shared.protocol.sieve.diagnostic import ScriptNote

if TYPE_CHECKING:
    from shared.protocol.sieve.running import ScriptRun

INTERPRETER_VERSION = 1
"""Raised whenever the same script may decide otherwise; programs of another version are compiled again."""

SieveStep = Callable[["ScriptRun"], None]
SieveCondition = Callable[["ScriptRun"], bool]


class CompiledScript(msgspec.Struct, frozen=True):
    """A script that is ready to run, any number of times and in several runs at once."""

    steps: tuple[SieveStep, ...]
    extensions: frozenset[str] = frozenset()
    """Those that the script requires."""
    warnings: tuple[ScriptNote, ...] = ()


def run_steps(steps: tuple[SieveStep, ...], run: ScriptRun) -> None:
    """Run steps in order."""
    for step in steps:
        step(run)


def lacks_extension(_run: ScriptRun) -> bool:
    """The condition of an `ihave` whose extensions are not offered: what it guards is not validated (RFC 5463 §4)."""
    return False


def has_extension(_run: ScriptRun) -> bool:
    """The negation of `lacks_extension`."""
    return True


class Stopped(Exception):
    """`stop` ends the run (RFC 5228 §3.3)."""


class Returned(Exception):
    """`return` ends an included script (RFC 6609 §3.3)."""


class LoopBroken(Exception):
    """`break` ends a loop (RFC 5703 §3.2); `name` is that of the loop, or empty for the innermost."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class RunFailed(Exception):
    """A run-time error of the script (RFC 5228 §2.10.6)."""
