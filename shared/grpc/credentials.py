"""Tokens by which callers prove who they are: one for each pair of a caller and a service (docs/adr/0009).

A service stores only digests of the tokens that it accepts, and neither a digest nor a token is of use at another
service. There is no token for a pair that the table of calls (`policy`) does not name.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from shared.grpc.errors import Unauthenticated

_UNKNOWN = "-"


class CallTokens(msgspec.Struct, frozen=True):
    """The tokens of one process."""

    tokens: Mapping[str, Mapping[str, str]] = {}
    """Caller → service → the token that the caller shows there. The callers are the services of this process."""
    accepted: Mapping[str, Mapping[str, str]] = {}
    """Service of this process → caller → digest of the token that it accepts from that caller."""

    def token(self, caller: str, service: str) -> str:
        """The token that the caller shows to the service; empty when there is none."""
        return self.tokens.get(caller, {}).get(service, "")


def digest(token: str) -> str:
    """The digest that a service stores. One round is enough, because tokens are random and long."""
    return hashlib.sha256(token.encode()).hexdigest()


def caller_of(shown: str, accepted: Mapping[str, str]) -> str:
    """The caller that shows the credential `<caller>:<token>`. Raises Unauthenticated."""
    name, _, token = shown.partition(":")
    # An unknown name is compared as well, so that the time does not reveal which names exist.
    if not hmac.compare_digest(digest(token), accepted.get(name, _UNKNOWN)):
        raise Unauthenticated("the call shows no valid credential", "credential")
    return name
