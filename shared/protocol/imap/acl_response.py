"""The responses about access control lists (RFC 4314 §3.6 to §3.8)."""

from collections.abc import Iterable, Iterator

from shared.protocol.imap.rights import shown_rights
from shared.protocol.imap.wire_string import wire_astring, wire_mailbox


# acl-data = "ACL" SP mailbox *(SP identifier SP rights)
def acl(name: str, entries: Iterable[tuple[str, str]], *, utf8: bool = False) -> Iterator[bytes]:
    """ACL: (identifier, rights), in pieces of one response."""
    yield b"* ACL " + wire_mailbox(name, utf8)
    for identifier, rights in entries:
        yield b" %b %b" % (_text(identifier), _text(shown_rights(rights)))
    yield b"\r\n"


# listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
def listrights(name: str, identifier: str, always: str, optional: Iterable[str], *, utf8: bool = False) -> bytes:
    """LISTRIGHTS: the rights that an identifier always has, and each of those that it may be given."""
    possible = [*optional, "c", "d"] if not always else []
    rights = b" ".join([_text(shown_rights(always) if always else ""), *map(_text, possible)])
    return b"* LISTRIGHTS %b %b %b\r\n" % (wire_mailbox(name, utf8), _text(identifier), rights)


# myrights-data = "MYRIGHTS" SP mailbox SP rights
def myrights(name: str, rights: str, *, utf8: bool = False) -> bytes:
    """MYRIGHTS."""
    return b"* MYRIGHTS %b %b\r\n" % (wire_mailbox(name, utf8), _text(shown_rights(rights)))


def _text(text: str) -> bytes:
    return wire_astring(text.encode())
