"""The relational match types `:value` and `:count` (RFC 5231)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

RELATIONS: dict[bytes, Callable[[Any, Any], bool]] = {
    b"gt": operator.gt,
    b"ge": operator.ge,
    b"lt": operator.lt,
    b"le": operator.le,
    b"eq": operator.eq,
    b"ne": operator.ne,
}
