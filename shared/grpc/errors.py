"""The errors of calls: one table, the same in-process and over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.transaction import VersionConflict
from shared.opensearch.errors import OpenSearchUnavailable

if TYPE_CHECKING:  # modules that only name our errors (such as commands) need not import gRPC
    import grpc


class ServiceError(Exception):
    """The refusal of a call, with a short machine-readable reason and a sentence for people."""

    status: ClassVar[str] = "UNKNOWN"
    """The name of its `grpc.StatusCode`."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class NotFound(ServiceError):
    """Something named in the request does not exist."""

    status = "NOT_FOUND"


class AlreadyExists(ServiceError):
    """Something that was to be created exists already."""

    status = "ALREADY_EXISTS"


class Invalid(ServiceError):
    """The request itself is wrong, so a repeat would be refused again."""

    status = "INVALID_ARGUMENT"


class Denied(ServiceError):
    """The caller may not make this call."""

    status = "PERMISSION_DENIED"


class Unauthenticated(ServiceError):
    """The caller did not show a valid credential."""

    status = "UNAUTHENTICATED"


class Conflict(ServiceError):
    """The state has changed meanwhile; load it and decide again."""

    status = "ABORTED"


class NotNow(ServiceError):
    """The present state forbids the command (a mailbox that is not empty, a domain with accounts)."""

    status = "FAILED_PRECONDITION"


class LimitReached(ServiceError):
    """A quota or limit is used up."""

    status = "RESOURCE_EXHAUSTED"


class Unavailable(ServiceError):
    """The service cannot serve at present; nothing was done; try again."""

    status = "UNAVAILABLE"


class TimedOut(ServiceError):
    """There was no answer in time, and it is unknown whether the call was carried out; repeat it with the same command
    id."""

    status = "DEADLINE_EXCEEDED"


class InternalError(ServiceError):
    """A bug in the service; it was logged there."""

    status = "INTERNAL"


TRANSPORT = "transport"
"""The reason of an error that was caused by the connection and not by the service."""
_MESSAGE_LIMIT = 500
"""Characters of a refusal. gRPC carries it percent-encoded in a header of 8 KB; a longer one would arrive as
RESOURCE_EXHAUSTED."""
_BY_STATUS: dict[str, type[ServiceError]] = {kind.status: kind for kind in ServiceError.__subclasses__()}


def translate(error: Exception) -> ServiceError | None:
    """The refusal for an exception of the store; None for an unforeseen error."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, StoreUnavailable):
        return Unavailable(str(error), "store")
    if isinstance(error, OpenSearchUnavailable):
        return Unavailable(str(error), "opensearch")
    if isinstance(error, VersionConflict):
        return Conflict(str(error), "version")
    return None


def to_details(error: ServiceError) -> str:
    """The error as gRPC's details text."""
    message = error.message.encode("utf-8", "replace").decode()
    return orjson.dumps({"reason": error.reason, "message": message[:_MESSAGE_LIMIT]}).decode()


def from_rpc(error: grpc.aio.AioRpcError) -> ServiceError:
    """The refusal for a gRPC status.

    A status that none of our services produced comes from the transport: a broken connection, or a method that an older
    release does not have. If such a RESOURCE_EXHAUSTED were taken for a full mailbox, a mail would bounce that only has
    to wait.
    """
    details = error.details() or ""
    try:
        parsed = orjson.loads(details)
        return _BY_STATUS.get(error.code().name, InternalError)(parsed["message"], parsed["reason"])
    except (ValueError, TypeError, KeyError):
        if error.code().name == "DEADLINE_EXCEEDED":
            return TimedOut(details)
        return Unavailable(details or str(error.code()), TRANSPORT)
