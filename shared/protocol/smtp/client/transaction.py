"""A message to send: its envelope, and what its octets need from the server."""

import msgspec

from shared.protocol.address.address import Address
from shared.protocol.smtp.client.capabilities import Capabilities
from shared.protocol.smtp.client.commands import MailCommand, RcptCommand, UnsendableCommand, command_line
from shared.protocol.smtp.client.outcome import ResultKind
from shared.protocol.smtp.commands import BodyType, Mail, Rcpt, Ret


class OutgoingTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """One message for recipients at one server.

    ``size`` is in octets, as DATA counts them before dots are added (RFC 1870 §5). ``smtputf8`` says that the header
    of the message has non-ASCII octets; the session itself finds non-ASCII localparts.
    """

    reverse_path: Address | None  # None: the null reverse-path
    recipients: tuple[Rcpt, ...]
    size: int | None = None
    ret: Ret | None = None
    envid: str | None = None
    auth: str | None = None  # AUTH= of MAIL (RFC 4954 §5), sent where AUTH is offered
    eight_bit: bool = False  # the message has octets above 127
    binary: bool = False  # the message has NUL, a bare CR or LF, or a line over 998 octets (RFC 3030 §3)
    smtputf8: bool = False
    require_tls: bool = False  # RFC 8689


class EnvelopeCommands(msgspec.Struct, frozen=True):
    """The command lines of an envelope. ``unsent`` has the recipients that are not in it, by index, with the reason."""

    mail: bytes
    rcpts: tuple[tuple[int, bytes], ...]  # index of the recipient, and its line
    chunked: bool
    unsent: tuple[tuple[int, ResultKind, str], ...]


def plan(
    transaction: OutgoingTransaction, capabilities: Capabilities, tls_active: bool, prefer_chunking: bool
) -> EnvelopeCommands:
    """The commands for a server with these capabilities, before anything is sent."""
    refusal = _refusal(transaction, capabilities, tls_active)
    if refusal is not None:
        return _without_commands(transaction, refusal, "")
    smtputf8 = _needs_smtputf8(transaction)
    try:
        mail = command_line(_mail(transaction, capabilities, smtputf8))
    except UnsendableCommand as error:
        return _without_commands(transaction, ResultKind.UNSENDABLE, error.reason)
    rcpts, unsent = _rcpts(transaction, capabilities, smtputf8)
    chunked = transaction.binary or (prefer_chunking and capabilities.chunking and capabilities.pipelining)
    return EnvelopeCommands(mail, tuple(rcpts), chunked, tuple(unsent))


def _refusal(transaction: OutgoingTransaction, capabilities: Capabilities, tls_active: bool) -> ResultKind | None:
    """The extension or size that the server lacks, so that it cannot take the message at all."""
    if transaction.require_tls and not (tls_active and capabilities.require_tls):
        return ResultKind.NEEDS_REQUIRE_TLS  # RFC 8689 §4.2.1: both, or the message is not sent
    if not capabilities.smtputf8 and (transaction.smtputf8 or not _is_ascii(transaction.reverse_path)):
        return ResultKind.NEEDS_SMTPUTF8
    if transaction.binary and not capabilities.binary:
        return ResultKind.NEEDS_BINARY
    if transaction.eight_bit and not transaction.binary and not capabilities.eight_bit:
        return ResultKind.NEEDS_EIGHT_BIT
    size, limit = transaction.size, capabilities.size_limit
    if size is not None and limit is not None and size > limit:
        return ResultKind.TOO_LARGE  # RFC 1870 §6.1
    return None


def _needs_smtputf8(transaction: OutgoingTransaction) -> bool:
    """Whether MAIL has SMTPUTF8: only where this message or an address needs it (RFC 6531 §3.4).

    A recipient whose address needs it gets a transaction of its own when another does not, because the next server
    may not offer it and would then return the message of both.
    """
    if transaction.smtputf8 or not _is_ascii(transaction.reverse_path):
        return True
    return bool(transaction.recipients) and not any(rcpt.forward_path.is_ascii for rcpt in transaction.recipients)


def _is_ascii(address: Address | None) -> bool:
    return address is None or address.is_ascii


def _mail(transaction: OutgoingTransaction, capabilities: Capabilities, smtputf8: bool) -> MailCommand:
    smtputf8 = smtputf8 and capabilities.smtputf8
    mail = Mail(
        transaction.reverse_path,
        size=transaction.size if capabilities.size else None,
        body=_body(transaction, capabilities),
        smtputf8=smtputf8,
        ret=transaction.ret if capabilities.dsn else None,
        envid=transaction.envid if capabilities.dsn else None,
        auth=transaction.auth if capabilities.mechanisms else None,
    )
    return MailCommand(mail, transaction.require_tls)


def _body(transaction: OutgoingTransaction, capabilities: Capabilities) -> BodyType | None:
    if transaction.binary:
        return BodyType.BINARY_MIME
    has_high_octets = transaction.eight_bit or transaction.smtputf8
    return BodyType.EIGHT_BIT_MIME if has_high_octets and capabilities.eight_bit else None


def _rcpts(
    transaction: OutgoingTransaction, capabilities: Capabilities, smtputf8: bool
) -> tuple[list[tuple[int, bytes]], list[tuple[int, ResultKind, str]]]:
    rcpts: list[tuple[int, bytes]] = []
    unsent: list[tuple[int, ResultKind, str]] = []
    domains: set[str] = set()
    for index, rcpt in enumerate(transaction.recipients):
        kind = _reason_to_leave_out(rcpt, capabilities, smtputf8)
        if kind is None and _is_full(rcpt.forward_path.domain, len(rcpts), domains, capabilities):
            kind = ResultKind.UNSENT
        if kind is not None:
            unsent.append((index, kind, ""))
            continue
        try:
            line = command_line(RcptCommand(rcpt if capabilities.dsn else Rcpt(rcpt.forward_path), smtputf8))
        except UnsendableCommand as error:
            unsent.append((index, ResultKind.UNSENDABLE, error.reason))
            continue
        rcpts.append((index, line))
        domains.add(rcpt.forward_path.domain)
    return rcpts, unsent


def _reason_to_leave_out(rcpt: Rcpt, capabilities: Capabilities, smtputf8: bool) -> ResultKind | None:
    """Why a recipient cannot be in this transaction; None when it can."""
    if rcpt.forward_path.is_ascii:
        return None
    if not capabilities.smtputf8:
        return ResultKind.NEEDS_SMTPUTF8
    return None if smtputf8 else ResultKind.UNSENT


def _is_full(domain: str, recipients: int, domains: set[str], capabilities: Capabilities) -> bool:
    """Whether LIMITS allows no further recipient of this domain (RFC 9422 §4.2, §4.3)."""
    limits = capabilities.limits
    if limits.rcpt_max is not None and recipients >= limits.rcpt_max:
        return True
    return limits.rcpt_domain_max is not None and domain not in domains and len(domains) >= limits.rcpt_domain_max


def _without_commands(transaction: OutgoingTransaction, kind: ResultKind, text: str) -> EnvelopeCommands:
    unsent = tuple((index, kind, text) for index in range(len(transaction.recipients)))
    return EnvelopeCommands(b"", (), False, unsent)
