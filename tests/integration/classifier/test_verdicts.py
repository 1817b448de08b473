"""A mail is judged once; a mail that cannot be judged is delivered with a verdict that says so."""

from __future__ import annotations

import pytest

from loadtest.content.mail import mail
from loadtest.content.profile import Profile
from shared.blobs.blob_id import BlobId
from tests.integration.classifier.rooms import INBOX, SPAM, Rooms

ANN = "a-ann"
ENOUGH = 60


async def teach(rooms: Rooms) -> None:
    """More lessons of both labels than the filter needs before it has an opinion."""
    drawn = [mail(Profile(spam_share=0.5, signed_share=0.0), number) for number in range(300)]
    spam, ham = ([entry.data for entry in drawn if entry.spam is kind][:ENOUGH] for kind in (True, False))
    await rooms.append(ANN, SPAM, *spam)
    await rooms.move(ANN, SPAM, await rooms.append(ANN, SPAM, *ham), INBOX)
    await rooms.learnt(ENOUGH, ENOUGH)


def unseen(*, spam: bool) -> bytes:
    """A mail that is not a lesson."""
    drawn = (mail(Profile(spam_share=0.5, signed_share=0.0), number) for number in range(1000, 1100))
    return next(entry.data for entry in drawn if entry.spam is spam)


async def test_a_repeat_gets_the_verdict_on_record(rooms: Rooms) -> None:
    blob = await rooms.blob(unseen(spam=True))
    received = await rooms.receive("q1", blob)
    first = await rooms.verdict()
    assert (first.queue_id, first.verdict.spam, first.verdict.tests, first.reception) == ("q1", False, (), received)
    await teach(rooms)
    await rooms.rebuild()
    await rooms.receive("q1", blob)
    assert await rooms.verdict() == first
    await rooms.receive("q2", blob)
    now = (await rooms.verdict()).verdict
    assert now.spam and (now.spam_seen, now.ham_seen) == (ENOUGH, ENOUGH)
    assert {test.name.partition("_")[0] for test in now.tests} == {"BAYES", "TRIGRAM", "HEADER"}
    assert now.words and round(sum(test.score for test in now.tests), 3) == now.score
    await rooms.host.blobs.delete(BlobId(blob))
    await rooms.receive("q2", blob)
    assert (await rooms.verdict()).verdict == now
    assert [len(await rooms.classifier.store.read_stream(entry)) for entry in ("q1", "q2")] == [1, 1]
    assert not (await rooms.classifier.store.verify()).differences


async def test_what_cannot_be_read_goes_on_and_says_so(rooms: Rooms) -> None:
    await teach(rooms)
    lost, whole = await rooms.blob(b"Subject: lost\r\n\r\n\r\n"), await rooms.blob(unseen(spam=False))
    await rooms.host.blobs.delete(BlobId(lost))
    for number, blob in enumerate((lost, "no blob at all", whole)):
        await rooms.receive(f"q{number}", blob)
    result = {entry.queue_id: entry for entry in [await rooms.verdict() for _ in range(3)]}
    for queue_id in ("q0", "q1"):
        verdict = result[queue_id].verdict
        assert [test.name for test in verdict.tests] == ["UNREADABLE"]
        assert (verdict.spam, verdict.score) == (False, 0.0)
        assert b"tests=UNREADABLE" in result[queue_id].headers and b"X-Spam-Flag" not in result[queue_id].headers
    assert not result["q2"].verdict.spam and result["q2"].verdict.words


async def test_a_mail_that_nobody_foresaw_goes_on_unjudged(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, a fault of the filter kept such a mail from its recipients until the operator acted."""

    def fault(*_arguments: object) -> None:
        raise IndexError("no such word")

    monkeypatch.setattr("services.classifier.handlers.judge.features", fault)
    await rooms.receive("q1", await rooms.blob(unseen(spam=True)))
    assert [test.name for test in (await rooms.verdict()).verdict.tests] == ["UNREADABLE"]
    assert await rooms.dead_letters() == []
