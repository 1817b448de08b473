"""Reads the tables of the services directly, from SQLite files or from schemas of one PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from tests.harness.server import MailfoldServer


class Stores:
    """`Stores(server).rows("mailstore", "SELECT …")`."""

    def __init__(self, server: MailfoldServer) -> None:
        self._folder: Path = server.data / "store"
        self._url = server.store

    def rows(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        if self._url:
            with psycopg.connect(self._url, options=f"-c search_path=mailfold_{service}") as database:
                return database.execute(sql.encode()).fetchall()
        with closing(
            sqlite3.connect(f"file:{self._folder / f'{service}.sqlite'}?mode=ro", uri=True, timeout=20)
        ) as file:
            return file.execute(sql).fetchall()

    def pairs(self, service: str, sql: str) -> Mapping[Any, Any]:
        """Rows of two columns as a mapping."""
        return dict(self.rows(service, sql))  # type: ignore[arg-type]
