"""Mailbox names: wire spelling, validity, INBOX, hierarchy (RFC 3501 5.1, RFC 9051 5.1). The one place that says what a
mailbox may be called.
"""

import re

from shared.protocol.imap.modified_utf7 import decode_modified_utf7, encode_modified_utf7

SEPARATOR = "/"
INBOX = "INBOX"

MAX_NAME_BYTES = 1000
"""In UTF-8, the whole path."""
MAX_COMPONENT_BYTES = 255
MAX_DEPTH = 32

# RFC 9051 5.1: no control characters (C0, DEL, C1) and no line or paragraph separator. Lone surrogates have no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# ASCII alone: to str.upper a dotless i is an I too.
_INBOX = re.compile(r"inbox(?=/|\Z)", re.IGNORECASE | re.ASCII)


class InvalidMailboxName(ValueError):
    """A name that no mailbox can have; the text says why and is safe to show."""


def decode_mailbox_name(wire: bytes, utf8: bool = False) -> str:
    """The name behind wire bytes, INBOX in capitals; raises InvalidMailboxName when the spelling is broken.

    `utf8`: the client enabled IMAP4rev2 or UTF8=ACCEPT, so names are UTF-8 and `&` is an ordinary character (RFC 6855
    3). Whether a mailbox may be *created* under this name is `check_new_name`'s to say.
    """
    if len(wire) > 4 * MAX_NAME_BYTES:
        raise InvalidMailboxName("Mailbox name is too long")
    try:
        return canonical_name(wire.decode("utf-8") if utf8 else decode_modified_utf7(wire))
    except ValueError:
        raise InvalidMailboxName("Mailbox name is not valid " + ("UTF-8" if utf8 else "modified UTF-7")) from None


def encode_mailbox_name(name: str, utf8: bool = False) -> bytes:
    """The wire spelling, before quoting."""
    return name.encode("utf-8") if utf8 else encode_modified_utf7(name)


def canonical_name(name: str) -> str:
    """The name with a leading INBOX component in capitals: it alone is case-insensitive (RFC 3501 5.1)."""
    return _INBOX.sub(INBOX, name, count=1) if _INBOX.match(name) else name


def new_mailbox_name(name: str) -> str:
    """The canonical name of a mailbox to be made. Raises InvalidMailboxName."""
    name = canonical_name(without_trailing_separator(name))
    check_new_name(name)
    return name


def check_new_name(name: str) -> None:
    """Raise InvalidMailboxName unless a mailbox may get this canonical name.

    What harms somebody is refused and nothing else (docs/rfc.md says whom): `#`, `*`, `%` and blanks at either end are
    ordinary characters, however unwise (RFC 3501 5.1, 5.1.2, 6.3.8).
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
    """RFC 3501 6.3.3: CREATE of `name/` declares children to come; the mailbox is `name`."""
    return name[:-1] if name.endswith(SEPARATOR) else name


def parent_name(name: str) -> str:
    """The name one level up; empty at the top."""
    return name.rpartition(SEPARATOR)[0]


def ancestors(name: str) -> list[str]:
    """All names above this one, the topmost first."""
    components = name.split(SEPARATOR)
    return [SEPARATOR.join(components[:count]) for count in range(1, len(components))]
