"""`python -m shared.protocol.sieve.run SCRIPT --message FILE`: runs a script over a message and prints its actions.

Each line of the output is a JSON object: `{"action": …}` for an action, `{"error": …, "line": …, "column": …}` for each
error of a script that cannot be compiled (then the exit status is 1), `{"failure": …, "line": …}` for a run-time error,
and with --account `{"step": …}` for each step. The exit status is 2 when a file cannot be read.

Without --from and --to the envelope is taken from the header of the message. Without --personal and --global,
`include` finds scripts in the folder of the script, NAME or NAME.sieve.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from shared.protocol.sieve.actions import UNEDITED, MessageEdits, SieveAction
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import RecordedAnswers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.header import SieveHeader
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.outcome import ScriptOutcome
from shared.protocol.sieve.program import INTERPRETER_VERSION, CompiledScript

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_INVALID, _UNREADABLE = 1, 2
_OF_ENVELOPE = ("auth", "orcpt", "ret", "envid", "by-time-absolute", "by-time-relative", "by-mode", "by-trace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 for a script that cannot be compiled, 2 for a file that is missing."""
    options = command_line().parse_args(arguments)
    try:
        source, octets = Path(options.script).read_bytes(), Path(options.message).read_bytes()
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return _UNREADABLE
    try:
        script = compile_script(source)
    except InvalidScript as error:
        for note in error.errors:
            _show({"error": note.text, "line": note.place.line, "column": note.place.column})
        return _INVALID
    message = message_in_memory(_BARE_LINE_FEED.sub(b"\r\n", octets))
    envelope = envelope_of(options, message)
    answers, environment = answers_of(options), environment_of(options, envelope)
    for line in _lines(run_script(script, message, envelope, environment, answers, with_account=options.account)):
        _show(line)
    return 0


def _lines(outcome: ScriptOutcome) -> Iterator[dict[str, Any]]:
    for step in outcome.steps:
        yield {"step": str(step)}
    for action in outcome.actions:
        yield shown_action(action)
    if failure := outcome.failure:
        yield {
            "failure": failure.text,
            "line": failure.line,
            "abandoned": [shown_action(action) for action in failure.abandoned],
        }


def shown_action(action: SieveAction) -> dict[str, Any]:
    """An action as JSON values; changes of the message are texts."""
    shown: dict[str, Any] = msgspec.to_builtins(action)
    shown.pop("edits", None)
    edits: MessageEdits = getattr(action, "edits", UNEDITED)
    if edits != UNEDITED:
        shown["edits"] = {
            "top": [line.decode("utf-8", "replace") for line in edits.top],
            "bottom": [line.decode("utf-8", "replace") for line in edits.bottom],
            "deleted": list(edits.deleted),
            "content": None if edits.content is None else edits.content.decode("utf-8", "replace"),
        }
    return shown


def _show(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")


def envelope_of(options: argparse.Namespace, message: SieveMessage) -> SieveEnvelope:
    """The envelope of the command line. Without --from and --to it is taken from the header of the message."""
    header = PresentMessage(message).header
    sender, recipient = options.sender, options.recipient
    return SieveEnvelope(
        _first_address(header, b"return-path", b"sender", b"from") if sender is None else sender.strip("<>"),
        _first_address(header, b"delivered-to", b"to") if recipient is None else recipient.strip("<>"),
        options.auth,
        tuple(options.notify),
        options.orcpt,
        options.ret,
        options.envid,
        options.by_time_absolute,
        options.by_time_relative,
        options.by_mode,
        options.by_trace,
    )


def _first_address(header: SieveHeader, *names: bytes) -> str:
    addresses = (address for name in names for address in header.address_parts(name, "full"))
    return next(addresses, b"").decode("utf-8", "replace")


def environment_of(options: argparse.Namespace, envelope: SieveEnvelope) -> SieveEnvironment:
    """The circumstances of the command line; without --now the time of the clock."""
    recipient = (envelope.recipient,) if envelope.recipient else ()
    now: datetime = options.now or datetime.now(UTC)
    return SieveEnvironment(
        now,
        _zone(options.zone) if options.zone else now.tzinfo or UTC,
        (*recipient, *options.address),
        {
            "location": "MS",
            "phase": "during",
            "name": "Mailfold",
            "version": str(INTERPRETER_VERSION),
            **dict(map(_pair, options.env)),
        },
        options.spam_percent,
        options.virus,
        options.separators,
    )


def answers_of(options: argparse.Namespace) -> RecordedAnswers:
    """What the command line says of mailboxes, annotations, lists, duplicates and scripts."""
    uses: dict[str, list[str]] = defaultdict(list)
    for use, mailbox in map(_pair, options.special_use):
        uses[use].append(mailbox)
    lists: dict[str, list[str]] = defaultdict(list)
    for name, value in map(_pair, options.list):
        lists[name].append(value)
    annotations, beside = {}, Path(options.script).parent
    for key, value in map(_pair, options.metadata):
        mailbox, slash, entry = key.partition(":/")
        annotations[mailbox, slash[1:] + entry] = value
    return RecordedAnswers(
        ("INBOX", *options.mailbox),
        options.mailbox_id,
        uses,
        annotations,
        dict(map(_pair, options.server_metadata)),
        options.duplicate,
        _ScriptFiles({"personal": Path(options.personal or beside), "global": Path(options.general or beside)}),
        lists,
    )


class _ScriptFiles(dict[tuple[str, str], CompiledScript]):
    """The scripts in the folders of the locations; each is compiled when it is included."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        super().__init__()
        self._folders = folders

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """The script of a location with this name, if it is there and valid."""
        location, name = key
        for path in (self._folders[location] / f"{name}.sieve", self._folders[location] / name):
            if key not in self and "/" not in name and path.is_file():
                try:
                    self[key] = compile_script(path.read_bytes())
                except InvalidScript as error:
                    sys.stderr.write(f"{path}: {error}\n")
        return super().get(key, default)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _zone(text: str) -> tzinfo:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0)))


def command_line() -> argparse.ArgumentParser:
    """The options of the runner."""
    parser = argparse.ArgumentParser(prog="shared.protocol.sieve.run", description=__doc__)
    parser.add_argument("script")
    parser.add_argument("--message", required=True, help="the message; bare line feeds become CRLF")
    parser.add_argument("--from", dest="sender", help="the envelope's reverse-path, <> for the null one")
    parser.add_argument("--to", dest="recipient", help="the envelope's recipient, an address of the owner")
    parser.add_argument("--account", action="store_true", help="print the steps")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the time of the run, ISO 8601 with a zone")
    parser.add_argument("--zone", default="", help="the owner's zone, as +0200")
    parser.add_argument("--spam-percent", type=int, help="the result of the spam test, 0 to 100")
    parser.add_argument("--virus", type=int, default=0, help="the result of the virus test, 1 to 5")
    parser.add_argument("--separators", default="+", help="characters between user and detail")
    for name in _OF_ENVELOPE:
        parser.add_argument(f"--{name}", default="", help="of the envelope")
    parser.add_argument("--personal", default="", help="the folder of included personal scripts, NAME.sieve")
    parser.add_argument("--global", dest="general", default="", help="the folder of included global scripts")
    _add_lists(parser)
    return parser


def _add_lists(parser: argparse.ArgumentParser) -> None:
    for name, meaning in (
        ("notify", "NOTIFY of the envelope"),
        ("address", "another address of the owner"),
        ("env", "NAME=VALUE, an item of the environment"),
        ("mailbox", "a mailbox that exists"),
        ("mailbox-id", "a mailbox id that exists"),
        ("special-use", "USE=MAILBOX"),
        ("metadata", "MAILBOX:/ENTRY=VALUE"),
        ("server-metadata", "/ENTRY=VALUE"),
        ("duplicate", "the memory of an earlier message"),
        ("list", "LIST=VALUE, an entry of an external list"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], help=f"{meaning}; may be repeated")


if __name__ == "__main__":
    sys.exit(main())
