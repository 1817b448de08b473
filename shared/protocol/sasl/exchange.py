"""One authentication exchange as the protocols transport it: base64 lines in, outcomes out."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from shared.protocol.sasl.bearer import OauthBearer, Xoauth2
from shared.protocol.sasl.external import External
from shared.protocol.sasl.login import LoginMechanism
from shared.protocol.sasl.mechanism import SaslMechanism
from shared.protocol.sasl.outcome import Challenge, Outcome, SaslError, SaslFailure
from shared.protocol.sasl.plain import Plain
from shared.protocol.sasl.scram import ProofGiven, SaltNeeded, ScramOutcome, ScramServer

SCRAM: Final = "SCRAM-SHA-256"
MECHANISMS: Final[Mapping[str, Callable[[], SaslMechanism | ScramServer]]] = MappingProxyType(
    {
        "PLAIN": Plain,
        "LOGIN": LoginMechanism,
        SCRAM: ScramServer,
        "OAUTHBEARER": OauthBearer,
        "XOAUTH2": Xoauth2,
        "EXTERNAL": External,
    }
)
WITH_PASSWORD: Final = ("PLAIN", "LOGIN")
"""The mechanisms that need nothing but TLS."""
ExchangeOutcome = Outcome | ScramOutcome
LINE_LIMIT: Final = 12288  # octets with the CRLF, as RFC 4954 §4 requires


class SaslExchange:
    """The server's side of one exchange.

    After any outcome but Challenge, SaltNeeded and ProofGiven the exchange is over, and a further step is an error.
    """

    def __init__(self, mechanism: str, offered: Collection[str] = WITH_PASSWORD) -> None:
        name = mechanism.upper()
        make = MECHANISMS.get(name) if name in offered else None
        self._mechanism = make() if make is not None else None
        self._over = False

    def start(self, initial: bytes | None) -> ExchangeOutcome:
        """Begin the exchange.

        ``initial`` is the initial response on the wire: None without one, ``=`` for an empty one (RFC 4954 §4).
        """
        if self._mechanism is None:
            return self._end(SaslError(SaslFailure.UNKNOWN_MECHANISM))
        if initial is None:
            return self._end(self._mechanism.begin())
        return self.step(b"" if initial == b"=" else initial)

    def supply(self, salt: bytes, iterations: int, nonce: str) -> Challenge:
        """Answer SaltNeeded."""
        assert isinstance(self._mechanism, ScramServer)
        return self._mechanism.supply(salt, iterations, nonce)

    def accept(self, signature: bytes) -> Challenge:
        """Answer ProofGiven, when the proof is right."""
        assert isinstance(self._mechanism, ScramServer)
        return self._mechanism.accept(signature)

    def step(self, line: bytes) -> ExchangeOutcome:
        """Take the client's next line, without its line end."""
        if self._mechanism is None or self._over:
            return SaslError(SaslFailure.MALFORMED)
        if line == b"*":
            return self._end(SaslError(SaslFailure.CANCELLED))
        if len(line) > LINE_LIMIT:
            return self._end(SaslError(SaslFailure.TOO_LONG))
        try:
            response = decode_base64(line)
        except ValueError:
            return self._end(SaslError(SaslFailure.BAD_BASE64))
        return self._end(self._mechanism.respond(response))

    def _end(self, outcome: ExchangeOutcome) -> ExchangeOutcome:
        self._over = not isinstance(outcome, Challenge | SaltNeeded | ProofGiven)
        return outcome


def start(
    mechanism: str, initial: bytes | None, offered: Collection[str] = WITH_PASSWORD
) -> tuple[SaslExchange, ExchangeOutcome]:
    """Begin an exchange; returns the exchange, for its further steps, and the first outcome."""
    exchange = SaslExchange(mechanism, offered)
    return exchange, exchange.start(initial)


def decode_base64(line: bytes) -> bytes:
    """The octets of a base64 line (RFC 4648 §4). Raises ValueError for wrong characters, padding or length."""
    return binascii.a2b_base64(line, strict_mode=True)
