"""From the words of a command line to its exit code. Whatever goes wrong is said in a sentence, or in JSON where JSON
was asked for.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import typer
from typer.exceptions import TyperException
from typer.rich_utils import rich_format_error

from mailfold.commands import account, alias, deadletters, domain, settings, user
from mailfold.commands.demo import demo
from mailfold.commands.status import status
from mailfold.commands.trace import events, trace
from mailfold.commands.up import up
from mailfold.commands.verify import rebuild, verify
from mailfold.operator.failure import INTERRUPTED, REFUSED, UNUSABLE, CommandFailed, our_fault

app = typer.Typer(
    name="mailfold",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A complete mail server: run it, and run what it knows.",
)
for command in (up, demo, status, trace, events, verify, rebuild):
    app.command()(command)
app.add_typer(domain.app, name="domain")
app.add_typer(user.app, name="user")
app.add_typer(account.app, name="account")
app.add_typer(alias.app, name="alias")
app.add_typer(settings.app, name="settings")
app.add_typer(deadletters.app, name="deadletters")


def run(words: Sequence[str]) -> int:
    """The exit code: 0 done, 1 refused or something differs, 2 it cannot be tried as it stands, 3 a fault of ours, 130
    interrupted.
    """
    try:
        return _flushed(_carried_out(words))
    except BrokenPipeError:  # whoever read our output has gone, as `head` does: that is no failure to speak of
        _be_quiet()
        return REFUSED
    except OSError as error:  # the disk that standard output goes to is full
        _be_quiet()
        return _say(CommandFailed(str(error)), json=False)


def _carried_out(words: Sequence[str]) -> int:
    json = "--json" in words
    try:
        _readable(words)
        code: int | None = app(args=list(words), standalone_mode=False)
        return code or 0
    except CommandFailed as failure:
        return _say(failure, json=json)
    except TyperException as error:
        return _misused(error, json=json)
    except (KeyboardInterrupt, typer.Abort):
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


def _misused(error: TyperException, *, json: bool) -> int:
    """The command line itself is wrong, or nothing was asked."""
    if json:
        _say_json(error.format_message(), error.exit_code)
    rich_format_error(error)  # type: ignore[arg-type]
    return error.exit_code


def _say(failure: CommandFailed, *, json: bool) -> int:
    if json:
        _say_json(str(failure), failure.code)
    with contextlib.suppress(OSError):
        print(f"mailfold: {failure}", file=sys.stderr)
    return failure.code


def _say_json(message: str, code: int) -> None:
    """The one shape of all failures; one line, so that it may also end a stream of lines."""
    sys.stdout.write(orjson.dumps({"error": {"code": code, "message": message}}).decode() + "\n")


def _flushed(code: int) -> int:
    sys.stdout.flush()
    return code


def _be_quiet() -> None:
    """Nothing more can be written; Python would try once more at its end, and complain."""
    with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
