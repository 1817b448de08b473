"""Reads the status in a delivery status notification of another server (RFC 3464)."""

from __future__ import annotations

import re
from typing import Final

from shared.protocol.message.headers import header_value

MOST_OCTETS: Final = 64 * 1024
"""Octets of a message/delivery-status part that are read."""
_STATUS = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_GROUPS = re.compile(rb"\r?\n(?:\r?\n)+")


def failed_status(report: bytes) -> str:
    """The status of the first recipient whose delivery failed for good; empty when there is none.

    `report` is the content of the message/delivery-status part: groups of fields, the first about the message and the
    others about a recipient each (RFC 3464 §2.1).
    """
    for group in _GROUPS.split(report[:MOST_OCTETS]):
        action, status = header_value(group, b"action"), header_value(group, b"status")
        if action is None or status is None or action.split(b"(")[0].strip().lower() != b"failed":
            continue
        match = _STATUS.match(status)
        if match is not None:
            return match[1].decode("ascii")
    return ""
