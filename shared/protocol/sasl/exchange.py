"""One authentication exchange as the protocols transport it: base64 lines in, outcomes out."""

import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from shared.protocol.sasl.login import LoginMechanism
from shared.protocol.sasl.mechanism import SaslMechanism
from shared.protocol.sasl.outcome import Challenge, Outcome, SaslError, SaslFailure
from shared.protocol.sasl.plain import Plain

MECHANISMS: Final[Mapping[str, Callable[[], SaslMechanism]]] = MappingProxyType(
    {"PLAIN": Plain, "LOGIN": LoginMechanism}
)
LINE_LIMIT: Final = 12288  # octets with the CRLF, as RFC 4954 §4 requires


class SaslExchange:
    """The server's side of one exchange.

    After any outcome but Challenge the exchange is over, and a further step is an error.
    """

    def __init__(self, mechanism: str) -> None:
        make = MECHANISMS.get(mechanism.upper())
        self._mechanism = make() if make is not None else None
        self._over = False

    def start(self, initial: bytes | None) -> Outcome:
        """Begin the exchange.

        ``initial`` is the initial response on the wire: None without one, ``=`` for an empty one (RFC 4954 §4).
        """
        if self._mechanism is None:
            return self._end(SaslError(SaslFailure.UNKNOWN_MECHANISM))
        if initial is None:
            return self._end(self._mechanism.begin())
        return self.step(b"" if initial == b"=" else initial)

    def step(self, line: bytes) -> Outcome:
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

    def _end(self, outcome: Outcome) -> Outcome:
        self._over = not isinstance(outcome, Challenge)
        return outcome


def start(mechanism: str, initial: bytes | None) -> tuple[SaslExchange, Outcome]:
    """Begin an exchange; returns the exchange, for its further steps, and the first outcome."""
    exchange = SaslExchange(mechanism)
    return exchange, exchange.start(initial)


def decode_base64(line: bytes) -> bytes:
    """The octets of a base64 line (RFC 4648 §4). Raises ValueError for wrong characters, padding or length."""
    return binascii.a2b_base64(line, strict_mode=True)
