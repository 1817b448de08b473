"""The SMTP server of the sink, on aiosmtpd."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import sys
import traceback
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailfold.sink.envelope import envelope_fields, is_fit
from mailfold.sink.limits import SinkLimits
from mailfold.sink.maildir import SinkMaildir
from mailfold.texts import printable
from shared.clock import SystemClock
from shared.protocol.smtp.trace_header import date_time
from shared.tls.authority import LocalAuthority

_NAME = "sink.invalid"
_LINE_OCTETS = 64 * 1024
_COMMAND_OCTETS = 2048
_DRAINED = 1024 * 1024
"""Octets above the limit that are read of a message that is too large, so that its client sees the reply."""
_TAKEN, _TOO_MANY = "250 2.1.5 taken", "452 4.5.3 too many recipients; send the others in another transaction"
_UNFIT = "553 5.1.3 an address has no control characters and is valid UTF-8"
_NO_ROOM = "452 4.3.1 not enough disk space"
_BUSY = b"421 4.3.2 too many connections; try again later\r\n"


class SinkHandler:
    """Decides on commands, and keeps complete mails."""

    def __init__(self, maildir: SinkMaildir, limits: SinkLimits) -> None:
        self._maildir = maildir
        self._limits = limits

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Note the client's name. The library raises the limit of a command with every EHLO; here it stays."""
        session.host_name = hostname
        server.command_size_limits = defaultdict(lambda: _COMMAND_OCTETS)
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any sender that can be written down, while there is room."""
        if not is_fit(address):
            return _UNFIT
        if not await asyncio.to_thread(self._has_room):
            return _NO_ROOM
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any recipient that can be written down."""
        if not is_fit(address):
            return _UNFIT
        if len(envelope.rcpt_tos) >= self._limits.recipients:
            return _TOO_MANY
        envelope.rcpt_tos.append(address)
        return _TAKEN

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail; it is durable when the reply is sent."""
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        peer = session.peer[0] if isinstance(session.peer, tuple) else "unknown"
        now = date_time(datetime.now(UTC))
        head = envelope_fields(sender, envelope.rcpt_tos, peer, str(session.host_name or ""), now)
        content = envelope.original_content or b""
        name = await asyncio.to_thread(self._maildir.keep, (head, content))
        _say(f"kept {name} from <{sender}> to {', '.join(envelope.rcpt_tos[:10])}, {len(content)} octets")
        return f"250 2.0.0 kept as {name}"

    async def handle_exception(self, error: Exception) -> str:
        """Report an error here, and not to the client, which may send again."""
        _say("".join(traceback.format_exception(error)), keep_lines=True)
        return "451 4.3.0 the sink cannot take this now"

    def _has_room(self) -> bool:
        status = os.statvfs(self._maildir.folder)
        return status.f_bavail * status.f_frsize >= self._limits.reserve_octets + self._limits.message_octets


class SinkUsage:
    """The octets of all messages that are being taken, and the open connections."""

    def __init__(self, limits: SinkLimits) -> None:
        self.limits = limits
        self.octets = 0
        self.connections = 0


class SinkProtocol(SMTP):
    """A connection. It is closed when a line or a message without an end exceeds the limits."""

    line_length_limit = _LINE_OCTETS

    def __init__(self, handler: SinkHandler, usage: SinkUsage, context: ssl.SSLContext) -> None:
        limits = usage.limits
        super().__init__(
            handler,
            data_size_limit=limits.message_octets,
            enable_SMTPUTF8=True,
            hostname=_NAME,
            ident="Mailfold sink",
            timeout=limits.idle_seconds,
            tls_context=context,
            auth_exclude_mechanism=("PLAIN", "LOGIN"),
            loop=asyncio.get_running_loop(),
        )
        self._usage = usage
        self._octets = 0
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; refuse it with 421 when there are too many. After STARTTLS it is made a second time."""
        if self._is_counted:
            super().connection_made(transport)
            return
        if self._usage.connections >= self._usage.limits.connections:
            transport.write(_BUSY)  # type: ignore[attr-defined]
            transport.close()
            return
        self._usage.connections += 1
        self._is_counted = True
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take octets within the limits."""
        if not self._is_counted:
            return
        limits, usage = self._usage.limits, self._usage
        self._octets += len(data)
        usage.octets += len(data)
        if self._octets > limits.message_octets + _DRAINED or usage.octets > limits.at_once_octets:
            self._abort()
            return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client sends no more."""
        return super().eof_received() if self._is_counted else None

    def connection_lost(self, error: Exception | None) -> None:
        """Count the connection and its octets no more."""
        if not self._is_counted:
            return
        self._forget()
        self._usage.connections -= 1
        self._is_counted = False
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        """Reply; the octets received before it count no more."""
        self._forget()
        await super().push(status)

    def _forget(self) -> None:
        self._usage.octets -= self._octets
        self._octets = 0

    def _abort(self) -> None:
        _say("a connection was closed: more octets at once than the sink takes")
        self._forget()
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(b"421 4.3.4 too many octets\r\n")
            self.transport.abort()


async def serve(maildir: SinkMaildir, address: str, port: int, limits: SinkLimits | None = None) -> asyncio.Server:
    """Begin to serve. Raises OSError when the address cannot be used, or the folders cannot be made."""
    maildir.make()
    # The library logs what clients send, with all its control characters, to the terminal.
    logging.getLogger("mail").disabled = logging.getLogger("mail.log").disabled = True
    usage = SinkUsage(limits or SinkLimits())
    handler = SinkHandler(maildir, usage.limits)
    context = await asyncio.to_thread(_context, maildir.folder)
    return await asyncio.get_running_loop().create_server(lambda: SinkProtocol(handler, usage, context), address, port)


def _context(folder: Path) -> ssl.SSLContext:
    """TLS with a certificate of an authority that is made for the sink. Raises OSError."""
    files = LocalAuthority(folder / "tls", SystemClock(), "Mailfold sink").ensure((_NAME, "localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def _say(text: str, *, keep_lines: bool = False) -> None:
    sys.stdout.write(printable(text, keep_lines=keep_lines).rstrip("\n") + "\n")
    sys.stdout.flush()
