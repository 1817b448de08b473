"""`mailfold list moderators|moderation|held|approve|refuse …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import call, show, show_all

_SETTINGS = ("address", "moderate", "moderators", "most_posts", "most_bytes", "days")
_POST = ("id", "state", "author", "author_proven", "subject", "size", "held_at", "expires_at", "queue_id")
List = Annotated[str, Argument("The list, such as devs@example.org.", metavar="LIST")]
Post = Annotated[str, Argument("The id of the post; `mailfold list held` shows it.", metavar="ID")]


def moderators(
    address: List,
    people: Annotated[
        list[str] | None, Argument("All of them: accounts here, or addresses elsewhere.", metavar="ADDRESSES")
    ] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Name the moderators of a list, who decide about held posts. Without addresses it has none."""
    show(
        _call(
            data,
            "SetModeration",
            lambda pb: pb.SetModerationRequest(name=address, moderators=pb.ListOfModerators(moderators=people or [])),
        ),
        _SETTINGS,
        json=json,
    )


def moderation(
    address: List,
    moderate: Annotated[
        str,
        Option(
            "--moderate",
            help="Which posts wait: `none`, `non-members` (those of others, who are then not refused) or `all` except "
            "those of moderators.",
        ),
    ] = "",
    most_posts: Annotated[
        int, Option("--most-posts", minimum=0, help="Posts that wait at once; more are refused.")
    ] = 0,
    most_bytes: Annotated[int, Option("--most-bytes", minimum=0, help="Octets of the posts that wait at once.")] = 0,
    days: Annotated[int, Option("--days", minimum=0, help="Days after which a post that waits expires.")] = 0,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show or change which posts of a list wait for its moderators."""
    values = {"moderate": moderate, "most_posts": most_posts, "most_bytes": most_bytes, "days": days}
    given = {name: value for name, value in values.items() if value}
    if given:
        shown = _call(data, "SetModeration", lambda pb: pb.SetModerationRequest(name=address, **given))
    else:
        shown = _call(data, "ShowModeration", lambda pb: pb.ModerationRequested(name=address))
    show(shown, _SETTINGS, json=json)


def held(address: List, data: Data = DATA, json: Json = False) -> None:
    """List the posts that wait for a moderator, and those whose decision is being carried out."""
    listed: list[Any] = []
    page = None
    while page is None or page.has_more:
        page = _page(data, address, listed[-1].id if listed else "")
        listed += page.posts
    show_all(listed, _POST, json=json, empty="no post waits")


def approve(address: List, post: Post, data: Data = DATA, json: Json = False) -> None:
    """Approve a held post: it goes to the members."""
    _decide(data, address, post, "approve", "", json=json)


def refuse(
    address: List,
    post: Post,
    text: Annotated[str, Option("--text", help="What its author is told, if the author is proven.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Refuse a held post."""
    _decide(data, address, post, "refuse", text, json=json)


def _decide(data: Path, address: str, post: str, decision: str, text: str, *, json: bool) -> None:
    request = {"name": address, "id": post, "decision": decision, "text": text}
    show(_call(data, "DecidePost", lambda _: _held_posts().DecideRequest(**request)), _POST, json=json)


def _page(data: Path, address: str, after: str) -> Any:
    return _call(data, "ListHeld", lambda _: _held_posts().ListHeldRequest(name=address, after=after))


def _held_posts() -> Any:
    from shared.rpc.mailfold.delivery.v1 import heldposts_pb2

    return heldposts_pb2


def _call(data: Path, method: str, request: Any) -> Any:
    return call(data, method, request, contract="Moderators")
