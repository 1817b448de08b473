"""Reads a fetched message for assertions."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage


def parsed(data: bytes) -> EmailMessage:
    """The message, header values unfolded."""
    return email.message_from_bytes(data, policy=email.policy.default.clone(max_line_length=None))


def field_names(data: bytes) -> list[str]:
    """Names of the header fields, in their order, lower case."""
    return [name.lower() for name, _ in email.message_from_bytes(data).raw_items()]


def fields(data: bytes, name: str) -> list[str]:
    """All values of a field, unfolded."""
    return [
        " ".join(value.split()) for key, value in email.message_from_bytes(data).items() if key.lower() == name.lower()
    ]
