"""The model: exact unlearning, snapshots, readiness, an account's own evidence, training in the background."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_mails import lesson, made, taught

from services.classifier.domain.evidence import AccountCounts, NotLearnt
from services.classifier.domain.lesson import Label, Lesson
from services.classifier.domain.model import ENOUGH, Model
from services.classifier.domain.snapshot import UnusableSnapshot, evidence_snapshot, restore, snapshot
from services.classifier.domain.training import Training, example_of, train

POOL = [lesson(is_spam, number) for number in range(12) for is_spam in (True, False)]


def model_of(lessons: list[Lesson]) -> Model:
    model = Model()
    for taught_lesson in lessons:
        model.learn(taught_lesson)
    return model


def trained(lessons: list[Lesson]) -> Model:
    model = model_of(lessons)
    model.adopt(train([example_of(taught_lesson) for taught_lesson in lessons], 7))
    return model


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(range(len(POOL))), max_size=20), st.data())
def test_unlearning_leaves_what_a_rebuild_without_the_event_gives(
    taught_events: list[int], data: st.DataObject
) -> None:
    forgotten = data.draw(st.sets(st.sampled_from(range(len(taught_events))))) if taught_events else set()
    model = model_of([POOL[index] for index in taught_events])
    for at in forgotten:
        model.unlearn(POOL[taught_events[at]])
    kept = [POOL[index] for at, index in enumerate(taught_events) if at not in forgotten]
    assert evidence_snapshot(model.counts) == evidence_snapshot(model_of(kept).counts)
    model.adopt(train([example_of(taught_lesson) for taught_lesson in kept], 7))
    assert snapshot(model) == snapshot(trained(kept))


def test_the_order_of_events_does_not_matter_to_the_evidence() -> None:
    assert evidence_snapshot(model_of(POOL).counts) == evidence_snapshot(model_of(POOL[::-1]).counts)


def test_what_was_never_learnt_cannot_be_unlearnt() -> None:
    model = model_of([lesson(True, 1)])
    before = snapshot(model)
    for taught_lesson in (lesson(False, 1), lesson(True, 2)):
        with pytest.raises(NotLearnt):
            model.unlearn(taught_lesson)
    assert snapshot(model) == before


def test_there_is_no_opinion_before_enough_of_both_was_seen() -> None:
    model = taught(ENOUGH - 1)
    assert model.opinion(made(True, 1000)) is None
    model.learn(lesson(True, ENOUGH))
    assert model.opinion(made(True, 1000)) is None
    model.learn(lesson(False, ENOUGH))
    assert model.opinion(made(True, 1000)) is not None


def test_spam_and_ham_are_distinguished_and_words_explain_it() -> None:
    model = taught(60)
    spam, ham = model.opinion(made(True, 1000)), model.opinion(made(False, 1000))
    assert spam and ham and spam.text is not None and ham.text is not None
    assert spam.bayes > 0.9 > 0.1 > ham.bayes
    assert spam.text > 0.5 > ham.text
    assert spam.words[0][1] > 1 and ham.words[0][1] < -1
    assert [abs(weight) for _, weight in spam.words] == sorted((abs(weight) for _, weight in spam.words), reverse=True)
    assert spam.trained == (60, 60, 0)


def test_a_message_without_text_is_unsure() -> None:
    from services.classifier.domain.features import Features

    result = Features.from_bytes(type(lesson(True, 1).features)(b"", b"", b""))
    opinion = taught(60).opinion(result)
    assert opinion is not None
    assert (opinion.bayes, opinion.text, opinion.header) == (0.5, 0.5, 0.5)


def test_an_accounts_own_lessons_outweigh_the_others() -> None:
    model = taught(60)
    result = made(True, 2000)
    shared = model.opinion(result)
    own = AccountCounts([(made(True, 2000 + number).tokens, False) for number in range(12)])
    heard = model.opinion(result, own)
    silent = model.opinion(result, AccountCounts([]))
    assert shared and heard and silent
    assert heard.bayes < shared.bayes == silent.bayes


def test_a_snapshot_comes_back_byte_for_byte() -> None:
    model = trained(POOL)
    back = restore(snapshot(model))
    assert snapshot(back) == snapshot(model)
    assert (back.spam_seen, back.ham_seen, back.linear.trained) == (12, 12, (12, 12, 7))
    model.learn(lesson(True, 99))
    back.learn(lesson(True, 99))
    assert snapshot(back) == snapshot(model)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_snapshot_is_refused_or_harmless(data: st.DataObject) -> None:
    good = bytearray(snapshot(model_of(POOL[:4])))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    try:
        restore(bytes(good))
    except UnusableSnapshot:
        return


def test_training_can_be_walked_and_gives_the_same() -> None:
    examples = [example_of(taught_lesson) for taught_lesson in POOL]
    training = Training(examples, 3)
    steps = sum(1 for _ in training.run())
    assert steps > len(POOL)
    entry, other = Model(), Model()
    entry.adopt(training.result())
    other.adopt(train(examples, 3))
    assert snapshot(entry) == snapshot(other)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_training_of_next_to_nothing(count: int) -> None:
    model = Model()
    model.adopt(train([example_of(taught_lesson) for taught_lesson in POOL[:count]], 1))
    assert sum(model.linear.trained[:2]) == count


def test_the_linear_models_are_not_asked_while_they_hold_what_was_taken_back() -> None:
    """They cannot unlearn: ham that was moved to Spam and back would count as spam until the next training."""
    lessons = [lesson(is_spam, number) for number in range(ENOUGH) for is_spam in (True, False)]
    mistaken = [
        msgspec.structs.replace(taught_lesson, label=Label.SPAM)
        for taught_lesson in lessons
        if not taught_lesson.is_spam
    ]
    model = model_of(mistaken)
    for taught_lesson in mistaken:
        model.unlearn(taught_lesson)
    for taught_lesson in lessons:
        model.learn(taught_lesson)
    opinion = model.opinion(made(False, 1000))
    assert opinion is not None and opinion.text is None and opinion.header is None
    model.adopt(train([example_of(taught_lesson) for taught_lesson in lessons], 7))
    opinion = model.opinion(made(False, 1000))
    assert opinion is not None and opinion.text is not None and opinion.text < 0.5


def test_the_linear_models_are_asked_however_many_lessons_there_are() -> None:
    """A training uses the newest 4,000 lessons of a label; the ones it omits were not taken back.

    Before, the filter used Bayes alone with more than 4,080 lessons of a label.
    """
    pool = [lesson(True, number) for number in range(42)]
    lessons = [lesson(False, number) for number in range(ENOUGH)] + pool * 100
    model = trained(lessons)
    assert (model.spam_seen, model.linear.trained.spam) == (4200, 4000)
    opinion = model.opinion(made(True, 1000))
    assert opinion is not None and opinion.text is not None and opinion.header is not None


def test_lessons_taken_back_are_counted_against_what_the_linear_models_hold() -> None:
    """When a lesson is taken back and another is taught, the numbers stay equal, but the models still contain the old
    one."""
    lessons = [lesson(is_spam, number) for number in range(ENOUGH) for is_spam in (True, False)]
    model = trained(lessons)
    for number in range(3):
        model.unlearn(lesson(True, number))
        model.learn(lesson(True, 100 + number))
    assert (model.spam_seen, model.linear.unlearned) == (ENOUGH, 3)
    opinion = model.opinion(made(True, 1000))
    assert opinion is not None and opinion.text is None and opinion.header is None
