"""Held posts: each is held once, distributed once, expires, and a flood of them is few notifications."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.delivery.domain.held_posts import post_id
from services.delivery.handlers.held_post_rows import HeldRow, rows_of_list
from shared.clock import SystemClock
from shared.events.mail import MailSubmitted
from shared.events.moderation import ModeratorsToNotify, PostApproved, PostClosed, PostExpired, PostHeld
from shared.events.spam import MailClassified
from shared.grpc.errors import NotNow, Unavailable
from shared.protocol.mailing_list.post import NoPost
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import HeldPostsStub
from shared.rpc.mailfold.directory.v1 import directory_pb2, lists_pb2, moderators_pb2
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub
from tests.harness.waiting import until_true
from tests.integration.delivery.installation import ENQUEUE, Installation

DEVS = "devs@example.org"
CARL = "carl@example.net"
_DAY = 86_400


class MovedClock(SystemClock):
    """A clock that a test can move."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead * 1_000_000


def moderators_of(installation: Installation) -> Any:
    return ModeratorsStub(installation.host.channel("directory", "operator"))


async def add_list(
    installation: Installation, *members: str, address: str = DEVS, moderate: str = "all", **values: Any
) -> str:
    """A moderated list of ann and CARL; returns its id."""
    lists = ListsStub(installation.host.channel("directory", "operator"))
    await lists.AddList(lists_pb2.AddListRequest(address=address, owners=["ann@example.org"]))
    await lists.ChangeList(lists_pb2.ChangeListRequest(name=address, members_only=False))
    await lists.JoinList(lists_pb2.ListMembersRequest(name=address, members=members))
    moderators = moderators_pb2.ListOfModerators(moderators=["ann@example.org", CARL])
    request = moderators_pb2.SetModerationRequest(name=address, moderate=moderate, moderators=moderators, **values)
    made = await moderators_of(installation).SetModeration(request)
    await installation.followed()
    return str(made.id)


async def held(installation: Installation, mail: MailSubmitted | MailClassified) -> str:
    """Publish a mail, and wait until it is held; returns the id of the post."""
    await installation.publish(mail, times=2)
    assert await installation.until_settled(mail.queue_id) == {DEVS: "held"}
    (row,) = [row for row in await rows(installation) if row.queue_id == mail.queue_id]
    return row.id


async def rows(installation: Installation, address: str = DEVS) -> list[HeldRow]:
    shown = await moderators_of(installation).ShowModeration(moderators_pb2.ModerationRequested(name=address))
    return await installation.delivery.store.read(lambda reader: rows_of_list(reader, shown.id, "", 1_000))


async def decide(installation: Installation, post: str, decision: str = "approve") -> None:
    request = heldposts_pb2.DecideRequest(name=DEVS, id=post, decision=decision)
    await moderators_of(installation).DecidePost(request)


async def until_closed(installation: Installation) -> None:
    async def none_left() -> bool:
        return not await rows(installation)

    await until_true(none_left)


def move(installation: Installation, seconds: int) -> None:
    """Move the clock of the background work, and wake it."""
    clock = MovedClock()
    clock.ahead = seconds
    upkeep = installation.delivery._moderation
    upkeep._clock = upkeep._notices._clock = clock
    upkeep._wake.set()


async def history(installation: Installation, post: str) -> list[str]:
    return [type(entry.event).__name__ for entry in await installation.delivery.store.read_stream(f"held:{post}")]


async def test_an_approved_post_is_distributed_once_although_a_queue_is_away(installation: Installation) -> None:
    await add_list(installation, "ann@example.org", "out@example.net")
    mail = await installation.submitted(DEVS)
    tries: list[str] = []

    async def away_twice(request: Any, context: Any) -> Any:
        tries.append(request.queue_id)
        if len(tries) <= 2:
            raise Unavailable("the queue is away")
        return await enqueue.behaviour(request, context)

    enqueue = installation.replace("outbound", ENQUEUE, away_twice)
    post = await held(installation, mail)
    generation = mail.message.blob.partition("/")[0]
    needed = [blob async for page in installation.delivery._referenced_blobs(generation) for blob in page]
    assert mail.message.blob in needed, "the message of a held post is kept"
    assert (await installation.count("ann"), await installation.queued()) == (0, [])
    await decide(installation, post)
    with pytest.raises(NotNow, match="approved already"):
        await decide(installation, post, "refuse")
    await until_closed(installation)
    assert set(tries) == {post} and len(tries) == 3
    assert [entry.recipient for entry in await installation.queued()] == ["out@example.net"]
    assert await installation.count("ann") == 1
    assert await history(installation, post) == ["PostHeld", "PostApproved", "PostClosed"]
    needed = [blob async for page in installation.delivery._referenced_blobs(generation) for blob in page]
    assert mail.message.blob not in needed
    await installation.verify()


async def test_posts_expire_and_only_a_proven_author_is_notified(installation: Installation) -> None:
    await add_list(installation, "ann@example.org", moderate="non-members", days=3)
    proven, unproven = await installation.submitted(DEVS), await installation.classified(DEVS)
    posts = [await held(installation, proven), await held(installation, unproven)]
    await until_true(lambda: _sent(installation, 2))
    installation.ingress.reports.clear()
    move(installation, 3 * _DAY - 60)
    assert len(await rows(installation)) == 2
    move(installation, 3 * _DAY + 60)
    await until_closed(installation)
    assert [await history(installation, post) for post in posts] == [["PostHeld", "PostExpired", "PostClosed"]] * 2
    to_author = [report for report in installation.ingress.reports.values() if report.to == "bob@example.org"]
    assert [report.queue_id for report in to_author] == [f"q{posts[0][1:]}"]
    assert "decided about it in time" in await installation.report_text(to_author[0])
    assert {report.to for report in installation.ingress.reports.values()} <= {
        "bob@example.org",
        "ann@example.org",
        CARL,
    }
    assert await installation.count("ann") == 0
    await installation.verify()


async def _sent(installation: Installation, number: int) -> bool:
    return len(installation.ingress.reports) >= number


async def test_a_flood_is_two_notifications_for_each_moderator(installation: Installation) -> None:
    identity = await add_list(installation, "ann@example.org", moderate="non-members", most_posts=15)
    first = await installation.classified(DEVS)
    await held(installation, first)
    await until_true(lambda: _sent(installation, 2))
    outcomes = []
    for _ in range(60):
        mail = await installation.classified(DEVS)
        await installation.publish(mail)
        outcomes.append((await installation.until_settled(mail.queue_id))[DEVS])
    assert outcomes.count("held") == 29 and outcomes.count("discarded") == 31, "twice the room for what was in flight"
    assert len(installation.ingress.reports) == 2
    move(installation, 601)
    await until_true(lambda: _sent(installation, 4))
    stream = await installation.delivery.store.read_stream(f"moderation:{identity}")
    decided = [entry.event for entry in stream if isinstance(entry.event, ModeratorsToNotify)]
    assert [(len(event.posts), event.more) for event in decided] == [(1, 0), (20, 9)]
    assert [report.to for report in installation.ingress.reports.values()] == ["ann@example.org", CARL] * 2
    texts = [await installation.report_text(report) for report in installation.ingress.reports.values()]
    assert max(map(len, texts)) < 20_000
    await installation.verify()


async def test_an_address_decides_for_its_moderator_alone_and_once(installation: Installation) -> None:
    identity = await add_list(installation, "ann@example.org", moderate="non-members")
    post = await held(installation, await installation.classified(DEVS))
    await until_true(lambda: _sent(installation, 2))
    (report,) = [report for report in installation.ingress.reports.values() if report.to == CARL]
    approve, refuse = re.findall(rf"devs={post}=[a-z0-9]+@example\.org", await installation.report_text(report))[-2:]
    stub = HeldPostsStub(installation.host.channel("delivery", "ingress"))

    async def refusal(address: str, author: str) -> str:
        asked = heldposts_pb2.CheckDecisionRequest(address=address, list_id=identity, author=author)
        return str((await stub.CheckDecision(asked)).refusal)

    assert (await refusal(approve, CARL), await refusal(refuse, CARL)) == ("", "")
    assert await refusal(approve, "") == await refusal(approve, "dora@example.net") == NoPost.NO_MODERATOR.value
    assert await refusal(approve, "ann@example.org") == NoPost.NOT_THIS_MODERATOR.value
    tampered = approve.replace("@", "a@")[: len(approve) + 1]
    assert await refusal(tampered, CARL) == NoPost.NO_MODERATOR.value
    other = f"devs={post_id('q' + post[1:], identity)}={approve.rpartition('=')[2]}"
    assert await refusal(other, CARL) == NoPost.NOT_THIS_MODERATOR.value, "the proof covers the post"
    moderators = moderators_pb2.ListOfModerators(moderators=["ann@example.org"])
    without = moderators_pb2.SetModerationRequest(name=DEVS, moderators=moderators)
    await moderators_of(installation).SetModeration(without)
    assert await refusal(approve, CARL) == NoPost.NO_MODERATOR.value, "the right ends at once"
    moderators.moderators.append(CARL)
    await moderators_of(installation).SetModeration(without.__class__(name=DEVS, moderators=moderators))
    await decide(installation, post, "refuse")
    assert await refusal(approve, CARL) == NoPost.DECIDED.value
    await until_closed(installation)
    assert await refusal(approve, CARL) == NoPost.DECIDED.value


async def test_a_moderated_list_in_a_list_holds_the_post_for_itself(installation: Installation) -> None:
    await add_list(installation, "bob@example.org")
    lists = ListsStub(installation.host.channel("directory", "operator"))
    await lists.AddList(lists_pb2.AddListRequest(address="outer@example.org", owners=["ann@example.org"]))
    await lists.ChangeList(lists_pb2.ChangeListRequest(name="outer@example.org", members_only=False))
    await lists.JoinList(lists_pb2.ListMembersRequest(name="outer@example.org", members=[DEVS, "ann@example.org"]))
    await installation.followed()
    mail = await installation.submitted("outer@example.org")
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.count("bob")) == (1, 0)
    (row,) = await rows(installation)
    await decide(installation, row.id)
    await until_closed(installation)
    assert (await installation.count("ann"), await installation.count("bob")) == (1, 1)


async def test_what_was_decided_before_a_stop_is_done_after_the_start(installation: Installation) -> None:
    await add_list(installation, "ann@example.org")
    post = await held(installation, await installation.submitted(DEVS))
    await installation.delivery._moderation.stop()
    await decide(installation, post)
    assert await installation.count("ann") == 0
    await installation.stop()
    await installation.start()
    await until_closed(installation)
    assert await installation.count("ann") == 1
    events = [entry.event for entry in await installation.delivery.store.read_stream(f"held:{post}")]
    assert [type(event) for event in events] == [PostHeld, PostApproved, PostClosed]


async def test_posts_of_a_removed_list_end(installation: Installation) -> None:
    await add_list(installation, "ann@example.org")
    posts = [await held(installation, await installation.submitted(DEVS)) for _ in range(2)]
    identity = (await rows(installation))[0].list_id
    await decide(installation, posts[0], "refuse")
    await ListsStub(installation.host.channel("directory", "operator")).RemoveList(lists_pb2.ListRequested(name=DEVS))
    await installation.followed()
    move(installation, 8 * _DAY)

    async def ended() -> bool:
        left = await installation.delivery.store.read(lambda reader: rows_of_list(reader, identity, "", 10))
        return not left

    await until_true(ended)
    assert [type(entry.event) for entry in await installation.delivery.store.read_stream(f"held:{posts[1]}")] == [
        PostHeld,
        PostExpired,
        PostClosed,
    ]


async def test_a_disabled_moderator_moderates_nothing(installation: Installation) -> None:
    identity = await add_list(installation, "ann@example.org")
    ann = await installation.directory.ShowAccount(directory_pb2.NameRequest(name="ann@example.org"))
    stub = ModeratorsStub(installation.host.channel("directory", "delivery"))

    async def moderates(**author: str) -> list[str]:
        return list((await stub.ListModeratorsOf(moderators_pb2.JudgePostRequest(name=identity, **author))).moderators)

    user = (await installation.directory.ShowUser(directory_pb2.NameRequest(name="ann"))).id
    assert await moderates(user=user, account=ann.id) == await moderates(author="ann@example.org") == [ann.address]
    for disabled in (True, False):
        change = directory_pb2.ChangeAccountRequest(address=ann.address, disabled=disabled)
        await installation.directory.ChangeAccount(change)
        expected = [] if disabled else [ann.address]
        assert await moderates(user=user, account=ann.id) == await moderates(author=ann.address) == expected
    await installation.directory.ChangeUser(directory_pb2.ChangeUserRequest(name="ann", disabled=True))
    assert await moderates(user=user, account=ann.id) == await moderates(author=ann.address) == []
