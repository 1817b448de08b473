"""What an account taught counts more for its own mail, and not for others'."""

from __future__ import annotations

from shared.events.spam import RecordedVerdict
from tests.integration.classifier.rooms import INBOX, SPAM, Rooms
from tests.integration.classifier.test_verdicts import ENOUGH, teach, unseen

BOB = "a-bob"
MAIL = (
    b"From: news@paper.example\r\nSubject: weekly offer %d\r\n\r\nmillion casino dollars in this week's paper, "
    b"number %d\r\n"
)
OWN = 12


async def asked(rooms: Rooms, queue_id: str, blob: str, *recipients: str) -> RecordedVerdict:
    await rooms.receive(queue_id, blob, *recipients)
    result = await rooms.verdict()
    assert result.queue_id == queue_id
    return result.verdict


async def taught_by_bob(rooms: Rooms) -> str:
    """The shared model, and a newsletter that Bob wants; returns the blob of its next issue."""
    await teach(rooms)
    uids = await rooms.append(BOB, SPAM, *(MAIL % (number, number) for number in range(OWN)))
    await rooms.move(BOB, SPAM, uids, INBOX)
    await rooms.learnt(ENOUGH, ENOUGH + OWN)
    await rooms.rebuild()
    return await rooms.blob(MAIL % (99, 99))


async def test_own_lessons_count_more_when_all_recipients_are_of_one_account(rooms: Rooms) -> None:
    blob = await taught_by_bob(rooms)
    await rooms.knows("bob@example.org")
    nobody = await asked(rooms, "q1", blob)
    bob = await asked(rooms, "q2", blob, "bob@example.org")
    assert (nobody.account, nobody.own_spam, nobody.own_ham) == ("", 0, 0)
    assert (bob.account, bob.own_spam, bob.own_ham) == (BOB, 0, OWN)
    assert bob.probability < nobody.probability
    alias = await asked(rooms, "q3", blob, "post@example.org", "bob+paper@example.org")
    assert (alias.account, alias.probability) == (BOB, bob.probability)
    for queue_id, recipients in (
        ("q4", ("bob@example.org", "ann@example.org")),
        ("q5", ("carl@example.org",)),
        ("q6", ("bob@example.org", "x@else.example")),
    ):
        other = await asked(rooms, queue_id, blob, *recipients)
        assert (other.account, other.probability) == ("", nobody.probability)


async def test_a_new_lesson_counts_for_the_next_mail(rooms: Rooms) -> None:
    blob = await taught_by_bob(rooms)
    await rooms.knows("bob@example.org")
    assert (await asked(rooms, "q1", blob, "bob@example.org")).own_ham == OWN
    await rooms.append(BOB, SPAM, unseen(spam=True))
    await rooms.learnt(ENOUGH + 1, ENOUGH + OWN)
    verdict = await asked(rooms, "q2", blob, "bob@example.org")
    assert (verdict.own_spam, verdict.own_ham) == (1, OWN)
    assert (await asked(rooms, "q3", blob, "ann@example.org")).account == "a-ann"
