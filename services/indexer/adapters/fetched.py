"""Reading the rows of a statement at once. A statement that stays open would stop every checkpoint of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw


def fetched(connection: apsw.Connection, query: str, bindings: Sequence[apsw.SQLiteValue] = ()) -> list[Any]:
    """All rows, as tuples."""
    return connection.execute(query, bindings).fetchall()
