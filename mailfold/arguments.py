"""The arguments of a command, declared in the signature of its function, and their argparse parser.

    def add(name: Annotated[str, Argument("The user's name.")], json: Annotated[bool, Option("--json", help="…")] =
    False)

A parameter whose type is a NamedTuple of such declarations stands for all its fields; several commands share it.

Only what the command line needs to be read is imported: libraries that do the same cost more time than all else that a
command does.
"""

from __future__ import annotations

import argparse
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, get_args, get_origin, get_type_hints

Command = Callable[..., None]
_REQUIRED = inspect.Parameter.empty


class Misused(Exception):
    """The words are not a valid command line."""


class Argument(NamedTuple):
    """A positional argument."""

    help: str
    metavar: str = ""


class Option:
    """An option such as `--since 2h`. A bool is a switch without a value; a list may be given several times."""

    def __init__(
        self, *names: str, help: str, environment: str = "", minimum: int | None = None, maximum: int | None = None
    ) -> None:
        """`environment` is the variable that gives the value when the option is missing."""
        self.names = names
        self.help = help
        self.environment = environment
        self.minimum = minimum
        self.maximum = maximum


# Options that every command takes.
DATA = Path("data")
Data = Annotated[Path, Option("--data", environment="MAILFOLD_DATA", help="The data folder.")]
Json = Annotated[bool, Option("--json", help="Print JSON for programs.")]


class Group:
    """Commands with a common first word. `alone` is the command for that word without another."""

    def __init__(self, help: str) -> None:
        self.help = help
        self.commands: dict[str, Command | Group] = {}
        self.alone: Command | None = None

    def command(self, name: str = "") -> Callable[[Command], Command]:
        """A decorator that adds a function under its own name, or under another one."""

        def add(function: Command) -> Command:
            self.commands[name or function.__name__] = function
            return function

        return add


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises Misused instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise the error."""
        raise Misused(message.replace("the following arguments are required:", "Missing argument"))


def call(name: str, command: Command, words: Sequence[str]) -> None:
    """Carry out a command with these words.

    Raises Misused, SystemExit after `--help`, and the errors of the command.
    """
    values = vars(parser_of(name, command).parse_intermixed_args(list(words)))
    for parameter, kind in get_type_hints(command, include_extras=True).items():
        if _is_shared(kind):
            values[parameter] = kind(**{field: values.pop(field) for field in kind._fields})
    command(**values)


def parser_of(name: str, command: Command) -> Parser:
    """A parser for the parameters of a command's function."""
    parser = Parser(f"mailfold {name}", description=inspect.getdoc(command), allow_abbrev=False)
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if _is_shared(kind):
            for field, hint in get_type_hints(kind, include_extras=True).items():
                _add(parser, field, hint, kind._field_defaults.get(field, _REQUIRED))
        else:
            _add(parser, parameter.name, kind, parameter.default)
    return parser


def summary(command: Command | Group) -> str:
    """The first sentence of a command's docstring."""
    text = command.help if isinstance(command, Group) else inspect.getdoc(command) or ""
    return text.partition("\n\n")[0].replace("\n", " ").split(". ")[0].removesuffix(".")


def overview(name: str, help: str, commands: Sequence[tuple[str, Command | Group]]) -> str:
    """The help text that lists commands."""
    width = max(len(word) for word, _ in commands)
    lines = (f"  {word:<{width}}  {summary(command)}" for word, command in commands)
    return (
        f"usage: {name} COMMAND …\n\n{help}\n\ncommands:\n"
        + "\n".join(lines)
        + f"\n\n`{name} COMMAND --help` says more."
    )


def _is_shared(kind: Any) -> bool:
    """Whether a type is a NamedTuple of declarations."""
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _add(parser: Parser, name: str, hint: Any, given: Any) -> None:
    kind, declared = get_args(hint)
    required = given is _REQUIRED
    default = None if required else given
    add = _add_argument if isinstance(declared, Argument) else _add_option
    add(parser, name, declared, kind, default, required=required)


def _add_argument(parser: Parser, name: str, declared: Argument, kind: Any, default: Any, *, required: bool) -> None:
    bare = _without_none(kind)
    is_list = get_origin(bare) is list
    count = ("+" if required else "*") if is_list else (None if required else "?")
    item = get_args(bare)[0] if is_list else bare
    parser.add_argument(
        name, metavar=declared.metavar or name.upper(), help=declared.help, nargs=count, type=item, default=default
    )


def _add_option(parser: Parser, name: str, declared: Option, kind: Any, default: Any, *, required: bool) -> None:
    bare = _without_none(kind)
    if bare is bool:
        parser.add_argument(*declared.names, dest=name, help=declared.help, action="store_true")
        return
    if get_origin(bare) is list:
        shown = f"{declared.help} May be repeated."
        parser.add_argument(*declared.names, dest=name, help=shown, action="append", default=default)
        return
    is_choice = get_origin(bare) is Literal
    parser.add_argument(
        *declared.names,
        dest=name,
        help=_with_default(declared, default),
        required=required,
        # The empty word is the default of a choice that is not made; it is not offered.
        choices=tuple(filter(None, get_args(bare))) if is_choice else None,
        type=str if is_choice else _bounded_int(declared) if bare is int else bare,
        default=os.environ.get(declared.environment) or default,
    )


def _with_default(declared: Option, default: Any) -> str:
    notes = [f"{declared.environment} in the environment"] if declared.environment else []
    notes += [] if default in (None, "") else [f"else {default}" if notes else f"without it {default}"]
    return f"{declared.help} ({', '.join(notes)})" if notes else declared.help


def _without_none(kind: Any) -> Any:
    if get_origin(kind) is UnionType or str(kind).startswith("typing.Optional"):
        return next(option for option in get_args(kind) if option is not type(None))
    return kind


def _bounded_int(declared: Option) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if declared.minimum is not None and number < declared.minimum:
            raise argparse.ArgumentTypeError(f"{number} is less than {declared.minimum}")
        if declared.maximum is not None and number > declared.maximum:
            raise argparse.ArgumentTypeError(f"{number} is more than {declared.maximum}")
        return number

    return read
