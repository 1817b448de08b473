"""The common part of the commands on domains, users, accounts and aliases: one call of the directory, printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfold.commands.printing import as_json, record, table
from mailfold.texts import moment

if TYPE_CHECKING:
    from mailfold.operator.session import Session

Fields = Sequence[str]
_READING = ("Show", "List", "Explain")
"""Methods that change nothing."""


def call(data: Path, method: str, request: Callable[[Any], Any], contract: str = "Directory") -> Any:
    """The directory's reply to a method of one of its contracts, which has a module of the same name.

    `request` makes the request from the contract's module. When the directory does not run, the command hosts it.
    """
    from mailfold.operator.session import converse, user_acted_for

    async def ask(session: Session) -> Any:
        from importlib import import_module

        module = f"shared.rpc.mailfold.directory.v1.{contract.lower()}_pb2"
        reads_only = method.startswith(_READING) and not user_acted_for()  # a refusal is recorded
        owner = await session.owner("directory", reads_only=reads_only)
        stub = getattr(import_module(f"{module}_grpc"), f"{contract}Stub")(owner)
        return await getattr(stub, method)(request(import_module(module)))

    return converse(data, ask)


def show(message: Any, fields: Fields, *, json: bool) -> None:
    """Print one object."""
    values = _values(message, fields)
    as_json(values) if json else record(_for_people(values))


def show_all(messages: Sequence[Any], fields: Fields, *, json: bool, empty: str) -> None:
    """Print a list."""
    values = [_values(message, fields) for message in messages]
    as_json(values) if json else table(fields, [list(_for_people(value).values()) for value in values], empty)


def show_removed(name: str, *, json: bool) -> None:
    """Print the name of what was removed."""
    as_json({"removed": name}) if json else print(f"removed {name}")


def _values(message: Any, fields: Fields) -> Mapping[str, object]:
    return {field: _plain_value(getattr(message, field)) for field in fields}


def _for_people(values: Mapping[str, object]) -> Mapping[str, object]:
    """The values with times as dates; programs get their microseconds."""
    return {
        name: moment(value) if name.endswith(("_at", "_until")) and isinstance(value, int) else value
        for name, value in values.items()
    }


def _plain_value(value: Any) -> object:
    if isinstance(value, Mapping):
        return dict(sorted(value.items()))
    return value if isinstance(value, str | int | bool) else list(value)
