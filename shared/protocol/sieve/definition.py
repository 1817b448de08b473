"""A command or a test of the language: its signature, and the function that compiles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shared.protocol.sieve.program import SieveCondition, SieveStep
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NodeSignature


class CommandDefinition(NamedTuple):
    """A command. `compile` may return None for a command that does nothing when the script runs."""

    signature: NodeSignature
    compile: Callable[[Scope, Arguments], SieveStep | None]


class TestDefinition(NamedTuple):
    """A test."""

    signature: NodeSignature
    compile: Callable[[Scope, Arguments], SieveCondition]
