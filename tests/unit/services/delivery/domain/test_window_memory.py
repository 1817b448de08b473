"""What a trial remembers: mails that were seen, senders that had an answer, at the times of the mails."""

from __future__ import annotations

from services.delivery.domain.window_memory import WindowMemory
from shared.protocol.sieve.actions import KeepAction, TrackDuplicateAction, VacationAction

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
WEEK = 7 * 86_400


def vacation(recipient: str = "bob@example.net", memory: str = "m", seconds: int = WEEK) -> VacationAction:
    return VacationAction(recipient, "away", "Away", memory, seconds)


def test_a_mail_is_a_duplicate_until_its_time_is_over() -> None:
    memory = WindowMemory(WEEK)
    assert not memory.is_duplicate("0:<id>", NOW)
    memory.remember([KeepAction(), TrackDuplicateAction("0:<id>", 60)], NOW)
    assert memory.is_duplicate("0:<id>", NOW + 59 * SECOND)
    assert not memory.is_duplicate("0:<id>", NOW + 60 * SECOND)
    assert not memory.is_duplicate("0:<other>", NOW)


def test_without_a_time_the_default_counts() -> None:
    memory = WindowMemory(10)
    memory.remember([TrackDuplicateAction("x")], NOW)
    assert memory.is_duplicate("x", NOW + 9 * SECOND) and not memory.is_duplicate("x", NOW + 10 * SECOND)


def test_only_with_last_the_time_begins_anew() -> None:
    for is_last in (False, True):
        memory = WindowMemory(WEEK)
        for at in (NOW, NOW + 50 * SECOND):
            memory.remember([TrackDuplicateAction("x", 60, is_last)], at)
        assert memory.is_duplicate("x", NOW + 100 * SECOND) is is_last


def test_a_sender_gets_an_answer_once_in_a_period() -> None:
    memory = WindowMemory(WEEK)
    answers = [
        memory.remember([vacation()], NOW),
        memory.remember([vacation("BOB@example.net")], NOW + SECOND),
        memory.remember([vacation("eve@example.com")], NOW + SECOND),
        memory.remember([vacation(memory="other")], NOW + SECOND),
        memory.remember([vacation()], NOW + WEEK * SECOND),
    ]
    assert answers == [1, 0, 1, 1, 1]


def test_a_forwarded_sender_is_the_same_person() -> None:
    memory = WindowMemory(WEEK)
    memory.remember([vacation("SRS0=aaaa=xx=example.net=bob@forwarder.example")], NOW)
    assert memory.remember([vacation("SRS0=bbbb=yy=example.net=bob@forwarder.example")], NOW) == 0


def test_a_period_of_nothing_answers_each_mail() -> None:
    memory = WindowMemory(WEEK)
    assert [memory.remember([vacation(seconds=0)], NOW) for _ in range(3)] == [1, 1, 1]


def test_answers_and_seen_mails_are_different_memories() -> None:
    memory = WindowMemory(WEEK)
    memory.remember([vacation(memory="x")], NOW)
    assert not memory.is_duplicate("x bob@example.net", NOW)


def test_the_oldest_memories_are_dropped() -> None:
    memory = WindowMemory(WEEK, most=3)
    for number in range(5):
        memory.remember([TrackDuplicateAction(str(number))], NOW)
    assert [memory.is_duplicate(str(number), NOW) for number in range(5)] == [False, False, True, True, True]
