"""From the words of a command line to its exit code.

A failure is reported as a sentence, or as JSON when JSON was requested.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from mailfold.arguments import Command, Group, Misused, call, overview
from mailfold.operator.failure import INTERRUPTED, REFUSED, UNUSABLE, CommandFailed, our_fault

ABOUT = "A mail server: start it, manage it, and see what happened."


class _Place(NamedTuple):
    """The module and name of a command; the module is imported when the command is used."""

    module: str
    name: str


COMMANDS: Mapping[str, _Place] = {
    "up": _Place("up", "up"),
    "demo": _Place("demo", "demo"),
    "status": _Place("status", "status"),
    "trace": _Place("trace", "trace"),
    "events": _Place("trace", "events"),
    "chart": _Place("trace", "chart"),
    "verify": _Place("verify", "verify"),
    "rebuild": _Place("verify", "rebuild"),
    "domain": _Place("domain", "app"),
    "user": _Place("user", "app"),
    "role": _Place("role", "app"),
    "ldap": _Place("ldap", "app"),
    "group": _Place("group", "app"),
    "sharing": _Place("sharing", "app"),
    "account": _Place("account", "app"),
    "mailbox": _Place("mailbox", "app"),
    "alias": _Place("alias", "app"),
    "app-password": _Place("app_password", "app"),
    "application": _Place("application", "app"),
    "list": _Place("mailing_list", "app"),
    "archive": _Place("archive", "app"),
    "resolve": _Place("resolve", "resolve"),
    "import": _Place("bulk", "imports"),
    "export": _Place("bulk", "exports"),
    "history": _Place("history", "history"),
    "revert": _Place("history", "revert"),
    "block": _Place("block", "app"),
    "allow": _Place("allow", "app"),
    "lockouts": _Place("lockouts", "app"),
    "journal": _Place("journal", "journal"),
    "dkim": _Place("dkim", "app"),
    "relay": _Place("relay", "app"),
    "sieve": _Place("sieve", "app"),
    "pop3": _Place("pop3", "app"),
    "queue": _Place("queue", "app"),
    "submissions": _Place("submissions", "app"),
    "test-mail": _Place("test_mail", "test_mail"),
    "sink": _Place("sink", "app"),
    "secrets": _Place("secrets", "app"),
    "srs": _Place("srs", "app"),
    "settings": _Place("settings", "app"),
    "search": _Place("search", "search"),
    "index": _Place("index", "app"),
    "blobs": _Place("blobs", "app"),
    "deadletters": _Place("deadletters", "app"),
    "container": _Place("container", "app"),
}
_HELP = ("--help", "-h")
AS_USER_OPTION = "--as"
"""`mailfold --as USER …` carries out a command of the directory with the rights of that user."""


def declared(word: str) -> Command | Group:
    """The command or group of commands for a first word."""
    place = COMMANDS[word]
    command: Command | Group = getattr(import_module(f"mailfold.commands.{place.module}"), place.name)
    return command


def run(words: Sequence[str]) -> int:
    """Run a command line.

    Exit codes: 0 the command did its work, 1 the server refused or a check found a problem, 2 the command could not
    start, 3 a bug in Mailfold, 130 interrupted.
    """
    try:
        return _flush(_run_command(words))
    except BrokenPipeError:  # the reader of our output has gone, as `head` does, which is no failure
        _be_quiet()
        return REFUSED
    except OSError as error:  # the disk of standard output is full
        _be_quiet()
        return _say(CommandFailed(str(error)), json=False)


def carry_out(words: Sequence[str]) -> None:
    """Carry out the command. Raises Misused, and the errors of the command."""
    if words and words[0] == AS_USER_OPTION:
        words = _in_name_of_user(words)
    if not words or words[0] in _HELP:
        _show_help(overview("mailfold", ABOUT, [(word, declared(word)) for word in COMMANDS]), asked=bool(words))
        return
    command = declared(_known_command(words[0], COMMANDS))
    if isinstance(command, Group):
        _carry_out_of(command, words[0], words[1:])
    else:
        call(words[0], command, words[1:])


def _in_name_of_user(words: Sequence[str]) -> Sequence[str]:
    """The words after `--as USER`, which is kept in the environment for the session."""
    if len(words) < 2 or words[1].startswith("-"):
        raise Misused(f"{AS_USER_OPTION} needs the name of a user")
    os.environ["MAILFOLD_AS"] = words[1]
    return words[2:]


def _carry_out_of(group: Group, name: str, words: Sequence[str]) -> None:
    first = words[0] if words else ""
    if first in _HELP or (not first and group.alone is None):
        _show_help(overview(f"mailfold {name}", group.help, list(group.commands.items())), asked=bool(first))
    elif group.alone is not None and (not first or first.startswith("-")):
        call(name, group.alone, words)
    else:
        word = _known_command(first, group.commands)
        command = group.commands[word]
        if isinstance(command, Group):
            _carry_out_of(command, f"{name} {word}", words[1:])
        else:
            call(f"{name} {word}", command, words[1:])


def _known_command(word: str, commands: Mapping[str, object]) -> str:
    if word in commands:
        return word
    from difflib import get_close_matches

    close = get_close_matches(word, commands, 1)
    raise Misused(f"No such command {word!r}." + (f" Did you mean {close[0]!r}?" if close else " --help lists them."))


def _show_help(text: str, *, asked: bool) -> None:
    """Print help. Without an explicit request for it, the command line was incomplete, so the exit code is an error."""
    print(text, file=sys.stdout if asked else sys.stderr)
    if not asked:
        raise SystemExit(UNUSABLE)


def _run_command(words: Sequence[str]) -> int:
    json = "--json" in words
    try:
        _readable(words)
        carry_out(words)
        return 0
    except CommandFailed as failure:
        return _say(failure, json=json)
    except Misused as error:
        return _say(CommandFailed(str(error), UNUSABLE), json=json)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError:
        raise
    except Exception as error:
        return _say(our_fault(error), json=json)


def _readable(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise CommandFailed(f"{word!a} is not UTF-8; write it in UTF-8", UNUSABLE) from None


def _say(failure: CommandFailed, *, json: bool) -> int:
    if json:
        _say_json(str(failure), failure.code)
    with contextlib.suppress(OSError):
        print(f"mailfold: {failure}", file=sys.stderr)
    return failure.code


def _say_json(message: str, code: int) -> None:
    """Print a failure as JSON: one line, so that it may also end a stream of lines."""
    import orjson

    sys.stdout.write(orjson.dumps({"error": {"code": code, "message": message}}).decode() + "\n")


def _flush(code: int) -> int:
    sys.stdout.flush()
    return code


def _be_quiet() -> None:
    """Redirect output to nowhere, because Python would try to flush it once more at its end and complain."""
    with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
