"""The criteria of SORT for the mailstore."""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.imap.ordering_commands import Sort, SortCriterion, SortField
from shared.rpc.mailfold.mailstore.v1 import ordering_pb2 as pb

_FIELDS = {field: pb.SortCriterion.Field.Value(field.name) for field in SortField}


def criteria_of(criteria: Sequence[SortCriterion]) -> list[pb.SortCriterion]:
    """The criteria as a message of the contract has them."""
    return [pb.SortCriterion(field=_FIELDS[criterion.field], reverse=criterion.reverse) for criterion in criteria]


def sorts_by_relevancy(command: Sort) -> bool:
    """Whether the order depends on scores (RFC 6203 §6)."""
    return any(criterion.field is SortField.RELEVANCY for criterion in command.criteria)
