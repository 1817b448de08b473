"""`mailfold sieve test`: what a Sieve script would do."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Option
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed
from mailfold.operator.script_trial import TrialCircumstances, TrialEnvelope
from mailfold.operator.scripts import INPUT, ScriptFile, read_script, settings_here

JsonLines = Annotated[bool, Option("--json", help="Print one JSON document per line.")]


def test(
    script: ScriptFile,
    envelope: TrialEnvelope,
    known: TrialCircumstances,
    message: Annotated[str, Argument("The message: a file, or - for the input.")],
    data: Data = DATA,
    json: JsonLines = False,
) -> None:
    """Show step by step what a script would do with a message. Nothing is done, and the server need not run.

    Exit code 1 when the script cannot be compiled, or when it fails at this message.
    """
    from mailfold.commands.sieve_outcome_printing import print_trial
    from mailfold.operator.script_trial import message_of, tried_here

    if script == message == INPUT:
        raise CommandFailed("only one of script and message can be the input", UNUSABLE)
    source = read_script(script)
    trial = tried_here(source, message_of(message), envelope, known, settings_here(data))
    print_trial(source, trial, json=json)
    if trial.errors or trial.failure:
        raise SystemExit(REFUSED)
