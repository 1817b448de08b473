"""All commands and tests of the language by their names."""

from __future__ import annotations

from shared.protocol.sieve.commands import (
    editheader,
    flags,
    include,
    loop,
    mime,
    notify,
    redirect,
    reject,
    store,
    vacation,
    variables,
)
from shared.protocol.sieve.conditions import (
    address,
    body,
    date,
    duplicate,
    envelope,
    environment,
    flag,
    header,
    logic,
    mailbox,
    string,
)
from shared.protocol.sieve.conditions import notify as notify_tests
from shared.protocol.sieve.definition import CommandDefinition, TestDefinition

_WITH_COMMANDS = (
    store,
    redirect,
    reject,
    variables,
    flags,
    vacation,
    editheader,
    include,
    notify,
    loop,
    mime,
)
_WITH_TESTS = (
    logic,
    header,
    address,
    envelope,
    string,
    flag,
    environment,
    mailbox,
    date,
    body,
    duplicate,
    notify_tests,
    mime,
)

COMMANDS: dict[str, CommandDefinition] = {
    definition.signature.name: definition for module in _WITH_COMMANDS for definition in module.COMMANDS
}

TESTS: dict[str, TestDefinition] = {
    definition.signature.name: definition for module in _WITH_TESTS for definition in module.TESTS
}
