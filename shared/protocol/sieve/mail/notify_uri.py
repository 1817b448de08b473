"""mailto URIs of notifications (RFC 5436 §2.3, RFC 6068)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_NAME = re.compile(r"[!-9;-~]{1,64}")
MOST_OCTETS = 4000
MOST_RECIPIENTS = 8
_IGNORED = frozenset({"from", "sender", "date", "message-id", "received", "auto-submitted", "mime-version", "bcc"})
"""Fields that a URI cannot set (RFC 5436 §2.3); the content's own fields neither."""


class InvalidNotifyUri(ValueError):
    """A URI to which no notification can be sent; the text says why."""


class MailtoUri(NamedTuple):
    """A mailto URI: its addresses, the subject and the body if it has them, and other header fields."""

    recipients: tuple[str, ...]
    subject: str = ""
    body: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def is_mailto(uri: str) -> bool:
    """Whether the scheme is mailto, the only method of notification here."""
    match = _SCHEME.match(uri)
    return match is not None and match[1].lower() == "mailto"


def parse_mailto(uri: str) -> MailtoUri:
    """mailtoURI = "mailto:" [ to ] [ hfields ]. Raises InvalidNotifyUri."""
    if not is_mailto(uri):
        raise InvalidNotifyUri("notifications are sent by mailto only")
    if len(uri) > MOST_OCTETS:
        raise InvalidNotifyUri(f"the URI has more than {MOST_OCTETS} characters")
    target, _, query = uri.partition(":")[2].partition("?")
    recipients = _addresses(target)
    subject = body = ""
    fields: list[tuple[str, str]] = []
    for pair in filter(None, query.split("&")):
        raw_name, _, raw_value = pair.partition("=")
        name, value = unquote(raw_name).lower(), unquote(raw_value)
        if name in ("to", "cc"):
            recipients += _addresses(raw_value)
        elif name == "subject":
            subject = _on_line(value)
        elif name == "body":
            body = value
        elif _NAME.fullmatch(name) and name not in _IGNORED and not name.startswith(("content-", "resent-", "list-")):
            fields.append((name, _on_line(value)))
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        raise InvalidNotifyUri(f"the URI names no recipient or more than {MOST_RECIPIENTS}")
    return MailtoUri(tuple(dict.fromkeys(recipients)), subject, body, tuple(fields))


def _on_line(value: str) -> str:
    return _CONTROLS.sub(" ", value).strip()


def _addresses(text: str) -> list[str]:
    addresses = []
    for item in filter(None, text.split(",")):
        try:
            addresses.append(str(parse_address(unquote(item).strip())))
        except AddressError as error:
            raise InvalidNotifyUri(f"the URI has an invalid address: {error}") from None
    return addresses
