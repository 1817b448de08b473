"""Posts that wait for moderators: their ids, what is recorded of them, and the mail that an approved one becomes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from services.delivery.domain.mail import AcceptedMail
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.events.moderation import PostHeld
from shared.protocol.srs.decision import POST

DAY: Final = 86_400_000_000
TEXT_LIMIT: Final = 1_000
"""Characters of what the author of a refused post is told."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_MOMENT_END = 10
"""An id begins with its kind and nine characters of the time."""
_HASH_CHARACTERS = 11


def post_id(queue_id: str, list_id: str) -> str:
    """The id of the post that a mail is to a list; the same for each attempt. It is sorted by the time of the mail."""
    digest = int.from_bytes(blake2b(f"{queue_id} {list_id}".encode(), digest_size=8).digest(), "big")
    characters = (_ALPHABET[digest >> 5 * place & 31] for place in range(_HASH_CHARACTERS))
    return POST + queue_id[1:_MOMENT_END] + "".join(characters)


def stream_of(post: str) -> str:
    """The stream of what happens to a held post; its later delivery has the stream of its id."""
    return f"held:{post}"


def held(mail: AcceptedMail, step: Step, now: int, days: int) -> PostHeld:
    """What is recorded of a mail that becomes a held post."""
    return PostHeld(
        post_id(mail.queue_id, step.list_id),
        mail.origin or mail.queue_id,
        step.list_id,
        step.address,
        mail.reverse_path,
        mail.message,
        proven_poster(mail),
        now + days * DAY,
        mail.spam,
        mail.spam_headers,
        mail.submitted,
        mail.user,
        mail.account,
        mail.require_tls,
        mail.dmarc,
        mail.arc,
        mail.is_authenticated,
    )


def approved(post: PostHeld) -> AcceptedMail:
    """The mail that an approved post becomes. Nobody is notified of its delivery."""
    return AcceptedMail(
        post.post,
        post.reverse_path,
        (Recipient(post.list_address, notify="NEVER"),),
        post.message,
        spam=post.spam,
        spam_headers=post.spam_headers,
        submitted=post.submitted,
        account=post.account,
        require_tls=post.require_tls,
        user=post.user,
        dmarc=post.dmarc,
        arc=post.arc,
        is_authenticated=post.is_authenticated,
        approved_list=post.list_id,
        origin=post.queue_id,
    )


def proven_poster(mail: AcceptedMail) -> str:
    """The address of the author, as proven by a log-in or by DMARC; empty for an author who is not proven."""
    return mail.reverse_path if mail.submitted else mail.proven_author
