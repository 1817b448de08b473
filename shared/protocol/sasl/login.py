"""LOGIN (draft-murchison-sasl-login), which was never standardised but is the only mechanism of some clients."""

from typing import Final

from shared.protocol.sasl.mechanism import MALFORMED, prepare_password, read_text
from shared.protocol.sasl.outcome import Challenge, Credentials, Outcome

USERNAME: Final = Challenge(b"Username:")
PASSWORD: Final = Challenge(b"Password:")


class LoginMechanism:
    """The server asks for the name, then for the password. An initial response is the name."""

    def __init__(self) -> None:
        self._authcid: str | None = None

    def begin(self) -> Outcome:
        return USERNAME

    def respond(self, response: bytes) -> Outcome:
        text = read_text(response)
        if text is None:
            return MALFORMED
        if self._authcid is None:
            self._authcid = text
            return PASSWORD
        return Credentials(self._authcid, "", prepare_password(text))
