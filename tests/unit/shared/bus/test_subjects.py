"""The streams, subjects and consumers of the bus."""

from __future__ import annotations

import re
from collections import Counter

from shared.bus.declare import ACK_POLICY, consumer_config, stream_config
from shared.bus.subjects import DURABLES, STREAMS, account_doorbell, store_doorbell, store_doorbell_pattern
from shared.ids import SHARDS

_TOKEN = re.compile(r"[a-z0-9]+\Z")
_SUBJECTS = [subject for stream in STREAMS for subject in stream.subjects]


def test_every_event_has_a_subject_for_every_shard() -> None:
    for event in _SUBJECTS:
        subjects = [event.on(shard) for shard in range(SHARDS)]
        assert len(set(subjects)) == SHARDS
        assert all(subject.split(".")[:2] == [event.area, event.name] for subject in subjects)
        assert all(_TOKEN.match(token) for subject in subjects for token in subject.split("."))


def test_nothing_is_declared_twice() -> None:
    for names in (
        [event.pattern for event in _SUBJECTS],
        [durable.name for durable in DURABLES],
        [stream.name for stream in STREAMS],
    ):
        assert max(Counter(names).values()) == 1


def test_every_event_is_worked_off_by_exactly_one_durable() -> None:
    """A work queue allows only one consumer for a subject, and without one the stream would fill."""
    assert Counter(durable.subject.pattern for durable in DURABLES) == Counter(event.pattern for event in _SUBJECTS)
    assert all(durable.subject in durable.stream.subjects for durable in DURABLES)


def test_no_stream_grows_without_end() -> None:
    for stream in STREAMS:
        config = stream_config(stream)
        assert config.max_age and config.max_bytes and config.max_bytes > 0
        assert config.duplicate_window and config.duplicate_window <= config.max_age


def test_every_durable_is_acknowledged_explicitly_and_never_given_up_by_the_server() -> None:
    assert ACK_POLICY.value == "explicit"
    for durable in DURABLES:
        config = consumer_config(durable, 30.0)
        assert (config.ack_policy, config.max_deliver, config.ack_wait) == (ACK_POLICY, -1, 30.0)


def test_doorbells_match_their_patterns() -> None:
    assert store_doorbell("mailstore", 3) == "doorbell.mailstore.3"
    assert store_doorbell_pattern("mailstore") == "doorbell.mailstore.*"
    assert account_doorbell("a0") == "doorbell.account.a0"
