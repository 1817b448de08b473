"""EXTERNAL (RFC 4422 appendix A): the client's name comes from its certificate, and it may ask for an account."""

from __future__ import annotations

from shared.protocol.sasl.mechanism import MALFORMED, read_text
from shared.protocol.sasl.outcome import CertificateShown, Challenge, Outcome


class External:
    """The client sends the account that it asks for, or an empty response."""

    def begin(self) -> Outcome:
        return Challenge(b"")

    def respond(self, response: bytes) -> Outcome:
        if not response:
            return CertificateShown("")
        authzid = read_text(response)
        return MALFORMED if authzid is None else CertificateShown(authzid)
