"""Translates refusals of other services to IMAP responses (RFC 5530)."""

from __future__ import annotations

from shared.blobs.errors import BlobError, BlobStoreFull
from shared.grpc.errors import Denied, InternalError, LimitReached, ServiceError, TimedOut, Unavailable
from shared.protocol.imap import response
from shared.protocol.imap.response_code import Code, ResponseCode

_BY_KIND: dict[type[ServiceError], Code] = {
    Unavailable: Code.UNAVAILABLE,
    TimedOut: Code.UNAVAILABLE,
    InternalError: Code.SERVERBUG,
    Denied: Code.NOPERM,
    LimitReached: Code.LIMIT,
}
_REASONS = {
    code.name: code
    for code in (
        Code.NONEXISTENT,
        Code.TRYCREATE,
        Code.ALREADYEXISTS,
        Code.OVERQUOTA,
        Code.LIMIT,
        Code.CANNOT,
        Code.USEATTR,
        Code.EXPUNGEISSUED,
    )
}
UNFORESEEN = "Something is wrong in the server; its log says what"
_TEXTS = {Code.UNAVAILABLE: "The server cannot do this now; try again", Code.SERVERBUG: UNFORESEEN}


def reason_code(reason: str) -> Code | None:
    """The response code for the reason of a refusal; words behind the first one tell services more."""
    return _REASONS.get(reason.partition(" ")[0])


def refusal_code(error: ServiceError) -> Code | None:
    """The response code for an error."""
    return reason_code(error.reason) or _BY_KIND.get(type(error))


def refusal(tag: bytes, error: ServiceError) -> bytes:
    """The tagged response NO, with a response code if there is one."""
    return response.no(tag, refusal_text(error), refusal_code(error))


def refusal_text(error: ServiceError) -> str:
    """The text of the refusal for an error."""
    code = refusal_code(error)
    return (_TEXTS.get(code) if code else None) or error.message


def blob_refusal(error: BlobError) -> tuple[ResponseCode, str]:
    """The refusal of a message that cannot be stored."""
    if isinstance(error, BlobStoreFull):
        return Code.LIMIT, "The server's disk is full"
    return Code.UNAVAILABLE, "The message could not be stored"
