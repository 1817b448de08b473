"""The errors of OpenSearch: one table that says what is tried again and what is refused.

A refusal is about the request itself. Everything that another moment or the operator can change is *unavailable*: a
connection, a deadline, a full queue (429), a cluster block for want of disk (403), a wrong password, too many shards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PASSING = frozenset({401, 403, 407, 408, 425, 429})
"""Statuses below 500 that are not the fault of the request."""
_SHARD_LIMIT = "maximum shards open"
_BLOCK = "cluster_block_exception"
_SHOWN = 300


class OpenSearchError(Exception):
    """Any failure of a request to OpenSearch. `status` is the HTTP status; 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class OpenSearchUnavailable(OpenSearchError):
    """OpenSearch cannot do this now; the same request may succeed later."""


class OpenSearchBlocked(OpenSearchUnavailable):
    """Indices may only be read or deleted from, because a node has too little disk."""


class OpenSearchRefused(OpenSearchError):
    """OpenSearch will never do what was requested."""


class OpenSearchMissing(OpenSearchRefused):
    """The index, data stream or document does not exist (404)."""


class OpenSearchConflict(OpenSearchRefused):
    """A document with this id, or a newer version of it, exists (409)."""


class OpenSearchTooLarge(OpenSearchRefused):
    """The request has too many octets (413)."""


_REFUSED: Mapping[int, type[OpenSearchRefused]] = {
    404: OpenSearchMissing,
    409: OpenSearchConflict,
    413: OpenSearchTooLarge,
}


def error_of(status: int, error: Any) -> OpenSearchError:
    """The error for a status and the `error` of an answer, or of an item of a bulk answer."""
    kind, reason = _described(error)
    text = f"OpenSearch answers {status}: {kind}{': ' if kind and reason else ''}{reason}"[:_SHOWN]
    if kind == _BLOCK or _BLOCK in reason:
        return OpenSearchBlocked(f"OpenSearch does not take writes for want of disk: {reason}"[:_SHOWN], status)
    if status in _PASSING or status >= 500 or status < 400 or _SHARD_LIMIT in reason:
        return OpenSearchUnavailable(text, status)
    return _REFUSED.get(status, OpenSearchRefused)(text, status)


def no_answer(error: Exception) -> OpenSearchUnavailable:
    """The error for a request without an answer: no connection, no trust in the certificate, a deadline."""
    text = " ".join(str(part) for part in error.args[1:2]) or repr(error)
    return OpenSearchUnavailable(f"OpenSearch does not answer: {text}"[:_SHOWN])


def _described(error: Any) -> tuple[str, str]:
    """The type and the reason of an error, with the reason of its first cause, which says more."""
    if not isinstance(error, Mapping):
        return "", str(error or "")
    inner = error.get("error", error)
    if not isinstance(inner, Mapping):
        return "", str(inner)
    causes = [inner, *(inner.get("root_cause") or ()), inner.get("caused_by")]
    named = [cause for cause in causes if isinstance(cause, Mapping)]
    reasons = dict.fromkeys(str(cause.get("reason") or "") for cause in named)
    return str(inner.get("type") or ""), "; ".join(reason for reason in reasons if reason)
