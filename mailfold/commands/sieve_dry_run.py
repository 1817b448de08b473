"""`mailfold sieve test`: what a Sieve script would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Option
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed
from mailfold.operator.script_trial import ScriptTrial, TrialCircumstances, TrialEnvelope, message_in, tried_here
from mailfold.operator.scripts import INPUT, ScriptFile, read_script, settings_here

JsonLines = Annotated[bool, Option("--json", help="Print one JSON document per line.")]


def test(
    script: ScriptFile,
    envelope: TrialEnvelope,
    known: TrialCircumstances,
    message: Annotated[str, Argument("The message: a file, or - for the input.")] = "",
    account: Annotated[
        str, Option("--account", help="The address of an account: with its mailboxes, addresses and other scripts.")
    ] = "",
    message_of: Annotated[
        str, Option("--message-of", help="Instead of a message: the queue id of a mail that the account has got.")
    ] = "",
    data: Data = DATA,
    json: JsonLines = False,
) -> None:
    """Show step by step what a script would do with a message; nothing is done.

    Without --account the server need not run, and the command line says what a server would know. With it the scripts
    of the server run before and after this one, as over mail. Exit code 1 when the script cannot be compiled, or when
    it fails at this message.
    """
    from mailfold.commands.sieve_outcome_printing import print_trial

    _check(script, message, account, message_of, known)
    source = read_script(script)
    if account:
        trial = _with_account(data, account, (Path(script).name, source), message, message_of, envelope)
    else:
        trial = tried_here(source, message_in(message), envelope, known, settings_here(data))
    print_trial(source, trial, json=json)
    if trial.errors or trial.failure:
        raise SystemExit(REFUSED)


def _check(script: str, message: str, account: str, message_of: str, known: TrialCircumstances) -> None:
    """Check that the words fit together. Raises CommandFailed."""
    if bool(message) == bool(message_of):
        raise CommandFailed("which message? Give a file, - for the input, or --message-of with a queue id", UNUSABLE)
    if message_of and not account:
        raise CommandFailed("--message-of needs --account: the account that has got the mail", UNUSABLE)
    if script == message == INPUT:
        raise CommandFailed("only one of script and message can be the input", UNUSABLE)
    if account and known != TrialCircumstances():
        raise CommandFailed("with --account the server knows mailboxes, addresses and so on; leave them out", UNUSABLE)


def _with_account(
    data: Path, account: str, script: tuple[str, bytes], message: str, queue_id: str, envelope: TrialEnvelope
) -> ScriptTrial:
    from mailfold.operator.account_trial import TriedMessage, checked_queue_id, tried_for_account
    from mailfold.operator.session import converse

    tried = TriedMessage(b"", checked_queue_id(queue_id)) if queue_id else TriedMessage(message_in(message))
    return converse(data, lambda session: tried_for_account(session, account, script, tried, envelope))
