"""Runs a Sieve script over one message to see what it would do. Nothing is done."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from mailfold.arguments import Option
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.scripts import INPUT

if TYPE_CHECKING:
    from argparse import Namespace

    from shared.protocol.sieve.diagnostic import InvalidScript, ScriptNote
    from shared.protocol.sieve.outcome import StepNote
    from shared.scripts.settings import SieveSettings

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class TrialEnvelope(NamedTuple):
    """What a message comes with."""

    sender: Annotated[
        str | None, Option("--from", help="The envelope sender, <> for none. Without it that of the header.")
    ] = None
    recipient: Annotated[
        str | None, Option("--to", help="The envelope recipient. Without it that of the header, or the account's.")
    ] = None
    now: Annotated[str, Option("--now", help="The time of the run, as 2026-11-23T10:00. Without it the present.")] = ""
    spam_percent: Annotated[
        int | None, Option("--spam-percent", minimum=0, maximum=100, help="The result of the spam test.")
    ] = None


class TrialCircumstances(NamedTuple):
    """What the server knows; without an account the command line says it."""

    zone: Annotated[str, Option("--zone", help="The owner's time zone, as +0200 or Europe/Berlin.")] = ""
    address: Annotated[list[str] | None, Option("--address", help="Another address of the owner.")] = None
    mailbox: Annotated[list[str] | None, Option("--mailbox", help="A mailbox that exists beside INBOX.")] = None
    mailbox_id: Annotated[list[str] | None, Option("--mailbox-id", help="The id of a mailbox that exists.")] = None
    special_use: Annotated[
        list[str] | None, Option("--special-use", help="USE=MAILBOX, as \\Junk=Spam: a mailbox with a special use.")
    ] = None
    metadata: Annotated[
        list[str] | None, Option("--metadata", help="MAILBOX:/ENTRY=VALUE, an annotation of a mailbox.")
    ] = None
    server_metadata: Annotated[
        list[str] | None, Option("--server-metadata", help="/ENTRY=VALUE, an annotation of the server.")
    ] = None
    duplicate: Annotated[
        list[str] | None, Option("--duplicate", help="What an earlier message has left, as a run prints it.")
    ] = None
    lists: Annotated[list[str] | None, Option("--list", help="LIST=VALUE, an entry of an external list.")] = None
    env: Annotated[list[str] | None, Option("--env", help="NAME=VALUE, an item of the environment.")] = None
    virus: Annotated[int, Option("--virus", minimum=0, maximum=5, help="The result of the virus test.")] = 0
    personal: Annotated[str, Option("--personal", help="The folder of included scripts, NAME.sieve.")] = ""
    general: Annotated[str, Option("--global", help="The folder of included global scripts.")] = ""


class ScriptTrial(NamedTuple):
    """What a script would do, as values for programs and as lines for people."""

    errors: tuple[ScriptNote, ...] = ()
    """Of a script that cannot be compiled; then there is nothing else but warnings."""
    warnings: tuple[ScriptNote, ...] = ()
    steps: tuple[StepNote, ...] = ()
    actions: tuple[dict[str, Any], ...] = ()
    lines: tuple[str, ...] = ()
    failure: str = ""


def message_in(path: str) -> bytes:
    """The octets of a message as they come by SMTP: its lines end in CRLF. Raises CommandFailed."""
    try:
        octets = sys.stdin.buffer.read() if path == INPUT else Path(path).read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror or error}", UNUSABLE) from error
    return _BARE_LINE_FEED.sub(b"\r\n", octets)


def tried_here(
    source: bytes, message: bytes, envelope: TrialEnvelope, known: TrialCircumstances, settings: SieveSettings
) -> ScriptTrial:
    """Run a script with what the command line says. Raises CommandFailed for words that cannot be read."""
    from shared.protocol.sieve.compiler import compile_script
    from shared.protocol.sieve.describing import described_outcome
    from shared.protocol.sieve.diagnostic import InvalidScript
    from shared.protocol.sieve.execution import run_script
    from shared.protocol.sieve.mail.message import message_in_memory
    from shared.protocol.sieve.run import answers_of, envelope_of, environment_of, shown_action

    try:
        script = compile_script(source, settings.extensions, settings.limits)
    except InvalidScript as error:
        return refused(error)
    options, scanned = _options(envelope, known), message_in_memory(message)
    given = envelope_of(options, scanned)
    environment = environment_of(options, given)
    answers = answers_of(options)
    outcome = run_script(script, scanned, given, environment, answers, settings.limits, with_account=True)
    return ScriptTrial(
        (),
        script.warnings,
        outcome.steps,
        tuple(map(shown_action, outcome.actions)),
        tuple(described_outcome(outcome)),
        outcome.failure.text if outcome.failure is not None else "",
    )


def refused(error: InvalidScript) -> ScriptTrial:
    """The trial of a script that cannot be compiled."""
    return ScriptTrial(error.errors, error.warnings)


def _options(envelope: TrialEnvelope, known: TrialCircumstances) -> Namespace:
    """The options of the runner of the language."""
    from shared.protocol.sieve.run import command_line

    options = command_line().parse_args(["", "--message", ""])
    options.sender, options.recipient = envelope.sender, envelope.recipient
    options.spam_percent, options.now = envelope.spam_percent, moment_of(envelope.now, known.zone)
    for name, value in known._asdict().items():
        setattr(options, "list" if name == "lists" else name, [] if value is None else value)
    options.zone = ""  # the time has it
    return options


def moment_of(text: str, zone: str = "") -> Any:
    """A time with the zone of the owner, in which it is read when it names none. Raises CommandFailed."""
    from datetime import UTC, datetime

    place = _zone(zone) if zone else UTC
    try:
        at = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise CommandFailed(f"{text!r} is not a time; write it as 2026-11-23T10:00", UNUSABLE) from error
    return at.replace(tzinfo=place) if at.tzinfo is None else at.astimezone(place)


def _zone(text: str) -> Any:
    from datetime import timedelta, timezone

    from shared.time_zones import is_time_zone, zone_of

    offset = re.fullmatch(r"([+-])(\d\d):?([0-5]\d)", text)
    if offset and int(offset[2]) < 24:
        return timezone(int(f"{offset[1]}1") * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    if not is_time_zone(text):
        raise CommandFailed(f"{text!r} is not a time zone; write +0200 or Europe/Berlin", UNUSABLE)
    return zone_of(text)
