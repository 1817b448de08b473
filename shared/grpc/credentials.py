"""What proves who calls: a token for each pair of a caller and a service (docs/adr/0009).

A service keeps digests of the tokens that it accepts: what it stores or is shown is of no use at another service. No
token exists for a pair that the table of calls (`policy`) does not name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from shared.grpc.errors import Unauthenticated

_UNKNOWN = "-"


class CallTokens(msgspec.Struct, frozen=True):
    """The part of one process."""

    tokens: Mapping[str, Mapping[str, str]] = {}
    """Caller → service → the token that the caller shows there. The callers are the services of this process."""
    accepted: Mapping[str, Mapping[str, str]] = {}
    """Service of this process → caller → digest of the token that it accepts from that caller."""

    def token(self, caller: str, service: str) -> str:
        """What the caller shows to the service; empty where there is nothing to show."""
        return self.tokens.get(caller, {}).get(service, "")


def digest(token: str) -> str:
    """What a service keeps of a token. Tokens are random and long: one round is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def caller_of(shown: str, accepted: Mapping[str, str]) -> str:
    """Who shows this credential, `<caller>:<token>`, by the digests that a service accepts. Raises Unauthenticated."""
    name, _, token = shown.partition(":")
    # Compared with something even for an unknown name, so that names cannot be told by time.
    if not hmac.compare_digest(digest(token), accepted.get(name, _UNKNOWN)):
        raise Unauthenticated("the call shows no valid credential", "credential")
    return name
