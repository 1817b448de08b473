"""Number sets, sequence sets and UID runs, compared with a simple model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.sequence import SAVED_RESULT, STAR, SequenceSet, parse_sequence_set
from shared.protocol.imap.uid_runs import UidRuns

NUMBERS = st.sets(st.integers(1, 60))
ALL_UIDS = NumberSet(((1, 4_294_967_295),))


def normal(numbers: NumberSet) -> bool:
    return all(first <= last for first, last in numbers.ranges) and all(
        left[1] + 1 < right[0] for left, right in zip(numbers.ranges, numbers.ranges[1:], strict=False)
    )


@given(NUMBERS, NUMBERS)
def test_set_algebra(left: set[int], right: set[int]) -> None:
    a, b = NumberSet.of_numbers(left), NumberSet.of_numbers(right)
    for result, expected in (
        (a.union(b), left | right),
        (a.intersection(b), left & right),
        (a.difference(b), left - right),
    ):
        assert normal(result)
        assert list(result) == sorted(expected)
        assert len(result) == len(expected)
    assert [number in a for number in range(70)] == [number in left for number in range(70)]
    assert (a.smallest, a.largest) == (min(left, default=0), max(left, default=0))
    assert bool(a) == bool(left)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60))))
def test_ranges_are_normalised(pairs: list[tuple[int, int]]) -> None:
    ranges = [(min(pair), max(pair)) for pair in pairs]
    result = NumberSet.of_ranges(ranges)
    assert normal(result)
    assert set(result) == {number for first, last in ranges for number in range(first, last + 1)}


@given(NUMBERS.filter(bool))
def test_wire_text_reads_back(numbers: set[int]) -> None:
    result = NumberSet.of_numbers(numbers)
    assert parse_sequence_set(result.wire()).resolve(60) == result


def test_wire_text() -> None:
    assert NumberSet.of_numbers([5, 1, 2, 3, 2]).wire() == b"1:3,5"
    assert NumberSet().wire() == b""


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1), st.integers(1, 60))
def test_resolving_a_sequence_set(pairs: list[tuple[int, int]], largest: int) -> None:
    text = ",".join([f"{first or '*'}:{last or '*'}" for first, last in pairs]).encode()
    asked = parse_sequence_set(text)
    expected: set[int] = set()
    for first, last in pairs:
        low, high = sorted((first or largest, last or largest))
        expected.update(range(low, high + 1))
    assert set(asked.resolve(largest)) == expected
    assert asked.highest == max(max(pair) for pair in pairs)
    assert asked.has_star == any(0 in pair for pair in pairs)


def test_sequence_set_forms() -> None:
    assert parse_sequence_set(b"$") is SAVED_RESULT
    assert parse_sequence_set(b"*") == SequenceSet(((STAR, STAR),))
    assert parse_sequence_set(b"559:*").resolve(500).ranges == ((500, 559),)  # RFC 3501 §6.4.8: the largest is included
    assert parse_sequence_set(b"1:*").resolve(0) == NumberSet()
    assert parse_sequence_set(b"1:4294967295").resolve(3).ranges == ((1, 4_294_967_295),)
    for text in (b"7", b"7,1,7", b"999999999,1000000000,4294967295"):  # numbers alone take another path
        numbers = [int(number) for number in text.split(b",")]
        assert parse_sequence_set(text) == SequenceSet(tuple((number, number) for number in numbers))
        assert parse_sequence_set(text + b",3:*").ranges == (*((number, number) for number in numbers), (3, STAR))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"00",
        b"01",
        b"1,",
        b",1",
        b"1:",
        b":1",
        b"1::2",
        b"1:2:3",
        b"**",
        b"$,1",
        b"a",
        b"1 ",
        b"4294967296",
        b"9" * 5000,
        b"-1",
        b"+1",
        b"\xb2",
    ],
)
def test_broken_sequence_sets(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_sequence_set(text)


def check(runs: UidRuns, model: list[int]) -> None:
    """Compare everything that a view can be asked with a sorted list."""
    assert list(runs) == model
    assert len(runs) == len(model)
    assert runs.largest == (model[-1] if model else 0)
    assert [runs.uid_at(sequence) for sequence in range(-1, len(model) + 2)] == [0, 0, *model, 0]
    assert [runs.sequence_of(uid) for uid in range(70)] == [
        model.index(uid) + 1 if uid in model else 0 for uid in range(70)
    ]
    assert normal(runs.uids())


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "new", "remove", "remove", "look"]), st.integers(1, 60)), max_size=40
)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, STEPS)
def test_uid_runs_through_changes(start: set[int], steps: list[Step]) -> None:
    runs = UidRuns(NumberSet.of_numbers(start))
    model = set(start)
    for verb, uid in steps:
        if verb == "add":
            runs.add(uid)
            model.add(uid)
        elif verb == "new":
            runs.add(runs.largest + 1)
            model.add(max(model, default=0) + 1)
        elif verb == "remove":
            assert runs.remove(uid) == (uid in model)
            model.discard(uid)
        elif model:
            # A look-up in the middle, so that the next change must update the counts.
            assert runs.uid_at(1) == min(model)
    check(runs, sorted(model))


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_uid_runs_removal_of_many(start: set[int], gone: set[int]) -> None:
    runs = UidRuns(NumberSet.of_numbers(start))
    twin = runs.copy()
    runs.remove_all(NumberSet.of_numbers(gone))
    check(runs, sorted(start - gone))
    check(twin, sorted(start))
    assert (runs == twin) == (not start & gone)


@given(NUMBERS, NUMBERS, st.integers(1, 7))
def test_uid_runs_selections(here: set[int], entry: set[int], size: int) -> None:
    runs, asked, model = UidRuns(NumberSet.of_numbers(here)), NumberSet.of_numbers(entry), sorted(here)
    both = sorted(here & entry)
    assert list(runs.select_uids(asked)) == both
    assert list(runs.select_sequences(asked)) == [model[number - 1] for number in sorted(entry) if number <= len(model)]
    assert list(runs.sequences_of(asked)) == [model.index(uid) + 1 for uid in both]
    numbered = [
        (sequence + uid - first, uid)
        for sequence, first, last in runs.numbered(asked)
        for uid in range(first, last + 1)
    ]
    assert numbered == [(model.index(uid) + 1, uid) for uid in both]
    batches = [list(batch) for batch in runs.batches(asked, size)]
    assert batches == [both[start : start + size] for start in range(0, len(both), size)]
    hull, numbered = runs.hull(asked), runs.hull_of_sequences(asked)
    assert [uid for uid in hull if uid in here] == both
    assert [uid for uid in numbered if uid in here] == list(runs.select_sequences(asked))
    assert len(hull.ranges) <= len(asked.ranges) and len(numbered.ranges) <= len(asked.ranges)
    assert all(first in here and last in here for first, last in (*hull.ranges, *numbered.ranges))
    assert runs.count(asked) == runs.count(hull) == len(both)
    for result in (runs.select_uids(asked), runs.select_sequences(asked), runs.sequences_of(asked)):
        assert normal(result)


@given(NUMBERS)
def test_everything_selects_everything(here: set[int]) -> None:
    runs = UidRuns(NumberSet.of_numbers(here))
    assert list(runs.select_uids(ALL_UIDS)) == list(runs.select_sequences(ALL_UIDS)) == sorted(here)


def test_a_large_mailbox_with_holes() -> None:
    runs = UidRuns(NumberSet.of_ranges((base, base + 2) for base in range(1, 400_000, 4)))
    assert (len(runs), runs.run_count) == (300_000, 100_000)
    assert runs.uid_at(300_000) == 399_999
    assert runs.sequence_of(399_999) == 300_000
    assert runs.remove(200_001)
    assert runs.sequence_of(399_999) == 299_999
    assert len(runs.select_uids(NumberSet(((100_000, 100_010),)))) == 8


def test_a_range_of_new_mail_is_one_run() -> None:
    runs = UidRuns()
    runs.add(1, 100_000)
    runs.add(100_001)
    assert (len(runs), runs.run_count) == (100_001, 1)
    assert 0 not in runs
    assert -1 not in runs
    assert 100_001 in runs
