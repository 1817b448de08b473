"""What a handler is, and the answers many of them give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services.access.session.session import Session
from shared.protocol.imap import response

Handler = Callable[[Session, Any], Awaitable[bytes]]
"""Carries out a command: writes untagged data and returns the tagged answer, which is sent after what changed
meanwhile.
"""

READ_ONLY_TEXT = "The mailbox was opened read-only"


def done(tag: bytes, name: str) -> bytes:
    """OK."""
    return response.ok(tag, f"{name} completed")
