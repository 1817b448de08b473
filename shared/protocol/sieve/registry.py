"""All commands and tests of the language by their names."""

from __future__ import annotations

from shared.protocol.sieve.commands import redirect, reject, store
from shared.protocol.sieve.conditions import address, envelope, header, logic
from shared.protocol.sieve.definition import CommandDefinition, TestDefinition

COMMANDS: dict[str, CommandDefinition] = {
    definition.signature.name: definition for module in (store, redirect, reject) for definition in module.COMMANDS
}

TESTS: dict[str, TestDefinition] = {
    definition.signature.name: definition
    for module in (logic, header, address, envelope)
    for definition in module.TESTS
}
