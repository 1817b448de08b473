"""What a mailing list takes as a post: messages that people write, and that it has not distributed yet."""

from __future__ import annotations

from enum import StrEnum

from shared.protocol.mailing_list.identity import identifiers_of, list_identifier
from shared.protocol.message.headers import header_values


class NoPost(StrEnum):
    """Why a message is no post; the values are for people."""

    NULL_SENDER = "a mailing list takes no bounces, and no other mail with the null reverse-path"
    AUTOMATIC = "a mailing list takes no automatic replies"
    LOOP = "the message has been on this mailing list already"
    NOT_MEMBER = "only members may post to this mailing list"
    SPAM = "it looks like spam, and its author is not proven to be a member"
    NO_ROOM = "too many posts to this mailing list wait for its moderators; try again in some days"
    NO_MODERATOR = "only a moderator decides about a post, and the author is not proven to be one"
    NOT_THIS_MODERATOR = "this address was not written for this moderator, or it has expired"
    DECIDED = "this post does not wait any more"
    NO_MEMBER_LEAVES = "only a member can leave, and the author is not proven to be one"


def no_post(address: str, reverse_path: str, header_block: bytes) -> NoPost | None:
    """Why a message is no post of the list with this address, as its envelope and header show; None for a post.

    An automatic message says so in Auto-Submitted (RFC 3834 §5). The list-id of the list itself shows a loop, and so
    does its address in Delivered-To (RFC 9228), which stays when another list replaces the list-id by its own.
    """
    if not reverse_path:
        return NoPost.NULL_SENDER
    if list_identifier(address) in identifiers_of(header_block) or _was_delivered_to(address, header_block):
        return NoPost.LOOP
    return NoPost.AUTOMATIC if is_automatic(header_block) else None


def _was_delivered_to(address: str, header_block: bytes) -> bool:
    values = header_values(header_block, b"delivered-to")
    return any(value.strip(b" \t\r\n<>").decode("utf-8", "replace").lower() == address.lower() for value in values)


def is_automatic(header_block: bytes) -> bool:
    """Whether a program wrote the message. The value `no` may be followed by parameters and a comment."""
    values = header_values(header_block, b"auto-submitted")
    return any(value.split(b";")[0].split(b"(")[0].strip().lower() != b"no" for value in values)
