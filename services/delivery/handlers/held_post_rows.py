"""Loads held posts from the rows and their streams."""

from __future__ import annotations

from typing import NamedTuple

from services.delivery.domain.held_posts import stream_of
from shared.events.moderation import PostHeld
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore

_POST = "SELECT id, list, queue_id, state, at, expires_at, size FROM held_post"


class HeldRow(NamedTuple):
    """A row of the table of held posts."""

    id: str
    list_id: str
    queue_id: str
    state: str
    """`held`, `approved`, `refused` or `expired`."""
    at: int
    expires_at: int
    size: int


def held_row(reader: Reader, list_id: str, post: str) -> HeldRow | None:
    """The row of a post of a list."""
    row = reader.first_row(f"{_POST} WHERE id = ? AND list = ?", (post, list_id))
    return None if row is None else HeldRow(*row)


def rows_of_list(reader: Reader, list_id: str, after: str, limit: int) -> list[HeldRow]:
    """A page of the posts of a list, by their ids."""
    sql = f"{_POST} WHERE list = ? AND id > ? ORDER BY id LIMIT ?"
    return [HeldRow(*row) for row in reader.all(sql, (list_id, after, limit))]


def decided_rows(reader: Reader, after: str, limit: int) -> list[HeldRow]:
    """A page of the posts that were decided about and are not closed, by their ids."""
    sql = f"{_POST} WHERE state <> 'held' AND id > ? ORDER BY id LIMIT ?"
    return [HeldRow(*row) for row in reader.all(sql, (after, limit))]


def expired_rows(reader: Reader, now: int, limit: int) -> list[HeldRow]:
    """Posts that have waited long enough."""
    sql = f"{_POST} WHERE state = 'held' AND expires_at <= ? ORDER BY expires_at, id LIMIT ?"
    return [HeldRow(*row) for row in reader.all(sql, (now, limit))]


def waiting(reader: Reader, list_id: str) -> tuple[int, int]:
    """The number of posts of a list that take room, and their octets."""
    row = reader.first_row("SELECT count(*), coalesce(sum(size), 0) FROM held_post WHERE list = ?", (list_id,))
    return (int(row[0]), int(row[1])) if row is not None else (0, 0)


def blobs(reader: Reader, generation: str) -> list[str]:
    """The blobs of all held posts in a generation."""
    rows = reader.all("SELECT DISTINCT blob FROM held_post ORDER BY blob")
    return [blob for (blob,) in rows if blob.startswith(f"{generation}/")]


async def recorded_post(store: EventStore, post: str) -> PostHeld:
    """What was recorded when a post was held. Raises TypeError for a stream that begins otherwise."""
    (recorded,) = await store.read_stream(stream_of(post), 0, 1)
    if not isinstance(recorded.event, PostHeld):
        raise TypeError(f"the stream of the post {post} does not begin with it")
    return recorded.event
