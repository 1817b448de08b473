"""PLAIN (RFC 4616): message = [authzid] NUL authcid NUL passwd."""

from shared.protocol.sasl.mechanism import MALFORMED, prepare_password, read_text
from shared.protocol.sasl.outcome import Challenge, Credentials, Outcome


class Plain:
    """The client sends a single message and speaks first."""

    def begin(self) -> Outcome:
        return Challenge(b"")

    def respond(self, response: bytes) -> Outcome:
        parts = response.split(b"\0", 3)
        if len(parts) != 3:
            return MALFORMED
        authzid = read_text(parts[0]) if parts[0] else ""
        authcid, password = read_text(parts[1]), read_text(parts[2])
        if authzid is None or authcid is None or password is None:
            return MALFORMED
        return Credentials(authcid, authzid, prepare_password(password))
