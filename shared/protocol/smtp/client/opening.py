"""The beginning of a session: greeting, EHLO, STARTTLS, EHLO again, AUTH."""

from typing import Final

from shared.protocol.smtp import codes
from shared.protocol.smtp.client.authentication import ClientAuthentication
from shared.protocol.smtp.client.capabilities import Capabilities, read_capabilities
from shared.protocol.smtp.client.commands import Lhlo, UnsendableCommand, command_line
from shared.protocol.smtp.client.conversation import Conversation, OnReply, PendingCommand
from shared.protocol.smtp.client.events import Ready, TlsNeeded
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.outcome import FailureCause, SessionFailure
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.commands import Ehlo, Helo, StartTls
from shared.protocol.smtp.reply import Reply

# RFC 5321 §3.2: only after "not recognized"; any other refusal is an answer to this client
_NOT_RECOGNISED: Final = frozenset({codes.COMMAND_UNRECOGNISED, codes.COMMAND_NOT_IMPLEMENTED})


class Opening:
    """Brings a session to the point where it takes a transaction. Its methods raise SessionFailure."""

    def __init__(self, options: SessionOptions, conversation: Conversation) -> None:
        self._options = options
        self._conversation = conversation
        self._tls_refusal: Reply | None = None
        self.tls_active = options.tls is TlsMode.ACTIVE
        self.capabilities = Capabilities()
        self.is_ready = False
        self.awaits_handshake = False
        conversation.expect(Stage.GREETING, self._greeted)

    def tls_established(self) -> None:
        """Begin anew inside TLS: what the server said before is forgotten (RFC 3207 §4.2)."""
        self.awaits_handshake = False
        self.tls_active = True
        self.capabilities = Capabilities()
        self._conversation.stage = Stage.HELLO
        self._say_hello()

    @property
    def _tls_required(self) -> bool:
        return self._options.tls is TlsMode.REQUIRED or self._options.credentials is not None

    def _greeted(self, reply: Reply) -> None:
        if reply.code >= 400:
            raise SessionFailure(FailureCause.CONNECT_REFUSED, reply)
        if reply.code != codes.SERVICE_READY:
            raise unexpected(reply)
        self._say_hello()

    def _say_hello(self) -> None:
        name = self._options.hello_name
        self._send(Stage.HELLO, Lhlo(name) if self._options.lmtp else Ehlo(name), self._ehlo_answered)

    def _ehlo_answered(self, reply: Reply) -> None:
        if reply.code in _NOT_RECOGNISED and not self._options.lmtp:
            self._say_helo(reply)
            return
        self._check_hello(reply)
        self.capabilities = read_capabilities(reply)
        self._secure()

    def _say_helo(self, reply: Reply) -> None:
        """Send HELO, unless the session needs TLS or a log-in.

        The failure names the missing extension: a machine between the two servers may suppress EHLO.
        """
        if self._tls_required and not self.tls_active:
            raise SessionFailure(FailureCause.TLS_NOT_OFFERED, reply)
        if self._options.credentials is not None:
            raise SessionFailure(FailureCause.AUTH_NOT_OFFERED, reply)
        self._send(Stage.HELLO, Helo(self._options.hello_name), self._helo_answered)

    def _helo_answered(self, reply: Reply) -> None:
        self._check_hello(reply)
        self._finish(None)

    def _check_hello(self, reply: Reply) -> None:
        if reply.code >= 400:
            raise SessionFailure(FailureCause.HELLO_REFUSED, reply)
        if reply.code != codes.OK:  # such as 220: a second greeting, which would shift all replies
            raise unexpected(reply)

    def _secure(self) -> None:
        if self.tls_active:
            self._log_in()
        elif self._options.tls is not TlsMode.NEVER and self.capabilities.starttls:
            self._send(Stage.STARTTLS, StartTls(), self._starttls_answered)
        elif self._tls_required:
            raise SessionFailure(FailureCause.TLS_NOT_OFFERED)
        else:
            self._finish(None)

    def _starttls_answered(self, reply: Reply) -> None:
        if reply.code == codes.SERVICE_READY:
            self._conversation.stage = Stage.HANDSHAKE
            self.awaits_handshake = True
            self._conversation.events.append(TlsNeeded())
        elif reply.code < 400:
            raise unexpected(reply)
        elif self._tls_required:
            raise SessionFailure(FailureCause.TLS_REFUSED, reply)
        else:
            self._tls_refusal = reply
            self._finish(None)

    def _log_in(self) -> None:
        credentials = self._options.credentials
        if credentials is None:
            self._finish(None)
        else:
            ClientAuthentication(credentials, self.capabilities.mechanisms, self._conversation, self._finish).begin()

    def _finish(self, mechanism: str | None) -> None:
        conversation = self._conversation
        conversation.stage = Stage.IDLE
        conversation.window = self._options.max_flight if self.capabilities.pipelining else 1
        self.is_ready = True
        conversation.events.append(Ready(self.capabilities, self.tls_active, self._tls_refusal, mechanism))

    def _send(self, stage: Stage, command: Ehlo | Helo | Lhlo | StartTls, on_reply: OnReply) -> None:
        try:
            line = command_line(command)
        except UnsendableCommand as error:
            raise SessionFailure(FailureCause.HELLO_REFUSED, text=error.reason) from None
        self._conversation.send(PendingCommand(stage, line, on_reply))


def unexpected(reply: Reply) -> SessionFailure:
    """The failure for a reply that the command cannot have."""
    return SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "the reply does not fit the command")
