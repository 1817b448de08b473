"""The envelope of a mail as fields in front of it."""

from __future__ import annotations

from collections.abc import Sequence

from mailfold.sink.maildir import RECIPIENT, SENDER

_PATH_OCTETS = 1024


def is_fit(path: str) -> bool:
    """Whether a path can stand in a field: printable, valid Unicode, and not too long."""
    try:
        return len(path.encode()) <= _PATH_OCTETS and path.isprintable()
    except UnicodeEncodeError:  # octets that are not UTF-8
        return False


def envelope_fields(sender: str, recipients: Sequence[str], client: str, helo: str, at: str) -> bytes:
    """The fields, each with CRLF. The paths are fit; `helo` is the client's word and may be anything."""
    name = "".join(character if character.isprintable() else "?" for character in helo)
    name = name.encode("ascii", "replace").decode()[:255]
    lines = [
        f"{SENDER}: {sender}",
        *(f"{RECIPIENT}: {recipient}" for recipient in recipients),
        f"Received: from {name or 'unknown'} ([{client}]) by the Mailfold sink; {at}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()
