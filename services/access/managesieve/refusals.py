"""Translates refusals of other services to the response codes of ManageSieve (RFC 5804 §1.3)."""

from __future__ import annotations

from shared.grpc.errors import InternalError, ServiceError, TimedOut, Unavailable
from shared.protocol.managesieve import response

_CODES = {
    "NONEXISTENT": b"NONEXISTENT",
    "ALREADYEXISTS": b"ALREADYEXISTS",
    "ACTIVE": b"ACTIVE",
    "MAXSCRIPTS": b"QUOTA/MAXSCRIPTS",
    "MAXSIZE": b"QUOTA/MAXSIZE",
    "LIMIT": b"QUOTA",
}
BROKEN = "Something is wrong in the server; its log says what"


def refusal(error: ServiceError) -> bytes:
    """The response NO, with a response code if there is one."""
    if isinstance(error, Unavailable | TimedOut):
        return response.no("The server cannot do this now; try again", b"TRYLATER")
    if isinstance(error, InternalError):
        return response.no(BROKEN)
    return response.no(error.message, _CODES.get(error.reason, b""))
