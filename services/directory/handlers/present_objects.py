"""What an import does with an object that is there already: it is left alone as the line says it, else refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.directory.domain.bulk_lines import PreparedLine
from services.directory.domain.state import DirectoryRefused
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction

LineDecision = Callable[[Transaction, PreparedLine, Any, Provenance], None]
"""Carries out a line of a kind. Raises DirectoryRefused before its first event."""


def check_same(what: str, **values: tuple[object, object]) -> None:
    """Check that a line says of an object what it is; None says nothing. Raises DirectoryRefused."""
    differing = [name for name, (said, present) in values.items() if said is not None and said != present]
    if differing:
        raise DirectoryRefused(
            "taken", f"{what} is there already, with another {' and '.join(differing)}: an import changes no object"
        )
