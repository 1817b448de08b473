"""The mails about held posts: for moderators, and for authors whose posts were not approved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice
from shared.protocol.languages.addressee import Addressee

_SHOWN = 60
"""Characters of a text that a stranger wrote: it stays on the line of its name, and cannot pose as a line of ours."""


class WaitingPost(msgspec.Struct, frozen=True):
    """A post as a moderator sees it."""

    id: str
    author: str
    is_proven: bool
    subject: str
    size: int
    expires_at: int
    approve: str = ""
    """The address with which the moderator approves it; empty for a reader who decides nothing."""
    refuse: str = ""
    is_withheld: bool = False
    """Whether author and subject are not shown, because the sender demands TLS up to the reader (RFC 8689)."""


def moderator_subject(list_address: str, posts: int, to: Addressee) -> str:
    """The subject of the notification."""
    return to.say("moderation.subject", list=list_address, posts=posts)


def moderator_notice(
    list_address: str, posts: Sequence[WaitingPost], more: int, to: Addressee, reporter: Reporter
) -> bytes:
    """The notification of a moderator, as a whole message. A reply to the one about a single post approves it."""
    replies = posts[0].approve if len(posts) == 1 and not more else ""
    return plain_notice(
        to,
        moderator_subject(list_address, len(posts) + more, to),
        _moderator_paragraphs(list_address, posts, more, to, reporter),
        reporter,
        (f"Reply-To: <{replies}>",) if replies else (),
    )


def author_subject(list_address: str, to: Addressee) -> str:
    """The subject of the notification of an author."""
    return to.say("moderation.author.subject", list=list_address)


def author_notice(
    list_address: str, subject: str, text: str, to: Addressee, reporter: Reporter, *, expired: bool
) -> bytes:
    """The notification of a proven author whose post was refused or has expired."""
    key = "moderation.author.expired" if expired else "moderation.author.refused"
    paragraphs = [
        to.say("mail_system", host=reporter.host),
        to.say(key, list=list_address, subject=shown(subject) or "-"),
    ]
    if text:
        paragraphs.append(to.say("moderation.author.text", text=text))
    return plain_notice(to, author_subject(list_address, to), paragraphs, reporter)


def shown(text: str) -> str:
    """A text of a stranger on one line, with a bounded length."""
    return "".join(character if character.isprintable() else " " for character in text[:_SHOWN])


def _moderator_paragraphs(
    list_address: str, posts: Sequence[WaitingPost], more: int, to: Addressee, reporter: Reporter
) -> Iterator[str]:
    yield to.say("mail_system", host=reporter.host)
    yield to.say("moderation.intro", list=list_address)
    for post in posts:
        yield from _post_paragraphs(list_address, post, to)
    if more:
        yield to.say("moderation.more", posts=more, list=list_address)
    if posts and posts[0].approve:
        if len(posts) == 1 and not more:
            yield to.say("moderation.reply")
        yield to.say("moderation.addresses")


def _post_paragraphs(list_address: str, post: WaitingPost, to: Addressee) -> Iterator[str]:
    withheld = to.say("moderation.withheld")
    author = withheld if post.is_withheld else shown(post.author) or "-"
    yield to.say("moderation.from" if post.is_proven else "moderation.from.unproven", author=author)
    yield to.say("moderation.title", subject=withheld if post.is_withheld else shown(post.subject) or "-")
    yield to.say("moderation.size", size=post.size, until=to.moment(post.expires_at), post=post.id)
    if post.approve:
        yield to.say("moderation.approve", address=post.approve)
        yield to.say("moderation.refuse", address=post.refuse)
    yield to.say("moderation.command", list=list_address, post=post.id)
