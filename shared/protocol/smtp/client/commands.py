"""Writes command lines. ``command_line`` is the only function that does, and it checks every value again.

A value from outside that carries CR LF would add a recipient or a second message, so each value is compared with its
ABNF here, whoever checked it before.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError, parse_domain
from shared.protocol.sasl.outcome import encode_base64
from shared.protocol.smtp import codes
from shared.protocol.smtp.client.capabilities import REQUIRETLS
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    BodyType,
    Data,
    Ehlo,
    Helo,
    Mail,
    Notify,
    Orcpt,
    Quit,
    Rcpt,
    Ret,
    Rset,
    StartTls,
)
from shared.protocol.smtp.parameters import ENVID_LIMIT, ORCPT_LIMIT

LHLO: Final = "LHLO"
COMMAND_LINE_LIMIT: Final = 512  # octets with CRLF and without the parameters: RFC 5321 §4.5.3.1.4
# Characters of the parameters, by which the extensions extend the line (RFC 1870 §3, 6152 §2, 6531 §3.4, 3461 §4, 4954
# §3, 8689 §2). All of MAIL together have at most 684, and those of RCPT 536.
PARAMETERS_LIMIT: Final = 700
RESPONSE_LIMIT: Final = 12288  # octets with CRLF of a line in an AUTH exchange: RFC 4954 §4
AUTH_PARAMETER_LIMIT: Final = 500  # characters: RFC 4954 §3
_LARGEST_SIZE: Final = 10**20 - 1  # size-value ::= 1*20DIGIT (RFC 1870 §3)
_LARGEST_CHUNK: Final = 10**18 - 1

_TO_ENCODE = re.compile(r"[^!-*,-<>-~]")  # what is no xchar of RFC 3461 §4
_TO_EMBED = re.compile(r"[^!-*,-<>-\[\]-~]")  # what is no QCHAR of RFC 6533 §3
_PRINTABLE = re.compile(r"[ -~]++")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]{1,64}")
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")
_INITIAL = re.compile(rb"=|(?>(?:[A-Za-z0-9+/]{4})*)(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOTIFY_ORDER: Final = (Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)


class UnsendableCommand(ValueError):
    """A value does not fit the ABNF of its command, or the line would be too long. ``reason`` may be shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lhlo(msgspec.Struct, frozen=True, gc=False):
    """LHLO, which begins LMTP (RFC 2033 §4.1)."""

    name: str


class MailCommand(msgspec.Struct, frozen=True):
    """MAIL, with the parameter REQUIRETLS (RFC 8689 §2)."""

    mail: Mail
    require_tls: bool = False


class RcptCommand(msgspec.Struct, frozen=True):
    """RCPT. ``smtputf8`` says whether the MAIL before it had SMTPUTF8, which a non-ASCII address needs."""

    rcpt: Rcpt
    smtputf8: bool = False


class AuthResponse(msgspec.Struct, frozen=True):
    """A line of the client in an AUTH exchange, before base64; it is secret and not shown."""

    octets: bytes

    def __repr__(self) -> str:
        return "AuthResponse(***)"


ClientCommand = (
    Ehlo | Helo | Lhlo | MailCommand | RcptCommand | Data | Bdat | Rset | Quit | StartTls | Auth | AuthResponse
)


def command_line(command: ClientCommand) -> bytes:
    """The line of a command with its CRLF. Raises UnsendableCommand."""
    head, parameters, limit = _PRODUCTIONS[type(command)](command)
    line = f"{head} {parameters}" if parameters else head
    if not (line.isascii() and line.isprintable()) and _CONTROL.search(line) is not None:
        raise UnsendableCommand("a command has a control character")
    octets = line.encode() + b"\r\n"
    extension = len(parameters) + 1 if parameters else 0  # parameters are ASCII
    if extension > PARAMETERS_LIMIT or len(octets) - extension > limit:
        raise UnsendableCommand("a command line is too long")
    return octets


_Line = tuple[str, str, int]  # verb and argument; parameters; the limit of octets without the parameters


# ehlo = "EHLO" SP ( Domain / address-literal ) CRLF;  helo = "HELO" SP Domain CRLF (RFC 5321 §4.1.1.1)
def _hello(command: Ehlo | Helo | Lhlo) -> _Line:
    verb = LHLO if isinstance(command, Lhlo) else codes.EHLO if isinstance(command, Ehlo) else codes.HELO
    return f"{verb} {_domain(command.name)}", "", COMMAND_LINE_LIMIT


# mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF (RFC 5321 §4.1.1.2)
def _mail(command: MailCommand) -> _Line:
    mail = command.mail
    path = "" if mail.reverse_path is None else _mailbox(mail.reverse_path, mail.smtputf8)
    head = f"{codes.MAIL} FROM:<{path}>"
    parameters = []
    if mail.size is not None:
        parameters.append(f"{codes.SIZE}={_number(mail.size, _LARGEST_SIZE)}")
    if mail.body is not None:
        parameters.append(f"{codes.BODY}={BodyType(mail.body).value}")
    if mail.smtputf8:
        parameters.append(codes.SMTPUTF8)
    if mail.ret is not None:
        parameters.append(f"{codes.RET}={Ret(mail.ret).value}")
    if mail.envid is not None:
        parameters.append(f"{codes.ENVID}={_limited(_xtext(mail.envid), ENVID_LIMIT, codes.ENVID)}")
    if mail.auth is not None:
        parameters.append(f"{codes.AUTH}={_limited(_xtext(mail.auth), AUTH_PARAMETER_LIMIT, codes.AUTH)}")
    if command.require_tls:
        parameters.append(REQUIRETLS)
    return head, " ".join(parameters), COMMAND_LINE_LIMIT


# rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF (RFC 5321 §4.1.1.3)
def _rcpt(command: RcptCommand) -> _Line:
    rcpt = command.rcpt
    head = f"{codes.RCPT} TO:<{_mailbox(rcpt.forward_path, command.smtputf8)}>"
    if rcpt.notify is None and rcpt.orcpt is None:
        return head, "", COMMAND_LINE_LIMIT
    parameters = []
    if rcpt.notify is not None:
        parameters.append(f"{codes.NOTIFY}={_notify(rcpt.notify)}")
    if rcpt.orcpt is not None:
        parameters.append(f"{codes.ORCPT}={_limited(_orcpt(rcpt.orcpt), ORCPT_LIMIT, codes.ORCPT)}")
    return head, " ".join(parameters), COMMAND_LINE_LIMIT


# bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF (RFC 3030 §2)
def _bdat(command: Bdat) -> _Line:
    last = " LAST" if command.last else ""
    return f"{codes.BDAT} {_number(command.size, _LARGEST_CHUNK)}{last}", "", COMMAND_LINE_LIMIT


# auth-command = "AUTH" SP sasl-mech [SP initial-response] CRLF (RFC 4954 §8)
def _auth(command: Auth) -> _Line:
    if _MECHANISM.fullmatch(command.mechanism) is None:
        raise UnsendableCommand("the name of a mechanism is not valid")
    if command.initial is None:
        return f"{codes.AUTH} {command.mechanism}", "", COMMAND_LINE_LIMIT
    if not command.initial or _INITIAL.fullmatch(command.initial) is None:
        raise UnsendableCommand("an initial response is not base64")
    return f"{codes.AUTH} {command.mechanism} {command.initial.decode('ascii')}", "", COMMAND_LINE_LIMIT


# a response is a line of base64 (RFC 4954 §4); an empty one is an empty line
def _response(command: AuthResponse) -> _Line:
    return encode_base64(command.octets).decode("ascii"), "", RESPONSE_LIMIT


def _bare(verb: str) -> Callable[[Any], _Line]:
    line = (verb, "", COMMAND_LINE_LIMIT)
    return lambda command: line


# Mailbox = Local-part "@" ( Domain / address-literal ) (RFC 5321 §4.1.2, RFC 6531 §3.3)
def _mailbox(address: Address, smtputf8: bool) -> str:
    """The address, with its domain in A-labels. What is written must be read again as the same address."""
    text = f"{address!s}"
    if not address.domain.isascii():
        text = f"{Address(address.localpart, _domain(address.domain))!s}"
    if not text.isascii() and not smtputf8:
        raise UnsendableCommand("a non-ASCII localpart needs SMTPUTF8")
    try:
        parsed = parse_address(text)
    except AddressError as error:
        raise UnsendableCommand(f"an address is not valid: {error.reason}") from None
    if parsed.localpart != address.localpart:
        raise UnsendableCommand("an address is not valid")
    return text


def _domain(text: str) -> str:
    try:
        return parse_domain(text)
    except (AddressError, IndexError) as error:
        raise UnsendableCommand("a domain is not valid") from error


def _number(value: int, largest: int) -> int:
    if not 0 <= value <= largest:
        raise UnsendableCommand("a number of octets is not valid")
    return int(value)


# notify-esmtp-value = "NEVER" / 1#notify-list-element (RFC 3461 §4.1)
def _notify(notify: frozenset[Notify]) -> str:
    if notify == {Notify.NEVER}:
        return codes.NOTIFY_NEVER
    if not notify or Notify.NEVER in notify:
        raise UnsendableCommand("NOTIFY has no value, or NEVER beside another")
    return ",".join([value.value for value in _NOTIFY_ORDER if value in notify])


# original-recipient-address = addr-type ";" xtext (RFC 3461 §4.2);  for utf-8: utf-8-addr-xtext (RFC 6533 §3)
def _orcpt(orcpt: Orcpt) -> str:
    if _ADDRESS_TYPE.fullmatch(orcpt.address_type) is None or not orcpt.address:
        raise UnsendableCommand("ORCPT is not valid")
    if orcpt.address_type.lower() != codes.UTF8_ADDRESS_TYPE:
        return f"{orcpt.address_type};{_xtext(orcpt.address)}"
    if not orcpt.address.isprintable():
        raise UnsendableCommand("ORCPT has a control character")
    embedded = _TO_EMBED.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", orcpt.address)
    return f"{orcpt.address_type};{embedded}"


# xtext = *( xchar / hexchar );  hexchar = "+" 2(%x30-39 / %x41-46) (RFC 3461 §4)
def _xtext(text: str) -> str:
    if _PRINTABLE.fullmatch(text) is None:
        raise UnsendableCommand("a parameter is empty or not printable ASCII")
    return _TO_ENCODE.sub(lambda match: f"+{ord(match[0]):02X}", text)


def _limited(text: str, limit: int, keyword: str) -> str:
    if len(text) > limit:
        raise UnsendableCommand(f"{keyword} is too long")
    return text


_PRODUCTIONS: Final[Mapping[type[Any], Callable[[Any], _Line]]] = {
    Ehlo: _hello,
    Helo: _hello,
    Lhlo: _hello,
    MailCommand: _mail,
    RcptCommand: _rcpt,
    Data: _bare(codes.DATA),
    Bdat: _bdat,
    Rset: _bare(codes.RSET),
    Quit: _bare(codes.QUIT),
    StartTls: _bare(codes.STARTTLS),
    Auth: _auth,
    AuthResponse: _response,
}
