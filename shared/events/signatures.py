"""Events about mail signatures: their versions, and the users' fields that they name.

A version has the stream `signature:<id>`, and a field that of its user.
"""

from __future__ import annotations

import msgspec

from shared.eventstore.event import Event, stored


class ChosenSignature(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mail signature that was chosen for a mail when it was submitted, so that a repeat places the same one."""

    id: str
    """The id of its version."""
    values: dict[str, str] = {}
    """The values of its placeholders."""
    signs_automatic: bool = False
    """Whether mail that programs write gets it too."""


@stored("signature.written")
class SignatureWritten(Event, frozen=True):
    """A mail signature was written. Its id is made from its texts, so each version is written once."""

    id: str
    text: str
    html: str


@stored("user.field_changed")
class UserFieldChanged(Event, frozen=True):
    """A field of a user was changed, such as `phone`; an empty value means that the user has no such field."""

    id: str
    name: str
    value: str
    previous: str
