"""PLAIN, LOGIN and XOAUTH2: mechanisms that send the secret itself, and so only under TLS."""

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientAuthError, secret_octets
from shared.protocol.sasl.mechanism import prepare_password


class PlainClient:
    """PLAIN (RFC 4616): message = [authzid] NUL authcid NUL passwd."""

    def __init__(self, credentials: ClientCredentials) -> None:
        self._credentials = credentials
        self.is_complete = False

    def begin(self) -> bytes | None:
        values = self._credentials
        self.is_complete = True
        texts = (values.authzid, values.name, prepare_password(values.password))
        return b"\0".join([secret_octets(text) for text in texts])

    def respond(self, challenge: bytes | None) -> bytes:
        raise ClientAuthError("PLAIN has no second challenge")


class LoginClient:
    """LOGIN (draft-murchison-sasl-login): the first challenge asks for the name, the second for the password.

    Servers word the challenges in many ways, so their text is ignored. An initial response is refused by some servers.
    """

    def __init__(self, credentials: ClientCredentials) -> None:
        self._texts = [credentials.name, prepare_password(credentials.password)]

    @property
    def is_complete(self) -> bool:
        return not self._texts

    def begin(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes | None) -> bytes:
        if not self._texts:
            raise ClientAuthError("LOGIN has no third challenge")
        return secret_octets(self._texts.pop(0))


class Xoauth2Client:
    """XOAUTH2 of Google and Microsoft: name and access token. A challenge holds an error; an empty line ends it."""

    def __init__(self, credentials: ClientCredentials) -> None:
        self._credentials = credentials
        self._failed = False
        self.is_complete = False

    def begin(self) -> bytes | None:
        self.is_complete = True
        name, token = secret_octets(self._credentials.name), secret_octets(self._credentials.token)
        return b"user=%b\x01auth=Bearer %b\x01\x01" % (name, token)

    def respond(self, challenge: bytes | None) -> bytes:
        if self._failed:
            raise ClientAuthError("XOAUTH2 has no challenge after its error")
        self._failed, self.is_complete = True, False
        return b""
