"""What the commands on Sieve scripts share: the owner, the contract, and files with scripts."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from mailfold.arguments import Argument, Option
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id

if TYPE_CHECKING:
    from mailfold.operator.session import Session
    from shared.scripts.settings import SieveSettings

T = TypeVar("T")
INPUT = "-"
_SERVER = "server"
_MOST_OCTETS = 1024 * 1024
"""The largest size that the setting sieve.script_octets can permit."""
ScriptOwner = Annotated[
    str, Argument("The address or id of the account; `server`: the scripts of the server, which run for all accounts.")
]
ScriptFile = Annotated[str, Argument("A file with the script; `-`: the input.")]
BeforeAccounts = Annotated[
    bool, Option("--before", help="A script of the server: in the place before the scripts of accounts.")
]
AfterAccounts = Annotated[
    bool, Option("--after", help="A script of the server: in the place after the scripts of accounts.")
]
Body = Callable[[Any, Any, str], Awaitable[T]]
"""Gets the contract's module, its stub, and the id of the owner."""


def converse_about(data: Path, owner: str, body: Body[T]) -> T:
    """Call the contract of scripts. Raises CommandFailed."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> T:
        pb, stub = await script_contract(session)
        return await body(pb, stub, await _owner_id(session, owner))

    return converse(data, ask)


async def script_contract(session: Session) -> tuple[Any, Any]:
    """The module of the contract of scripts, and its stub. Raises CommandFailed."""
    from shared.rpc.mailfold.mailstore.v1 import scripts_pb2
    from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub

    return scripts_pb2, ScriptsStub(await session.running("mailstore"))


async def account_addresses(session: Session) -> dict[str, str]:
    """The addresses of all accounts by their ids."""
    from shared.rpc.mailfold.directory.v1.directory_pb2 import ListRequest
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    directory = DirectoryStub(await session.owner("directory", reads_only=True))
    return {account.id: account.address for account in (await directory.ListAccounts(ListRequest())).accounts}


def place_for(owner: str, *, before: bool, after: bool, needed: bool) -> str:
    """The place that the options name; empty: none, or the only one of an account. Raises CommandFailed."""
    if before and after:
        raise CommandFailed(
            "give one of --before and --after; a script may be put in both, one after the other", UNUSABLE
        )
    place = "before" if before else "after" if after else ""
    if place and owner != _SERVER:
        raise CommandFailed("--before and --after are places of the server; an account has one active script", UNUSABLE)
    if needed and owner == _SERVER and not place:
        raise CommandFailed("which place of the server? Give --before or --after", UNUSABLE)
    return place


def read_script(file: str) -> bytes:
    """The octets of a script. Raises CommandFailed."""
    try:
        if file == INPUT:
            source = sys.stdin.buffer.read(_MOST_OCTETS + 1)
        else:
            with Path(file).open("rb") as opened:
                source = opened.read(_MOST_OCTETS + 1)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror or error}", UNUSABLE) from error
    if len(source) > _MOST_OCTETS:
        raise CommandFailed(f"{file} has more than {_MOST_OCTETS} octets, which no script may have", UNUSABLE)
    return source


def settings_here(data: Path) -> SieveSettings:
    """The settings of the installation, which need not run; those by default where there is none.

    Raises CommandFailed.
    """
    from mailfold import catalogue
    from shared.places import Places
    from shared.scripts.settings import SieveSettings
    from shared.settings import SettingsError, load

    try:
        return load(catalogue.sections(), Places(data).settings_file, os.environ).of(SieveSettings)
    except SettingsError as error:
        raise CommandFailed(f"settings that cannot be used:\n{error}", UNUSABLE) from error


async def _owner_id(session: Session, owner: str) -> str:
    return _SERVER if owner == _SERVER else await account_id(session, owner)
