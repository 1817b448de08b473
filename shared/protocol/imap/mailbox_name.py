"""Mailbox names: spelling on the wire, validity, INBOX, hierarchy (RFC 3501 §5.1, RFC 9051 §5.1).

No other module decides which names are allowed.
"""

import re

from shared.protocol.imap.modified_utf7 import decode_modified_utf7, encode_modified_utf7

SEPARATOR = "/"
INBOX = "INBOX"

MAX_NAME_BYTES = 1000
"""Octets of a whole name in UTF-8."""
MAX_COMPONENT_BYTES = 255
MAX_DEPTH = 32

# RFC 9051 §5.1: no control characters (C0, DEL, C1), no line or paragraph separators. Lone surrogates have no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# Only ASCII letters: str.upper would also turn a dotless i into I.
_INBOX = re.compile(r"inbox(?=/|\Z)", re.IGNORECASE | re.ASCII)


class InvalidMailboxName(ValueError):
    """A name that no mailbox can have; the text says why and may be shown to the client."""


def decode_mailbox_name(wire: bytes, utf8: bool = False) -> str:
    """The name on the wire, with INBOX in upper case. Raises InvalidMailboxName when the spelling is wrong.

    `utf8`: the client has enabled IMAP4rev2 or UTF8=ACCEPT, so names are UTF-8 and `&` is an ordinary character (RFC
    6855 3). `check_new_name` decides whether a mailbox may be created with the name.
    """
    if len(wire) > 4 * MAX_NAME_BYTES:
        raise InvalidMailboxName("Mailbox name is too long")
    try:
        return canonical_name(wire.decode("utf-8") if utf8 else decode_modified_utf7(wire))
    except ValueError:
        raise InvalidMailboxName("Mailbox name is not valid " + ("UTF-8" if utf8 else "modified UTF-7")) from None


def encode_mailbox_name(name: str, utf8: bool = False) -> bytes:
    """The name as spelled on the wire, before quoting."""
    return name.encode("utf-8") if utf8 else encode_modified_utf7(name)


def canonical_name(name: str) -> str:
    """The name with a first level INBOX in upper case; only this level is case-insensitive (RFC 3501 §5.1)."""
    return _INBOX.sub(INBOX, name, count=1) if _INBOX.match(name) else name


def new_mailbox_name(name: str) -> str:
    """The canonical name of a mailbox to be created. Raises InvalidMailboxName."""
    name = canonical_name(without_trailing_separator(name))
    check_new_name(name)
    return name


def check_new_name(name: str) -> None:
    """Check that a mailbox may get this canonical name. Raises InvalidMailboxName.

    Only harmful names are refused (docs/rfc.md gives the reasons). `#`, `*`, `%` and blanks at the ends are ordinary
    characters, even if unwise (RFC 3501 §5.1, §5.1.2, §6.3.8).
    """
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise InvalidMailboxName("Mailbox name is empty or too long")
    if _FORBIDDEN.search(name):
        raise InvalidMailboxName("Mailbox name holds a control character")
    _check_components(name.split(SEPARATOR))


def _check_components(components: list[str]) -> None:
    if len(components) > MAX_DEPTH:
        raise InvalidMailboxName("Mailbox name has too many levels")
    if "" in components:
        raise InvalidMailboxName("Mailbox name has an empty level")
    if any(len(component.encode("utf-8")) > MAX_COMPONENT_BYTES for component in components):
        raise InvalidMailboxName("A level of the mailbox name is too long")


def without_trailing_separator(name: str) -> str:
    """The name without a final separator, by which CREATE announces children (RFC 3501 §6.3.3)."""
    return name[:-1] if name.endswith(SEPARATOR) else name


def parent_name(name: str) -> str:
    """The name one level higher; empty at the top."""
    return name.rpartition(SEPARATOR)[0]


def ancestors(name: str) -> list[str]:
    """All names above this one, the topmost first."""
    components = name.split(SEPARATOR)
    return [SEPARATOR.join(components[:count]) for count in range(1, len(components))]
