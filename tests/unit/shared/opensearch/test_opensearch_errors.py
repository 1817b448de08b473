"""What is tried again, and what is refused, of all that OpenSearch may answer."""

from __future__ import annotations

from typing import Any

import pytest

from shared.failures import Failure, failure_of
from shared.grpc.errors import Unavailable, translate
from shared.opensearch.errors import (
    OpenSearchBlocked,
    OpenSearchConflict,
    OpenSearchError,
    OpenSearchMissing,
    OpenSearchRefused,
    OpenSearchTooLarge,
    OpenSearchUnavailable,
    error_of,
)
from shared.opensearch.searching import whole

_FULL = {
    "type": "cluster_block_exception",
    "reason": "index [m] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];",
}
_SHARDS = {
    "type": "validation_exception",
    "reason": "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has "
    "[1000]/[1000] maximum shards open;",
}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"type": "rejected_execution_exception", "reason": "queue"}, OpenSearchUnavailable),
        (503, "", OpenSearchUnavailable),
        (500, {"type": "null_pointer_exception"}, OpenSearchUnavailable),
        (401, "Unauthorized", OpenSearchUnavailable),
        (403, {"type": "security_exception", "reason": "no permissions"}, OpenSearchUnavailable),
        (403, _FULL, OpenSearchBlocked),
        (429, {"error": _FULL, "status": 429}, OpenSearchBlocked),
        (400, _SHARDS, OpenSearchUnavailable),
        (400, {"type": "mapper_parsing_exception", "reason": "failed to parse"}, OpenSearchRefused),
        (404, {"type": "index_not_found_exception"}, OpenSearchMissing),
        (409, {"type": "version_conflict_engine_exception"}, OpenSearchConflict),
        (413, "", OpenSearchTooLarge),
        (400, ["neither", "text", "nor", "object"], OpenSearchRefused),
    ],
)
def test_every_answer_has_its_class(status: int, error: Any, kind: type[OpenSearchError]) -> None:
    assert type(error_of(status, error)) is kind


def test_the_cause_of_a_parse_error_is_in_its_text() -> None:
    error = error_of(400, {"type": "mapper", "reason": "failed", "caused_by": {"reason": "'unknown' is no address"}})

    assert str(error) == "OpenSearch answers 400: mapper: failed; 'unknown' is no address"


def test_workers_try_again_what_is_unavailable() -> None:
    assert failure_of(error_of(429, "")) is Failure.UNAVAILABLE
    assert failure_of(error_of(400, "")) is Failure.REFUSED
    assert isinstance(translate(error_of(503, "")), Unavailable)


@pytest.mark.parametrize("answer", [{"timed_out": True}, {"timed_out": False, "_shards": {"failed": 1}}])
def test_an_answer_that_is_not_whole_is_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(OpenSearchUnavailable, match="not whole"):
        whole(answer)
