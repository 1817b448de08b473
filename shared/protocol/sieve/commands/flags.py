"""The actions `setflag`, `addflag` and `removeflag` of imap4flags (RFC 5232 §3)."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.sieve.commands.variables import variable_name
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.flags import Flags, read_flags, together, warn_of_lost_backslash, without
from shared.protocol.sieve.program import SieveStep
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, STRINGS, NodeSignature


def _replaced(_flags: Flags, given: Flags) -> Flags:
    return given


_CHANGES: dict[str, Callable[[Flags, Flags], Flags]] = {
    "setflag": _replaced,
    "addflag": together,
    "removeflag": without,
}


def _change(scope: Scope, arguments: Arguments) -> SieveStep:
    """The flags of a variable, or without its name those of the internal variable (RFC 5232 §3)."""
    change, texts = _CHANGES[arguments.name], arguments.texts(arguments.count - 1)
    warn_of_lost_backslash(scope, texts)
    if arguments.count < 2:

        def change_internal(run: ScriptRun) -> None:
            run.flags = change(run.flags, read_flags(run, (text.value(run) for text in texts)))

        return change_internal
    scope.need(arguments.place, ("variables",), f"the name of a variable in {arguments.name}")
    name = variable_name(scope, arguments)

    def change_named(run: ScriptRun) -> None:
        flags = change(read_flags(run, (run.variable(name),)), read_flags(run, (text.value(run) for text in texts)))
        run.set_variable(name, " ".join(flags).encode())

    return change_named


COMMANDS = tuple(
    CommandDefinition(NodeSignature(name, (STRING, STRINGS), (), ("imap4flags",), optional=1), _change)
    for name in _CHANGES
)
