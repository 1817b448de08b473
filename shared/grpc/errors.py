"""What a call may be answered instead of its reply: one table of errors, the same in-process and over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.transaction import VersionConflict

if TYPE_CHECKING:  # whoever only names our errors (the command, before it calls anybody) need not pay its import
    import grpc


class ServiceError(Exception):
    """A refusal with a short machine-readable reason and a sentence for people."""

    status: ClassVar[str] = "UNKNOWN"
    """The name of its `grpc.StatusCode`."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class NotFound(ServiceError):
    """What was named does not exist."""

    status = "NOT_FOUND"


class AlreadyExists(ServiceError):
    """What was to be made is there."""

    status = "ALREADY_EXISTS"


class Invalid(ServiceError):
    """The request itself is wrong; the same again would be refused again."""

    status = "INVALID_ARGUMENT"


class Denied(ServiceError):
    """The caller may not do this."""

    status = "PERMISSION_DENIED"


class Unauthenticated(ServiceError):
    """The caller did not show a valid credential."""

    status = "UNAUTHENTICATED"


class Conflict(ServiceError):
    """The state moved meanwhile: load and decide again."""

    status = "ABORTED"


class NotNow(ServiceError):
    """The state forbids it (a mailbox that is not empty, a domain with accounts)."""

    status = "FAILED_PRECONDITION"


class LimitReached(ServiceError):
    """A quota or limit is used up."""

    status = "RESOURCE_EXHAUSTED"


class Unavailable(ServiceError):
    """The service cannot serve now; nothing was done; try again."""

    status = "UNAVAILABLE"


class TimedOut(ServiceError):
    """No answer within the deadline; whether it was done is not known: repeat with the same command id."""

    status = "DEADLINE_EXCEEDED"


class InternalError(ServiceError):
    """A fault of ours; logged where it happened."""

    status = "INTERNAL"


TRANSPORT = "transport"
"""The reason of an error that the way to the service made, and not the service."""
_MESSAGE_LIMIT = 500
"""Characters: gRPC carries a refusal in a header of 8 KB, percent-encoded; a longer one would arrive as
RESOURCE_EXHAUSTED.
"""
_BY_STATUS: dict[str, type[ServiceError]] = {kind.status: kind for kind in ServiceError.__subclasses__()}


def translate(error: Exception) -> ServiceError | None:
    """The refusal that an exception of the store stands for; None for a fault that nobody foresaw."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, StoreUnavailable):
        return Unavailable(str(error), "store")
    if isinstance(error, VersionConflict):
        return Conflict(str(error), "version")
    return None


def to_details(error: ServiceError) -> str:
    """The error as gRPC's details text."""
    message = error.message.encode("utf-8", "replace").decode()
    return orjson.dumps({"reason": error.reason, "message": message[:_MESSAGE_LIMIT]}).decode()


def from_rpc(error: grpc.aio.AioRpcError) -> ServiceError:
    """The refusal that a gRPC status stands for. What no service of ours has said is the transport's: a connection that
    broke, a method of a release that is not there yet. Taken for a refusal (RESOURCE_EXHAUSTED for a full mailbox), it
    would end a mail that only has to wait.
    """
    details = error.details() or ""
    try:
        parsed = orjson.loads(details)
        return _BY_STATUS.get(error.code().name, InternalError)(parsed["message"], parsed["reason"])
    except (ValueError, TypeError, KeyError):
        if error.code().name == "DEADLINE_EXCEEDED":
            return TimedOut(details)
        return Unavailable(details or str(error.code()), TRANSPORT)
