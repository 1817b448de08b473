"""One command's connection to the services."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mailfold.operator.failure import UNUSABLE, CommandFailed, not_running
from mailfold.operator.identity import CannotBecome, act_as_owner
from mailfold.operator.running import answers, channel, read_tokens
from shared.clock import SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import ServiceError, TimedOut, Unavailable
from shared.ids import IdKind, Ids
from shared.places import Places
from shared.settings import SettingsError

if TYPE_CHECKING:
    from shared.grpc.channel import Channel

T = TypeVar("T")
AS_USER = "MAILFOLD_AS"
"""The environment variable with the name of the user in whose name a command runs."""
_PATIENCE = 10.0
"""Seconds to wait for a service that another process holds and that does not answer yet or any more."""
_LOOK_SECONDS = 0.1


class Session:
    """Channels to the services; each is opened when it is first needed."""

    def __init__(self, places: Places, tokens: Mapping[str, str], stack: contextlib.AsyncExitStack) -> None:
        self.places = places
        self._tokens = tokens
        self._stack = stack
        self._channels: dict[str, Channel] = {}

    async def running(self, service: str) -> Channel:
        """A channel to the running service. Raises CommandFailed when it does not run."""
        if service not in self._channels:
            if not answers(self.places, service):
                raise not_running(self.places.data)
            if service not in self._tokens:
                raise CommandFailed(
                    f"{self.places.operator} cannot be read: run the command as root, or as who started the server",
                    UNUSABLE,
                )
            self._channels[service] = opened = channel(self.places, service, self._tokens[service])
            self._stack.push_async_callback(opened.close)
        return self._channels[service]

    async def owner(self, service: str, *, whole: bool = True, reads_only: bool = False) -> Channel:
        """A channel to an owning service, which is hosted here when it does not run.

        It is hosted `whole`, or with its store alone. `reads_only` is for commands that change nothing and need no
        lock. A service that is starting or stopping is waited for. Raises CommandFailed when there is no such
        installation.
        """
        key = f"{service} to read" if reads_only else service
        end = time.monotonic() + _PATIENCE
        while key not in self._channels and not answers(self.places, service):
            if not self.places.operator.exists():
                raise not_running(self.places.data)
            error = await self._host(key, service, whole=whole, reads_only=reads_only)
            if error is not None and time.monotonic() > end:
                raise CommandFailed(
                    f"{service} is starting or stopping in another process; try again in a moment ({error})", UNUSABLE
                ) from error
            await asyncio.sleep(_LOOK_SECONDS if error else 0)
        return self._channels[key] if key in self._channels else await self.running(service)

    async def _host(self, key: str, service: str, *, whole: bool, reads_only: bool) -> Exception | None:
        """Host the service here; returns the reason when that is not possible at present."""
        from mailfold.operator.hosting import Elsewhere, hosted
        from shared.eventstore.store import NotReadable

        try:
            try:
                block = hosted(self.places, service, whole=whole, reads_only=reads_only)
                self._channels[key] = await self._stack.enter_async_context(block)
            except NotReadable:  # no process of this release has opened it for writing yet
                self._channels[key] = await self._stack.enter_async_context(hosted(self.places, service, whole=whole))
        except Elsewhere as error:
            return error
        return None


def converse(data: Path, body: Callable[[Session], Awaitable[T]]) -> T:
    """Run a command's body. Its writes carry the operator and one command id. Raises CommandFailed."""
    try:
        # Read the tokens and the user's name before root becomes another user, who may not read the tokens.
        tokens, operator = read_tokens(Places(data)), _operator()
        act_as_owner(data)
        return asyncio.run(_converse(data, tokens, operator, body))
    except CannotBecome as error:
        raise CommandFailed(str(error), UNUSABLE) from error
    except (Unavailable, TimedOut) as error:
        raise CommandFailed(f"a service does not answer ({error.message}); `mailfold status` shows which") from error
    except ServiceError as error:
        raise CommandFailed(error.message) from error
    except SettingsError as error:
        raise CommandFailed(
            "settings that cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes), UNUSABLE
        ) from error
    except BrokenPipeError:  # the reader of our output has gone, which is no failure of the command
        raise
    except OSError as error:
        raise CommandFailed(str(error)) from error


async def _converse(data: Path, tokens: Mapping[str, str], operator: str, body: Callable[[Session], Awaitable[T]]) -> T:
    actor = Actor("operator", id=operator, credential="operator")
    provenance = Provenance(actor, command=Ids(SystemClock()).new(IdKind.COMMAND))
    async with contextlib.AsyncExitStack() as stack:
        session = Session(Places(data), tokens, stack)
        with acting(await _in_name_of(session, provenance)):
            return await body(session)


def user_acted_for() -> str:
    """The user in whose name and with whose rights the command runs (`mailfold --as USER`); empty: the operator."""
    return os.environ.get(AS_USER, "")


async def _in_name_of(session: Session, provenance: Provenance) -> Provenance:
    name = user_acted_for()
    if not name:
        return provenance
    from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    with acting(provenance):
        user = await DirectoryStub(await session.owner("directory")).ShowUser(NameRequest(name=name))
    return msgspec.structs.replace(provenance, actor=Actor("user", user.id, f"operator {provenance.actor.id}"))


@contextlib.contextmanager
def with_fresh_command_id() -> Iterator[None]:
    """Use another command id, for one of several writes of a command."""
    from shared.grpc.call import with_command

    with acting(with_command(Ids(SystemClock()).new(IdKind.COMMAND))):
        yield


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
