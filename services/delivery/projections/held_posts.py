"""The tables of posts that wait for moderators, and of the notices about them; only this projection changes them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from shared.events.moderation import (
    ModeratorsNotified,
    ModeratorsToNotify,
    PostApproved,
    PostClosed,
    PostExpired,
    PostHeld,
    PostRefused,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_HOLD = (
    "INSERT INTO held_post (id, list, queue_id, state, at, expires_at, blob, size, noticed)"
    " VALUES (?, ?, ?, 'held', ?, ?, ?, ?, ?)"
)
_NOTICE_TIME = (
    "INSERT INTO moderation_notice_time (list, at) VALUES (?, ?) ON CONFLICT (list) DO UPDATE SET at = excluded.at"
)


class HeldPostProjection:
    """Keeps a row for each held post until all that follows from its decision is done."""

    name = "held_posts"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_post(metadata), _notice(metadata), _notice_time(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case PostHeld() as post:
                message = post.message
                values = (post.post, post.list_id, post.queue_id, recorded.at, post.expires_at)
                connection.execute(_HOLD, (*values, message.blob, message.size, False))
            case PostApproved(post_id):
                _set_state(connection, post_id, "approved")
            case PostRefused(post_id):
                _set_state(connection, post_id, "refused")
            case PostExpired(post_id):
                _set_state(connection, post_id, "expired")
            case PostClosed(post_id):
                connection.execute("DELETE FROM held_post WHERE id = ?", (post_id,))
            case ModeratorsToNotify(notice, list_id):
                connection.execute("UPDATE held_post SET noticed = ? WHERE list = ?", (True, list_id))
                sql = "INSERT INTO moderation_notice (notice, list, version) VALUES (?, ?, ?)"
                connection.execute(sql, (notice, list_id, recorded.version))
                connection.execute(_NOTICE_TIME, (list_id, recorded.at))
            case ModeratorsNotified(notice):
                connection.execute("DELETE FROM moderation_notice WHERE notice = ?", (notice,))
            case _:
                pass


def _set_state(connection: Connection, post: str, state: str) -> None:
    connection.execute("UPDATE held_post SET state = ? WHERE id = ?", (state, post))


def _post(metadata: MetaData) -> Table:
    return Table(
        "held_post",
        metadata,
        Column("id", Text, primary_key=True),
        Column("list", Text, nullable=False),
        Column("queue_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("blob", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("noticed", Boolean, nullable=False),
        Index("held_post_list", "list", "id"),
        Index("held_post_state", "state", "expires_at"),
        sqlite_with_rowid=False,
    )


def _notice(metadata: MetaData) -> Table:
    """Notices that are not sent completely, with the version of their event in the stream of the list."""
    return Table(
        "moderation_notice",
        metadata,
        Column("notice", Text, primary_key=True),
        Column("list", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _notice_time(metadata: MetaData) -> Table:
    """When the moderators of a list were last notified."""
    return Table(
        "moderation_notice_time",
        metadata,
        Column("list", Text, primary_key=True),
        Column("at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
