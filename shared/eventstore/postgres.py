"""PostgreSQL as the database of a store, with one schema for each owning service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
import sqlalchemy

from shared.eventstore.connection import Row, StoreUnavailable, Tallies
from shared.eventstore.file_lock import FileLock

_STREAMED = 50
"""Rows that are fetched at a time: some kilobytes each, a megabyte at most."""
_streams = count()


@lru_cache(maxsize=2048)
def _translated(sql: str) -> str:
    """The statement with psycopg's placeholders for question marks; our statements have neither of them in literals."""
    return sql.replace("%", "%%").replace("?", "%s")


class PostgresConnection:
    """A connection in autocommit mode with explicit transactions.

    A lost server is connected again at the next `begin`.
    """

    octet_order = ' COLLATE "C"'

    def __init__(self, engine: sqlalchemy.Engine, tallies: Tallies) -> None:
        self._engine = engine
        self._open()
        self._tallies = tallies
        self.tally = tallies.opened()

    def _open(self) -> None:
        """Connect. Raises StoreUnavailable when the server cannot be reached."""
        try:
            self._pooled = self._engine.raw_connection()
        except (psycopg.OperationalError, sqlalchemy.exc.OperationalError) as error:
            raise StoreUnavailable(str(error)) from error
        driver: Any = self._pooled.driver_connection
        self._driver: psycopg.Connection[Row] = driver
        self._driver.autocommit = True

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        rows = self._run(sql, parameters).fetchall()
        self.tally.read += len(rows)
        return rows

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        row = self._run(sql, parameters).fetchone()
        self.tally.read += row is not None
        return row

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """All rows, through a cursor of the server, which returns some rows at a time."""
        try:
            with self._driver.cursor(name=f"stream_{next(_streams)}") as cursor:
                cursor.itersize = _STREAMED
                cursor.execute(_translated(sql), parameters)
                self.tally.statements += 1
                for row in cursor:
                    self.tally.read += 1
                    yield row
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        touched = self._run(sql, parameters).rowcount
        self.tally.written += max(touched, 0)
        return touched

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            with self._driver.cursor() as cursor:
                cursor.executemany(_translated(sql), rows)
                self.tally.statements += 1
                self.tally.written += max(cursor.rowcount, 0)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def begin(self) -> None:
        if self._driver.closed:
            self._reopen()
        try:
            self._driver.execute("BEGIN")
        except psycopg.OperationalError:
            self._reopen()
            self._frame("BEGIN")

    def begin_reading(self) -> None:
        self._frame("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Commit.

        An error from the server ends the transaction. Without an answer its result is unknown: the connection may have
        been lost after the commit.
        """
        try:
            self._driver.execute("COMMIT")
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error), in_doubt=self._driver.broken or self._driver.closed) from error

    def rollback(self) -> None:
        if not self._driver.closed and self._driver.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self._frame("ROLLBACK")

    def save(self) -> None:
        self._frame("SAVEPOINT work")

    def release(self) -> None:
        self._frame("RELEASE SAVEPOINT work")

    def undo(self) -> None:
        self._frame("ROLLBACK TO SAVEPOINT work")
        self._frame("RELEASE SAVEPOINT work")

    def close(self) -> None:
        self._tallies.closed(self.tally)
        self._pooled.close()

    def _run(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Row]:
        if self._driver.closed:
            self._reopen()
        try:
            cursor = self._driver.execute(_translated(sql), parameters)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error
        self.tally.statements += 1
        return cursor

    def _frame(self, statement: str) -> None:
        try:
            self._driver.execute(statement)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def _reopen(self) -> None:
        self._pooled.invalidate()
        self._open()


class PostgresBackend:
    """Opens connections whose search path is the schema of the owning service."""

    dialect = "postgresql"
    group_limit = 50
    """More than 64 savepoints would overflow PostgreSQL's subtransaction cache, for every reader."""
    reads_inline = False

    def __init__(self, url: str, schema: str, lock: FileLock | None = None) -> None:
        """`lock` is the installation's file lock, so that its own processes need not wait until each other's lease
        expires."""
        self._schema = schema
        self.lock = lock
        self.folder = lock.folder if lock is not None else None
        self.tallies = Tallies()
        sqlalchemy_url = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
        options = {"options": f"-csearch_path={schema}", "prepare_threshold": 2, "connect_timeout": 10}
        self.engine = sqlalchemy.create_engine(
            sqlalchemy_url, pool_size=8, max_overflow=-1, pool_pre_ping=True, connect_args=options
        )

    def create(self, metadata: sqlalchemy.MetaData) -> None:
        """Take the installation's lock, and create the schema and missing tables.

        The event table also gets its visibility watermark. Raises FileInUse.
        """
        if self.lock is not None:
            self.lock.take()
        with self.engine.begin() as connection:
            connection.execute(sqlalchemy.schema.CreateSchema(self._schema, if_not_exists=True))
        metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "ALTER TABLE event ADD COLUMN IF NOT EXISTS tx xid8 NOT NULL DEFAULT pg_current_xact_id()"
            )

    def exists(self) -> bool:
        """Always true: a database server can always be asked."""
        return True

    def connect(self) -> PostgresConnection:
        """A new connection; one thread uses it at a time."""
        return PostgresConnection(self.engine, self.tallies)

    def close(self) -> None:
        self.engine.dispose()
        if self.lock is not None:
            self.lock.release()
