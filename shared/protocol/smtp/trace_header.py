"""The header fields that a server adds to an accepted message: Received (RFC 5321 §4.4) and Return-Path."""

import datetime
import re
from typing import Final

import msgspec

from shared.protocol.address.address import Address

FIELD_LIMIT: Final = 998  # octets of a line without CRLF: RFC 5322 §2.1.1
_FOLD: Final = "\r\n\t"
_IN_NAME = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_IN_COMMENT = re.compile(r"[^ !#-'*-\[\]-~]")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NO_OFFSET: Final = datetime.timedelta()
_MINUTE: Final = datetime.timedelta(minutes=1)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TraceTls(msgspec.Struct, frozen=True):
    """The TLS of a connection: ``TLSv1.3``, the name of the cipher suite, and the secret bits of the key."""

    version: str
    cipher: str
    bits: int


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One reception, as its Received field describes it.

    ``client_name`` is the verified reverse DNS name; the address has no brackets.
    """

    hello: str
    client_address: str
    client_name: str | None
    hostname: str
    queue_id: str
    at: datetime.datetime  # with its time zone
    esmtp: bool = True
    tls: TraceTls | None = None
    authenticated: bool = False
    smtputf8: bool = False
    # only for a message with one recipient, because others must not be disclosed (RFC 5321 §7.2)
    recipient: Address | None = None


# Time-stamp-line = "Received:" FWS Stamp <CRLF>;  Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
def received(hop: Hop) -> bytes:
    """The Received field with its CRLF, folded, in UTF-8 (ASCII unless the recipient needs more)."""
    client = (
        f"{_name(hop.client_name)} {_address_literal(hop.client_address)}"
        if hop.client_name
        else _address_literal(hop.client_address)
    )
    parts = [
        f"Received: from {_name(hop.hello)} ({client})",
        f"by {_name(hop.hostname)} (Mailfold) with {with_protocol(hop)} id {_name(hop.queue_id)}",
    ]
    if hop.tls is not None:
        parts.append(f"({_comment(f'{hop.tls.version} with cipher {hop.tls.cipher}')}, {hop.tls.bits} bits)")
    if hop.recipient is not None:
        parts.append(f"for <{hop.recipient}>")
    return (_FOLD.join(parts) + f";{_FOLD}{date_time(hop.at)}\r\n").encode()


# Return-path-line = "Return-Path:" FWS Reverse-path <CRLF>
def return_path(reverse_path: Address | None) -> bytes:
    """The Return-Path field with its CRLF; None is the null reverse-path."""
    return f"Return-Path: <{reverse_path or ''}>\r\n".encode()


def with_protocol(hop: Hop) -> str:
    """The protocol in the ``with`` clause (RFC 3848 §1, RFC 6531 §4.3)."""
    if not hop.esmtp:
        return "SMTP"
    name = "UTF8SMTP" if hop.smtputf8 else "ESMTP"
    return name + ("S" if hop.tls is not None else "") + ("A" if hop.authenticated else "")


# date-time = [ day-of-week "," ] date time (RFC 5322 §3.3)
def date_time(at: datetime.datetime) -> str:
    """The date-time of a moment, in English in any locale."""
    return (
        f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} {_zone(at)}"
    )


# zone = (FWS ( "+" / "-" ) 4DIGIT)
def _zone(at: datetime.datetime) -> str:
    """The zone; a dozen times as fast as strftime, which calls the C library."""
    offset = at.utcoffset() or _NO_OFFSET
    hours, minutes = divmod(abs(offset) // _MINUTE, 60)
    return f"{'-' if offset < _NO_OFFSET else '+'}{hours:02}{minutes:02}"


# TCP-info = address-literal; the IPv6 form has its tag (RFC 5321 §4.1.3)
def _address_literal(address: str) -> str:
    return f"[IPv6:{_name(address)}]" if ":" in address else f"[{_name(address)}]"


def _name(text: str) -> str:
    """The name that a client gives itself.

    Characters that no domain or literal has become "?", so it cannot break the field.
    """
    return _IN_NAME.sub("?", text[:255])


def _comment(text: str) -> str:
    return _IN_COMMENT.sub("?", text)
