"""A connection of any protocol, from the greeting to its farewell."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import Any

import structlog

from services.access.session.account_session import AccountSession
from services.access.session.channel import SessionChannel, SessionEnded
from shared.network.wire import Wire

log = structlog.get_logger("access")


class ServedConnection(ABC):
    """Runs a session over a wire, in one task. It is the occupant of the wire's slot at the listener."""

    def __init__(self, wire: Wire, channel: SessionChannel[Any], session: AccountSession) -> None:
        self._wire = wire
        self.__channel = channel
        self.__session = session

    async def serve(self) -> None:
        """Serve the connection; returns when it has ended, and raises only when it is cancelled."""
        try:
            if self._wire.slot.refusal is not None:
                raise SessionEnded("Too many connections")
            await self._converse()
        except SessionEnded as end:
            await self._farewell(end.farewell)
        except TimeoutError:
            await self._farewell("You were silent for too long")
        except ConnectionError:
            self._wire.abort()
        except Exception as error:
            log.error("access.session_failed", session=self.__session.id, exc_info=error)
            await self._farewell("Something is wrong in the server")
        finally:
            await self.__session.leave()
            self._wire.close()

    def dismiss(self) -> None:
        """End the session at its next wait, after the present command."""
        self.__channel.leave("The server is shutting down")

    def abort(self) -> None:
        """Close the connection at once, without a farewell."""
        self._wire.abort()

    @abstractmethod
    async def _converse(self) -> None:
        """Greet, and carry out commands. Raises SessionEnded, TimeoutError, ConnectionError."""

    @abstractmethod
    def _bye(self, text: str) -> bytes:
        """The response with which the server ends the session."""

    async def _farewell(self, text: str) -> None:
        """Say why the session ends, if the client is still connected."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            if text:
                self.__channel.write(self._bye(text))
            await self.__channel.flush()
            if text and self._wire.slot.refusal is None:
                await self._wire.linger()
