"""Bulk writes whose every item is checked, because a bulk answer with status 200 may have refused any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import (
    OpenSearchConflict,
    OpenSearchError,
    OpenSearchMissing,
    OpenSearchTooLarge,
    OpenSearchUnavailable,
    error_of,
)

_ANSWER = {"filter_path": "errors,items.*.status,items.*.error"}
CREATE, INDEX, DELETE = "create", "index", "delete"


class BulkWrite(NamedTuple):
    """One write. `source` is the document as JSON on one line; `options` are routing, version and the like."""

    action: str
    target: str
    """The index, alias or data stream."""
    id: str
    source: bytes = b""
    options: Mapping[str, Any] = {}

    def encoded(self) -> bytes:
        """The lines of this operation in a bulk body."""
        head = orjson.dumps({self.action: {"_index": self.target, "_id": self.id, **self.options}})
        return head + b"\n" if self.action == DELETE else head + b"\n" + self.source + b"\n"


class RefusedWrite(NamedTuple):
    """An operation that OpenSearch will never carry out, and its reason."""

    write: BulkWrite
    error: OpenSearchError


class BulkOutcome(NamedTuple):
    """What became of the operations of a bulk write. `done` includes what was there before, or is newer (409)."""

    done: list[BulkWrite]
    refused: list[RefusedWrite]
    waiting: list[BulkWrite]
    """Not carried out: send them again, in this order, when `unavailable` has passed."""
    unavailable: OpenSearchError | None
    """The reason why some wait; None when none does."""


async def bulk(client: OpenSearchClient, operations: Sequence[BulkWrite], *, refresh: bool = False) -> BulkOutcome:
    """Carry out the operations in pieces of at most `opensearch.bulk_octets`; raises nothing that a repeat can mend.

    After a piece of which something must wait, the later pieces wait too.
    """
    outcome = BulkOutcome([], [], [], None)
    waiting = list(_pieces(operations, client.settings.bulk_octets))[::-1]
    while waiting and outcome.unavailable is None:
        piece = waiting.pop()
        try:
            outcome = _with(outcome, await _send(client, piece, refresh))
        except OpenSearchTooLarge as error:
            if len(piece) == 1:
                outcome.refused.append(RefusedWrite(piece[0], error))
            else:
                waiting += [piece[len(piece) // 2 :], piece[: len(piece) // 2]]
        except OpenSearchError as error:
            outcome = _with(outcome, BulkOutcome([], [], piece, error))
    for piece in reversed(waiting):
        outcome.waiting.extend(piece)
    return outcome


def _pieces(operations: Sequence[BulkWrite], octets: int) -> Iterator[list[BulkWrite]]:
    piece: list[BulkWrite] = []
    size = 0
    for operation in operations:
        length = len(operation.source) + 200
        if piece and size + length > octets:
            yield piece
            piece, size = [], 0
        piece.append(operation)
        size += length
    if piece:
        yield piece


async def _send(client: OpenSearchClient, piece: list[BulkWrite], refresh: bool) -> BulkOutcome:
    body = b"".join(operation.encoded() for operation in piece)
    params = {**_ANSWER, "refresh": "true"} if refresh else _ANSWER
    answer = await client.request("POST", "/_bulk", body, params=params, seconds=client.settings.write_seconds)
    items = [next(iter(item.values())) for item in answer.get("items", ())]
    if len(items) != len(piece):
        raise OpenSearchUnavailable(f"OpenSearch answered {len(items)} of {len(piece)} operations")
    outcome = BulkOutcome([], [], [], None)
    for operation, item in zip(piece, items, strict=True):
        outcome = _judged(outcome, operation, item)
    return outcome


def _judged(outcome: BulkOutcome, operation: BulkWrite, item: Mapping[str, Any]) -> BulkOutcome:
    status = int(item["status"])
    if 200 <= status < 300:
        outcome.done.append(operation)
        return outcome
    error = error_of(status, item.get("error"))
    # An index that is missing is made again by whoever wrote to it; a document that is missing is deleted.
    missing = isinstance(error, OpenSearchMissing)
    if isinstance(error, OpenSearchConflict) or (missing and operation.action == DELETE):
        outcome.done.append(operation)
    elif missing or isinstance(error, OpenSearchUnavailable):
        outcome.waiting.append(operation)
        return outcome._replace(unavailable=outcome.unavailable or error)
    else:
        outcome.refused.append(RefusedWrite(operation, error))
    return outcome


def _with(outcome: BulkOutcome, part: BulkOutcome) -> BulkOutcome:
    return BulkOutcome(
        outcome.done + part.done,
        outcome.refused + part.refused,
        outcome.waiting + part.waiting,
        outcome.unavailable or part.unavailable,
    )
