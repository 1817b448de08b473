"""Database backends whose connections fail where a test wants it."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy

from shared.eventstore.connection import Connection, StoreUnavailable
from shared.eventstore.store import Backend


class Fault:
    """The next faults, in order.

    `begin`, `undo` and `before commit` fail before they are carried out, `commit` fails afterwards. `rollback` raises
    an error that no driver should raise. `gate` delays every commit.
    """

    def __init__(self) -> None:
        self.next = ""
        self.then = ""
        self.at_gate = threading.Event()
        """Set when a commit waits at the gate."""
        self.gate = threading.Event()
        self.gate.set()

    def strikes(self, what: str) -> bool:
        """Whether this is the next fault; each fault happens once."""
        struck = self.next == what
        if struck:
            self.next, self.then = self.then, ""
        return struck


class FaultyConnection:
    """A connection that may break."""

    def __init__(self, real: Connection, fault: Fault) -> None:
        self._real = real
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def begin(self) -> None:
        self._break_at("begin")
        self._real.begin()

    def undo(self) -> None:
        self._break_at("undo")
        self._real.undo()

    def rollback(self) -> None:
        self._real.rollback()
        if self._fault.strikes("rollback"):
            raise RuntimeError("a fault of the driver")

    def commit(self) -> None:
        self._fault.at_gate.set()
        self._fault.gate.wait(10)
        self._break_at("before commit")
        self._real.commit()
        self._break_at("commit")

    def _break_at(self, what: str) -> None:
        if self._fault.strikes(what):
            raise StoreUnavailable(f"the connection broke at {what}", in_doubt="commit" in what)


class FaultyBackend:
    """Gives connections that share the faults."""

    def __init__(self, real: Backend, fault: Fault) -> None:
        self._real = real
        self._fault = fault
        self.dialect = real.dialect
        self.group_limit = real.group_limit
        self.reads_inline = real.reads_inline
        self.engine: sqlalchemy.Engine = real.engine
        self.tallies = real.tallies
        self.lock = real.lock
        self.folder = real.folder

    def create(self, metadata: sqlalchemy.MetaData) -> None:
        self._real.create(metadata)

    def exists(self) -> bool:
        return self._real.exists()

    def connect(self) -> Any:
        return FaultyConnection(self._real.connect(), self._fault)

    def close(self) -> None:
        self._real.close()
