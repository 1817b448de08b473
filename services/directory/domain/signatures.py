"""Decisions about mail signatures and the fields of users: from a command and the present state to events."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from services.directory.domain.state import DirectoryRefused, DomainState
from shared.events.directory import DomainValueChanged
from shared.events.signatures import SignatureWritten, UserFieldChanged
from shared.eventstore.event import Event
from shared.protocol.message.mail_signature.template import (
    MAX_VALUE,
    MailSignature,
    filled,
    placeholders_of,
    plain_value,
)

MOST_FIELDS = 50
"""Fields of a user."""
_FIELD = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_RESERVED = frozenset({"address"})
DISPLAY_NAME = "name"
"""The field with the name that others see, in place of the name with which the user logs in."""


class SignatureRequest(NamedTuple):
    """What an operator asks the mail signature of a domain to be; None leaves it as it is."""

    signature: MailSignature | None
    """A blank one takes it away."""
    signs_automatic: bool | None = None


def version_id(signature: MailSignature) -> str:
    """The id of a version, which is made from its texts: the same texts are the same version."""
    octets = signature.text.encode("utf-8", "replace") + b"\0" + signature.html.encode("utf-8", "replace")
    return hashlib.sha256(octets).hexdigest()[:32]


def set_signature(domain: DomainState, request: SignatureRequest, is_known: bool) -> tuple[list[Event], list[Event]]:
    """The events of the version and of the domain; `is_known` says that the version was written before."""
    if domain.alias_of:
        raise DirectoryRefused(
            "invalid", f"{domain.name} is an alias of another domain, whose mail signature counts: set it there"
        )
    written: list[Event] = []
    changed: list[Event] = []
    if request.signature is not None:
        signature = request.signature
        is_blank = not signature.text.strip() and not signature.html.strip()
        identity = "" if is_blank else version_id(signature)
        if not is_blank:
            _check(signature)
            written += [] if is_known else [SignatureWritten(identity, signature.text, signature.html)]
        changed += _value(domain, "signature", identity)
    if request.signs_automatic is not None:
        changed += _value(domain, "signature_automatic", "on" if request.signs_automatic else "")
    return written, changed


def set_field(user: str, name: str, value: str, present: Mapping[str, str]) -> list[Event]:
    """Give a user a field; an empty value takes it away. No event when nothing changes."""
    if _FIELD.fullmatch(name) is None or name in _RESERVED:
        raise DirectoryRefused(
            "invalid", f"{name!r} cannot be a field: give a lower-case word such as phone, and not `address`"
        )
    if len(value) > MAX_VALUE:
        raise DirectoryRefused("invalid", f"a field has at most {MAX_VALUE} characters")
    value, previous = plain_value(value), present.get(name, "")
    if value and not previous and len(present) >= MOST_FIELDS:
        raise DirectoryRefused("invalid", f"a user has at most {MOST_FIELDS} fields")
    return [] if value == previous else [UserFieldChanged(user, name, value, previous)]


def values_for(signature: MailSignature, user_name: str, address: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The values of the placeholders that the mail signature has, for a user who sends as `address`."""
    known = {DISPLAY_NAME: user_name or address, **fields, "address": address}
    return {name: plain_value(known[name]) for name in sorted(placeholders_of(signature)) if known.get(name)}


def _check(signature: MailSignature) -> None:
    """Refuse a mail signature of which nothing is left when it is placed."""
    form = filled(signature, {})
    if not form.text.strip() and not form.html.strip():
        raise DirectoryRefused("invalid", "nothing of this mail signature can be shown: it has neither text nor images")


def _value(domain: DomainState, name: str, value: str) -> list[Event]:
    previous = domain.values.get(name, "")
    return [] if value == previous else [DomainValueChanged(domain.id, name, value, previous)]
