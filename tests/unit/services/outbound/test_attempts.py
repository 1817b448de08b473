"""What an attempt notes about its hop, and which route it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import HopLimits, HopState, ReadyMail, note_success
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.domain.sending import RelayUse, Sending
from services.outbound.domain.sent import HopSignal, SentMail, for_all
from services.outbound.handlers.attempts import Attempts
from services.outbound.handlers.messages import PreparedMessage
from shared.clock import FixedClock
from shared.events.outbound import OutboundQueued

HOP = NextHop("mx.host.example", "mx other.example", "other.example", (HopAddress("mx.host.example", "192.0.2.1", 25),))
SCHEDULE = RetrySchedule(jitter=0.0, destination_first=60.0)
UNREACHABLE = RecipientOutcome(SendingResult.DEFERRED, "4.4.1", "no connection", Cause.DESTINATION)


class Parts:
    """Prepares no message, reaches no server, and keeps what would be recorded."""

    def __init__(self, signal: HopSignal = HopSignal.UNREACHABLE, *, takes: bool = False) -> None:
        self.signal = signal
        self.takes = takes
        self.recorded: list[tuple[str, int]] = []
        """The route, and until when the destination is left alone (UTC microseconds)."""

    async def prepare(self, mail: ReadyMail) -> PreparedMessage:
        return PreparedMessage(cast(Any, None), 0, (), cast(Any, None), 0)

    async def send(
        self, hop: NextHop, mail: ReadyMail, message: PreparedMessage, on_taken: Callable[[], None]
    ) -> SentMail:
        if self.takes:
            on_taken()
        return for_all(mail.ids, UNREACHABLE, self.signal)

    async def record_attempt(self, mail: ReadyMail, route: str, sent: SentMail, began: int, blocked_until: int) -> None:
        self.recorded.append((route, blocked_until))


def no_room() -> None:
    raise AssertionError("no attempt of this test makes room for another mail")


def mail_for(domain: str, sending: Sending) -> ReadyMail:
    path = f"bob@{domain}"
    queued = OutboundQueued("e1", "q1", path, 0, "g0001/b", b"", 7, "ann@example.org", path)
    return ReadyMail("q1", domain, "ann@example.org", (QueueEntry(queued, 0, 0, 0),), sending)


def attempts_with(parts: Parts, clock: FixedClock) -> Attempts:
    doubles = cast(Any, parts)
    return Attempts(doubles, doubles, doubles, SCHEDULE, clock, lambda: 0.0)


async def test_attempts_that_fail_together_count_as_one_failure() -> None:
    parts, clock, state = Parts(), FixedClock(), HopState(HOP, HopLimits())
    attempts, mail = attempts_with(parts, clock), mail_for("far.example", Sending())
    for _ in range(20):
        await attempts.attempt(state, mail, no_room)
    assert (state.failures, {until for _, until in parts.recorded}) == (1, {clock.now() + 60_000_000})
    clock.advance(60)
    await attempts.attempt(state, mail, no_room)
    assert (state.failures, parts.recorded[-1][1]) == (2, clock.now() + 120_000_000)


@pytest.mark.parametrize(
    ("sending", "route"),
    [(Sending(), "mx far.example"), (Sending(relay=RelayUse("relay.example", 587, "starttls")), "mx other.example")],
)
async def test_the_route_is_that_of_the_mail_and_not_of_another_domain_with_the_same_hosts(
    sending: Sending, route: str
) -> None:
    parts = Parts()
    await attempts_with(parts, FixedClock()).attempt(
        HopState(HOP, HopLimits()), mail_for("far.example", sending), no_room
    )
    assert parts.recorded[0][0] == route


FAILED = {"failures": 3, "blocked_until": 5.0, "at_once": 1.0}


async def test_a_hop_that_asks_for_a_message_takes_others_besides_the_mail_that_tests_it() -> None:
    """A large mail on a slow line takes hours; the others need not wait for its end."""
    state, rooms = HopState(HOP, HopLimits(), in_flight=1, **FAILED), list[int]()
    attempts = attempts_with(Parts(HopSignal.SILENT, takes=True), FixedClock())
    await attempts.attempt(state, mail_for("far.example", Sending()), lambda: rooms.append(state.room()))
    assert rooms == [1]
    assert (state.failures, state.blocked_until) == (0, 0.0)


async def test_a_hop_that_answers_that_it_is_busy_no_longer_counts_as_failed() -> None:
    state = HopState(HOP, HopLimits(), in_flight=1, **FAILED)
    await attempts_with(Parts(HopSignal.BUSY), FixedClock()).attempt(state, mail_for("a.example", Sending()), no_room)
    assert (state.failures, state.blocked_until, state.at_once) == (0, 0.0, 1.0)
    note_success(state)
    assert int(state.at_once) == 2


@pytest.mark.parametrize(
    ("in_flight", "failures", "counted"), [(4, 0, (0, 4.0)), (1, 0, (1, 1.0)), (1, 1, (2, 1.0)), (4, 1, (2, 1.0))]
)
async def test_a_hop_that_turns_a_connection_away_is_left_alone_only_when_it_serves_no_other(
    in_flight: int, failures: int, counted: tuple[int, float]
) -> None:
    state = HopState(HOP, HopLimits(), at_once=8.0, in_flight=in_flight, failures=failures)
    attempts = attempts_with(Parts(HopSignal.TURNED_AWAY), FixedClock())
    await attempts.attempt(state, mail_for("far.example", Sending()), no_room)
    assert (state.failures, state.at_once) == counted
