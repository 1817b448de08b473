"""Parses command lines: a function for each production of RFC 5321 §4.1.1 and of the extensions named."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.protocol.address.address import Address, make_address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.smtp import codes, parameters, replies
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    Command,
    CommandError,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)
from shared.protocol.smtp.reply import Reply

_NAME = re.compile(r"[!-~]{1,255}")
# A path and what follows it. The grammar has no blanks after the colon, but clients send them.
_PATH = r':[ ]*+<((?>(?:[^"<>]|"(?>(?:[^"\\]|\\.)*)")*))>(?:[ ]+(.*))?'
_FROM_PATH = re.compile("FROM" + _PATH, re.ASCII | re.IGNORECASE | re.DOTALL)
_TO_PATH = re.compile("TO" + _PATH, re.ASCII | re.IGNORECASE | re.DOTALL)
_SOURCE_ROUTE = re.compile(r"@[^:@,]+(?>(?:,@[^:@,]+)*):")
_BDAT = re.compile(r"([0-9]{1,18})(?: +(LAST))?", re.IGNORECASE)
_AUTH = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +([!-~]+))?")
_STRING_UTF8 = re.compile(r"(.+?)( +SMTPUTF8)?", re.ASCII | re.IGNORECASE | re.DOTALL)

_MAIL_FORM: Final = "MAIL FROM:<address>"
_RCPT_FORM: Final = "RCPT TO:<address>"


def parse_command(line: bytes, hostname: str) -> Command:
    """The command of a line without its CRLF.

    ``hostname`` completes ``<Postmaster>``. Raises CommandError with the reply.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise CommandError(replies.not_utf8()) from None
    verb, _, arguments = text.partition(" ")
    production = _PRODUCTIONS.get(verb.upper())
    if production is None or not verb.isascii():
        raise CommandError(replies.unknown_command())
    if production not in _UTF8_PRODUCTIONS and not arguments.isascii():
        raise CommandError(replies.eight_bit_in_command())
    return production(arguments.strip(" "), hostname)


# ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
def _ehlo(arguments: str, hostname: str) -> Ehlo:
    return Ehlo(_hello_name(arguments, codes.EHLO))


# helo = "HELO" SP Domain CRLF
def _helo(arguments: str, hostname: str) -> Helo:
    return Helo(_hello_name(arguments, codes.HELO))


def _hello_name(arguments: str, verb: str) -> str:
    """Any name without blanks.

    Many clients do not know their own name, and RFC 5321 §4.1.4 forbids refusing mail because of it.
    """
    if _NAME.fullmatch(arguments) is None:
        raise CommandError(replies.syntax(f"{verb} hostname"))
    return arguments


# mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
def _mail(arguments: str, hostname: str) -> Mail:
    match = _FROM_PATH.fullmatch(arguments)
    if match is None:
        raise CommandError(replies.syntax(_MAIL_FORM))
    path, rest = match.groups()
    values: Mapping[str, Any] = parameters.parse(rest, parameters.OF_MAIL) if rest else {}
    mail = Mail(_reverse_path(path), **values)
    if not mail.smtputf8 and not arguments.isascii():
        raise CommandError(
            replies.non_ascii_address()
        )  # RFC 6531 §3.4: the parameter is required with the first such address
    return mail


# Reverse-path = Path / "<>"
def _reverse_path(text: str) -> Address | None:
    return _path(text, replies.bad_sender_syntax) if text else None


# Path = "<" [ A-d-l ":" ] Mailbox ">"
def _path(text: str, refusal: Callable[[], Reply]) -> Address:
    if text.startswith("@"):
        text = _SOURCE_ROUTE.sub("", text, count=1)  # RFC 5321 §4.1.1.3: accepted and ignored
    try:
        return parse_address(text)
    except AddressError:
        raise CommandError(refusal()) from None


# rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
def _rcpt(arguments: str, hostname: str) -> Rcpt:
    match = _TO_PATH.fullmatch(arguments)
    if match is None:
        raise CommandError(replies.syntax(_RCPT_FORM))
    path, rest = match.groups()
    if path.lower() == codes.POSTMASTER:
        address = make_address(path, hostname)
    else:
        address = _path(path, replies.bad_recipient_syntax)
    return Rcpt(address, **parameters.parse(rest, parameters.OF_RCPT)) if rest else Rcpt(address)


# data = "DATA" CRLF
def _data(arguments: str, hostname: str) -> Data:
    _no_arguments(arguments, codes.DATA)
    return Data()


# bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF (RFC 3030 §2)
def _bdat(arguments: str, hostname: str) -> Bdat:
    match = _BDAT.fullmatch(arguments)
    if match is None:  # it is unknown how many octets follow, and none of them may become a command
        raise CommandError(replies.syntax("BDAT size [LAST]"), closes=True)
    return Bdat(int(match[1]), match[2] is not None)


# rset = "RSET" CRLF
def _rset(arguments: str, hostname: str) -> Rset:
    _no_arguments(arguments, codes.RSET)
    return Rset()


# noop = "NOOP" [ SP String ] CRLF
def _noop(arguments: str, hostname: str) -> Noop:
    return Noop()


# vrfy = "VRFY" SP String CRLF, uStr of RFC 6531 §3.7.4.2 with SMTPUTF8
def _vrfy(arguments: str, hostname: str) -> Vrfy:
    return Vrfy(*_string_utf8(arguments, codes.VRFY))


# expn = "EXPN" SP String CRLF
def _expn(arguments: str, hostname: str) -> Expn:
    return Expn(*_string_utf8(arguments, codes.EXPN))


def _string_utf8(arguments: str, verb: str) -> tuple[str, bool]:
    match = _STRING_UTF8.fullmatch(arguments)
    if match is None:
        raise CommandError(replies.syntax(f"{verb} string"))
    text, smtputf8 = match[1], match[2] is not None
    if not smtputf8 and not text.isascii():
        raise CommandError(replies.non_ascii_address())
    return text, smtputf8


# help = "HELP" [ SP String ] CRLF
def _help(arguments: str, hostname: str) -> Help:
    return Help()


# quit = "QUIT" CRLF
def _quit(arguments: str, hostname: str) -> Quit:
    _no_arguments(arguments, codes.QUIT)
    return Quit()


# "STARTTLS" CRLF (RFC 3207 §4: no parameters)
def _starttls(arguments: str, hostname: str) -> StartTls:
    _no_arguments(arguments, codes.STARTTLS)
    return StartTls()


# auth-command = "AUTH" SP sasl-mech [SP initial-response] CRLF (RFC 4954 §8)
def _auth(arguments: str, hostname: str) -> Auth:
    match = _AUTH.fullmatch(arguments)
    if match is None:
        raise CommandError(replies.syntax("AUTH mechanism [initial-response]"))
    mechanism, initial = match.groups()
    return Auth(mechanism.upper(), initial.encode("ascii") if initial is not None else None)


def _not_smtp(arguments: str, hostname: str) -> Noop:
    """A browser was made to talk to us (cross-protocol request forgery): its next lines may contain an attacker's
    commands."""
    raise CommandError(replies.not_smtp(), closes=True)


def _no_arguments(arguments: str, verb: str) -> None:
    if arguments:
        raise CommandError(replies.syntax(verb))


_PRODUCTIONS: Final[Mapping[str, Callable[[str, str], Command]]] = {
    codes.EHLO: _ehlo,
    codes.HELO: _helo,
    codes.MAIL: _mail,
    codes.RCPT: _rcpt,
    codes.DATA: _data,
    codes.BDAT: _bdat,
    codes.RSET: _rset,
    codes.NOOP: _noop,
    codes.VRFY: _vrfy,
    codes.EXPN: _expn,
    codes.HELP: _help,
    codes.QUIT: _quit,
    codes.STARTTLS: _starttls,
    codes.AUTH: _auth,
    "GET": _not_smtp,
    "POST": _not_smtp,
    "CONNECT": _not_smtp,
}
_UTF8_PRODUCTIONS: Final = frozenset({_mail, _rcpt, _vrfy, _expn})
