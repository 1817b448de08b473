"""The log-in of a client (RFC 4954). It is made only under TLS."""

from collections.abc import Callable
from typing import Final

from shared.protocol.sasl.client.choice import make_mechanism, usable_mechanisms
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientAuthError, ClientMechanism
from shared.protocol.sasl.exchange import decode_base64
from shared.protocol.sasl.outcome import encode_base64
from shared.protocol.smtp import codes
from shared.protocol.smtp.client.commands import (
    COMMAND_LINE_LIMIT,
    AuthResponse,
    ClientCommand,
    UnsendableCommand,
    command_line,
)
from shared.protocol.smtp.client.conversation import Conversation, PendingCommand
from shared.protocol.smtp.client.outcome import FailureCause, SessionFailure
from shared.protocol.smtp.client.replies import printable
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.commands import Auth
from shared.protocol.smtp.reply import Reply

_MASKED: Final = b"***"
_ERROR_CHARACTERS: Final = 500
# RFC 4954 §6: the server refuses this mechanism, but not the credentials
_OTHER_MECHANISM: Final = frozenset({codes.PARAMETER_NOT_IMPLEMENTED, 534})


class ClientAuthentication:
    """Tries the usable mechanisms in order until the server accepts or refuses the credentials.

    Its methods raise SessionFailure.
    """

    def __init__(
        self,
        credentials: ClientCredentials,
        offered: tuple[str, ...],
        conversation: Conversation,
        on_success: Callable[[str], None],
    ) -> None:
        self._credentials = credentials
        self._names = list(usable_mechanisms(credentials, offered))
        self._conversation = conversation
        self._on_success = on_success
        self._name = ""
        self._mechanism: ClientMechanism
        self._deferred_response: bytes | None = None  # a first response that did not fit into the AUTH line
        self._error = ""  # the error that XOAUTH2 puts into a challenge

    def begin(self) -> None:
        if not self._names:
            raise SessionFailure(FailureCause.AUTH_NOT_OFFERED)
        self._name = self._names.pop(0)
        self._mechanism = make_mechanism(self._name, self._credentials)
        try:
            initial = self._mechanism.begin()
        except ClientAuthError as error:
            raise SessionFailure(FailureCause.AUTH_REFUSED, text=str(error)) from None
        encoded = None if initial is None else encode_base64(initial) or b"="
        line_length = len(f"{codes.AUTH} {self._name} \r\n") + len(encoded or b"")
        if line_length > COMMAND_LINE_LIMIT:  # RFC 4954 §4: the response then waits for an empty challenge
            self._deferred_response, encoded = initial, None
        start = f"{codes.AUTH} {self._name}".encode("ascii")
        self._send(Auth(self._name, encoded), start if encoded is None else b"%b %b" % (start, _MASKED))

    def _answered(self, reply: Reply) -> None:
        if reply.code == codes.CONTINUE_AUTHENTICATION:
            self._challenged(reply)
        elif reply.code == codes.AUTHENTICATION_SUCCEEDED:
            if not self._mechanism.is_complete:
                raise SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "the server did not finish the exchange")
            self._on_success(self._name)
        elif reply.code < 400:
            raise SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "the reply does not fit the command")
        elif reply.code in _OTHER_MECHANISM and self._names:
            self.begin()
        else:
            cause = FailureCause.AUTH_TEMPORARY if reply.is_transient else FailureCause.AUTH_REFUSED
            raise SessionFailure(cause, reply, self._error)

    def _challenged(self, reply: Reply) -> None:
        challenge = _challenge(reply)
        if self._deferred_response is not None:
            response, self._deferred_response = self._deferred_response, None
        else:
            try:
                response = self._mechanism.respond(challenge)
            except ClientAuthError as error:
                raise SessionFailure(FailureCause.AUTH_REFUSED, reply, str(error)) from None
        if not self._mechanism.is_complete and not response:  # XOAUTH2 answers an error with an empty line
            self._error = printable((challenge or b"")[:_ERROR_CHARACTERS])
        self._send(AuthResponse(response), _MASKED)

    def _send(self, command: ClientCommand, shown: bytes) -> None:
        try:
            line = command_line(command)
        except UnsendableCommand as error:
            raise SessionFailure(FailureCause.AUTH_REFUSED, text=error.reason) from None
        self._conversation.send(PendingCommand(Stage.AUTH, line, self._answered, shown=shown))


def _challenge(reply: Reply) -> bytes | None:
    """The octets of a challenge; None when its text is not base64, which some mechanisms accept."""
    try:
        return decode_base64("".join(reply.text).strip().encode())
    except ValueError:
        return None
