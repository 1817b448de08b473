"""The header of the copies of a post (RFC 2369, RFC 2919), and the post itself where its own header must change."""

from __future__ import annotations

from shared.protocol.mailing_list.identity import ListIdentity, phrase
from shared.protocol.message.headers import field_lines, header_value

LIST_FIELDS = frozenset(
    {
        b"list-id",
        b"list-post",
        b"list-help",
        b"list-owner",
        b"list-unsubscribe",
        b"list-unsubscribe-post",
        b"list-subscribe",
        b"list-archive",
    }
)
"""Fields that occur once in a message (RFC 2369 §2); those of another list are replaced."""


def copy_fields(identity: ListIdentity, header_block: bytes) -> bytes:
    """The fields that a list puts before each copy, in wire form.

    A Precedence of the author stays: a second one is refused by some servers. What a person wrote gets no
    Auto-Submitted (RFC 3834 §5). Delivered-To shows the list that the message has been here (RFC 9228).
    """
    lines = [
        f"Delivered-To: {identity.address}",
        f"List-Id: {_named(identity)}",
        f"List-Post: <mailto:{identity.address}>",
        f"List-Help: <mailto:{identity.owner}?subject=help>",
        f"List-Owner: <mailto:{identity.owner}>",
        f"List-Unsubscribe: <mailto:{identity.leave}>",
    ]
    if header_value(header_block, b"precedence") is None:
        lines.append("Precedence: list")
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


def post_header(header_block: bytes, author: bytes = b"") -> bytes:
    """The header of a post without the fields of other lists, and with `author` in place of its From field.

    `author` has complete lines. When nothing changes, the same object is returned.
    """
    lines = field_lines(header_block)
    dropped = LIST_FIELDS | ({b"from"} if author else set())
    kept = [line for name, line in lines if name.lower() not in dropped]
    if len(kept) == len(lines):
        return header_block
    ended = [line if line.endswith(b"\n") else line + b"\r\n" for line in kept]
    return author + b"".join(ended) + b"\r\n"


def rewritten_author(identity: ListIdentity, name: str, address: str, header_block: bytes) -> bytes:
    """The From field of a copy whose author's domain demands DMARC, with what keeps the author reachable.

    The new From is the list itself, whose domain signs the copy. The author stands in its display name, in Reply-To
    unless the message has one, and in X-Original-From.
    """
    author = name.replace("@", " at ") or address.replace("@", " at ")
    through = identity.description or identity.address.partition("@")[0]
    lines = [f"From: {phrase(_shown(f'{author} via {through}'))} <{identity.address}>", f"X-Original-From: {address}"]
    if header_value(header_block, b"reply-to") is None:
        lines.append(f"Reply-To: {address}")
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


def _named(identity: ListIdentity) -> str:
    name = f"{phrase(identity.description)}\r\n " if identity.description else ""
    return f"{name}<{identity.identifier}>"


def _shown(text: str) -> str:
    """The text on one line, with a length that fits a field."""
    return "".join(character if character.isprintable() else " " for character in text)[:200]
