"""What people do with their mail teaches exactly once, and can be undone exactly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.classifier.domain.features import Features
from services.classifier.handlers import lessons, teacher
from shared.blobs.blob_id import BlobId
from shared.events.applying import BY_SCRIPT
from shared.protocol.message.scan import Scan
from tests.harness.waiting import until_true
from tests.integration.classifier.rooms import INBOX, SPAM, TRASH, Rooms, running
from tests.parts.nats import NatsServer

ANN, BOB = "a-ann", "a-bob"
NOTHING = b"From: carl@sender.example\r\nSubject: %d\r\n\r\nword%d and offer%d of the day\r\n"


def mails(count: int, first: int = 0) -> list[bytes]:
    """So many different mails."""
    return [NOTHING % (number, number, number) for number in range(first, first + count)]


async def test_move_copy_and_append_teach(rooms: Rooms) -> None:
    uids = await rooms.append(ANN, INBOX, *mails(4))
    assert (await rooms.learning()).spam_seen == 0
    await rooms.move(ANN, INBOX, uids[:2], SPAM)
    await rooms.learnt(2, 0)
    await rooms.copy(ANN, INBOX, uids[2:3], SPAM)
    await rooms.learnt(3, 0)
    [appended] = await rooms.append(ANN, SPAM, *mails(1, 10))
    await rooms.learnt(4, 0)
    await rooms.copy(ANN, SPAM, [appended], INBOX)
    await rooms.learnt(3, 1)
    assert rooms.evidence() == await rooms.evidence_of_valid_lessons()


async def test_trash_says_nothing(rooms: Rooms) -> None:
    uids = await rooms.append(ANN, INBOX, *mails(2))
    moved = await rooms.move(ANN, INBOX, uids, SPAM)
    await rooms.learnt(2, 0)
    await rooms.move(ANN, SPAM, moved, TRASH)
    await rooms.append(ANN, TRASH, *mails(1, 5))
    await rooms.append(ANN, SPAM, *mails(1, 6))
    await rooms.learnt(3, 0)


async def test_what_a_script_moves_teaches_nothing(rooms: Rooms) -> None:
    uids = await rooms.append(ANN, INBOX, *mails(3))
    by_script = await rooms.move(ANN, INBOX, uids[:2], SPAM, BY_SCRIPT)
    await rooms.move(ANN, SPAM, by_script[:1], INBOX, BY_SCRIPT)
    await rooms.move(ANN, INBOX, uids[2:], SPAM)
    await rooms.learnt(1, 0)


async def test_each_account_teaches_a_content_once(rooms: Rooms) -> None:
    [same] = mails(1)
    for account in (ANN, ANN, BOB):
        await rooms.append(account, SPAM, same)
    await rooms.learnt(2, 0)


async def test_moving_back_unlearns_exactly(rooms: Rooms) -> None:
    await rooms.append(BOB, SPAM, *mails(3, 20))
    uids = await rooms.append(ANN, INBOX, *mails(5))
    in_spam = await rooms.move(ANN, INBOX, uids, SPAM)
    await rooms.learnt(8, 0)
    taught = rooms.evidence()
    back = await rooms.move(ANN, SPAM, in_spam, INBOX)
    await rooms.learnt(3, 5)
    assert rooms.evidence() == await rooms.evidence_of_valid_lessons() != taught
    await rooms.move(ANN, INBOX, back, SPAM)
    await rooms.learnt(8, 0)
    assert rooms.evidence() == taught


async def test_to_and_fro_faster_than_it_is_followed(rooms: Rooms) -> None:
    uids = await rooms.append(ANN, INBOX, *mails(20))
    for _ in range(5):
        uids = await rooms.move(ANN, INBOX, uids, SPAM)
        uids = await rooms.move(ANN, SPAM, uids, INBOX)
    await rooms.learnt(0, 20)
    assert rooms.evidence() == await rooms.evidence_of_valid_lessons()


async def test_a_content_that_cannot_be_read_teaches_nothing_and_holds_up_nobody(rooms: Rooms) -> None:
    [lost, whole] = mails(2)
    uids = await rooms.append(ANN, INBOX, lost, whole)
    await rooms.host.blobs.delete(BlobId(await rooms.blob(lost)))
    await rooms.move(ANN, INBOX, uids, SPAM)
    await rooms.learnt(1, 0)


async def test_a_rebuild_amid_lessons_counts_each_once(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "PAGE", 3)  # lessons change between two pages
    uids = await rooms.append(ANN, INBOX, *mails(60))

    async def to_and_fro() -> None:
        for uid in uids:
            [there] = await rooms.move(ANN, INBOX, [uid], SPAM)
            if uid % 2:
                await rooms.move(ANN, SPAM, [there], INBOX)

    async def rebuild() -> None:
        while not moving.done() or await rooms.lag():
            await rooms.rebuild()
            async with rooms.classifier.teacher.lessons_lock:
                await rooms.classifier.store.write(lambda _: None)  # committed events are followed
                assert rooms.evidence() == await rooms.evidence_of_valid_lessons()
            await asyncio.sleep(0)

    moving = asyncio.create_task(to_and_fro())
    await rebuild()
    await moving
    await rooms.learnt(30, 30)
    assert rooms.evidence() == await rooms.evidence_of_valid_lessons()
    await rooms.rebuild()
    assert rooms.evidence() == await rooms.evidence_of_valid_lessons()


async def test_a_rebuild_of_nothing_ends(rooms: Rooms) -> None:
    await rooms.rebuild()
    await rooms.learnt(0, 0)


async def test_verify_finds_nothing_and_a_restart_knows_the_same(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as rooms:
        moved = await rooms.move(ANN, INBOX, await rooms.append(ANN, INBOX, *mails(6)), SPAM)
        await rooms.move(ANN, SPAM, moved[:3], INBOX)
        await rooms.learnt(3, 3)
        evidence = rooms.evidence()
        assert not (await rooms.classifier.store.verify()).differences
    nats_server.wipe()
    async with running(nats_server.url, tmp_path) as rooms:
        assert rooms.evidence() == evidence
        await rooms.append(ANN, SPAM, *mails(1, 30))
        await rooms.learnt(4, 3)


async def test_a_message_that_cannot_be_examined_teaches_nothing_and_stops_nobody(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = lessons.features

    def fault_at_word_3(body: bytes, result: Scan) -> Features:
        if b"word3" in body:
            raise IndexError("no such word")
        return examine(body, result)

    monkeypatch.setattr(lessons, "features", fault_at_word_3)
    await rooms.append(ANN, SPAM, *mails(6))
    await rooms.learnt(5, 0)


async def test_an_event_that_cannot_be_followed_is_a_dead_letter_and_those_behind_it_teach(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, the filter learnt nothing more from any account."""
    monkeypatch.setattr(lessons, "_MOST_TRIES", 2)
    label = lessons.label_of_transfer
    monkeypatch.setattr(lessons, "label_of_transfer", _fault)
    await rooms.append(ANN, SPAM, *mails(1))

    async def is_buried() -> bool:
        return bool(await rooms.dead_letters())

    await until_true(is_buried)
    monkeypatch.setattr(lessons, "label_of_transfer", label)
    await rooms.append(BOB, SPAM, *mails(2, 10))
    await rooms.learnt(2, 0)
    (dead_letter,) = await rooms.dead_letters()
    assert (dead_letter.what, dead_letter.attempts, dead_letter.error) == ("lessons", 2, "KeyError('a bug')")
    await rooms.retry(dead_letter.id)
    await rooms.learnt(3, 0)
    assert await rooms.dead_letters() == []


def _fault(*_arguments: object) -> None:
    raise KeyError("a bug")
