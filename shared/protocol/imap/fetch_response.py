"""Builds FETCH responses from wire bytes (RFC 3501 §7.4.2)."""

from collections.abc import Iterable, Sequence

from shared.protocol.imap.dates import format_date_time
from shared.protocol.imap.wire_string import literal, literal8, wire_nstring


# message-data = nz-number SP "FETCH" SP msg-att
def fetch(sequence: int, items: Sequence[bytes]) -> bytes:
    """The response for one message; `items` are results of the functions below, in order."""
    return b"* %d FETCH (%b)\r\n" % (sequence, b" ".join(items))


# message-data =/ uniqueid SP "UIDFETCH" SP msg-att             ; RFC 9586
def uid_fetch(uid: int, items: Sequence[bytes]) -> bytes:
    """The same for a client that knows no sequence numbers."""
    return b"* %d UIDFETCH (%b)\r\n" % (uid, b" ".join(items))


def fetch_parts(sequence: int, items: Sequence[bytes], label: bytes, size: int) -> tuple[bytes, bytes]:
    """The bytes before and after a body that is copied from the blob store to the socket."""
    before = b"".join([item + b" " for item in items])
    return b"* %d FETCH (%b%b {%d}\r\n" % (sequence, before, label, size), b")\r\n"


def flags_item(flags: Iterable[str]) -> bytes:
    """FLAGS."""
    return f"FLAGS ({' '.join(flags)})".encode()


def uid_item(uid: int) -> bytes:
    """UID."""
    return b"UID %d" % uid


def size_item(octets: int) -> bytes:
    """RFC822.SIZE."""
    return b"RFC822.SIZE %d" % octets


def internal_date_item(micros: int, offset_minutes: int = 0) -> bytes:
    """INTERNALDATE of microseconds since 1970 UTC, in the given zone."""
    return b"INTERNALDATE " + format_date_time(micros, offset_minutes)


def modseq_item(modseq: int) -> bytes:
    """MODSEQ (RFC 7162)."""
    return b"MODSEQ (%d)" % modseq


def email_id_item(object_id: str) -> bytes:
    """EMAILID (RFC 8474)."""
    return f"EMAILID ({object_id})".encode()


def thread_id_item(object_id: str | None) -> bytes:
    """THREADID, NIL when unknown (RFC 8474)."""
    return f"THREADID {f'({object_id})' if object_id else 'NIL'}".encode()


def ready_item(label: bytes, wire: bytes) -> bytes:
    """ENVELOPE, BODY or BODYSTRUCTURE, in the wire form that the structure scan has made."""
    return b"%b %b" % (label, wire)


def body_item(label: bytes, octets: bytes | None) -> bytes:
    """A body section with the label of its `BodySection`; NIL when the message has no such part."""
    return b"%b NIL" % label if octets is None else b"%b {%d}\r\n%b" % (label, len(octets), octets)


def binary_item(label: bytes, octets: bytes | None) -> bytes:
    """A decoded part; a literal8 when it contains NUL (RFC 3516 §4.3)."""
    if octets is None:
        return b"%b NIL" % label
    return b"%b %b" % (label, literal8(octets) if b"\0" in octets else literal(octets))


def preview_item(text: str | None) -> bytes:
    """PREVIEW; NIL when the client asked for what is at hand and nothing is (RFC 8970 §3.1)."""
    return b"PREVIEW " + wire_nstring(None if text is None else text.encode("utf-8", "replace"))


def binary_size_item(label: bytes, octets: int) -> bytes:
    """BINARY.SIZE (RFC 3516)."""
    return b"%b %d" % (label, octets)
