"""One attempt to send a mail, from due to recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from services.outbound.domain.next_hop import NextHop
from services.outbound.domain.outcome import RecipientOutcome
from services.outbound.domain.ready import HopState, ReadyMail, note_busy, note_failure, note_success, note_taken
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.domain.sent import HopSignal, SentMail, for_all
from services.outbound.handlers.messages import MessagePreparer, PreparedMessage
from services.outbound.handlers.record import Recorder
from shared.clock import Clock

_SECOND = 1_000_000


class Transport(Protocol):
    """Hands a prepared message to a next hop."""

    async def send(
        self, hop: NextHop, mail: ReadyMail, message: PreparedMessage, on_taken: Callable[[], None]
    ) -> SentMail:
        """The outcome for every recipient. Never raises for what another server does.

        `on_taken` is called when a server asks for the message.
        """


class Attempts:
    """Carries out attempts."""

    def __init__(
        self,
        messages: MessagePreparer,
        transport: Transport,
        recorder: Recorder,
        schedule: RetrySchedule,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._messages = messages
        self._transport = transport
        self._recorder = recorder
        self._schedule = schedule
        self._clock = clock
        self._chance = chance

    async def attempt(self, state: HopState, mail: ReadyMail, on_room: Callable[[], None]) -> None:
        """Try to send a mail to its next hop, and record the outcome.

        `on_room` is called when the hop takes other mails besides this one, after a failure.
        """

        began = self._clock.now()
        message = await self._messages.prepare(mail)
        if isinstance(message, PreparedMessage):
            sent = await self._transport.send(state.hop, mail, message, partial(_note_taken, state, on_room))
            if message.signature is not None or message.seal:
                sent = msgspec.structs.replace(sent, signature=message.signature, seal=message.seal)
        else:
            sent = for_all(mail.ids, message)
        blocked_until = self._note_signal(state, sent.signal)
        await self._recorder.record_attempt(mail, _route(state.hop, mail), sent, began, blocked_until)

    async def without_hop(self, mail: ReadyMail, outcome: RecipientOutcome) -> None:
        """Record that a mail has no next hop."""
        sent = for_all(mail.ids, outcome)
        await self._recorder.record_attempt(mail, f"mx {mail.domain}", sent, self._clock.now(), 0)

    def _note_signal(self, state: HopState, signal: HopSignal) -> int:
        """Note what the attempt says about the hop; returns until when it is not tried, in UTC microseconds."""
        match signal:
            case HopSignal.TAKES_MAIL:
                note_success(state)
            case HopSignal.BUSY:
                note_busy(state)
            case HopSignal.TURNED_AWAY if state.in_flight > 1 and not state.failures:
                note_busy(state)  # it serves the others
            case HopSignal.UNREACHABLE | HopSignal.TURNED_AWAY:
                now = self._clock.monotonic()
                if state.blocked_until <= now:  # attempts that were begun together count as one failure
                    note_failure(state, now + self._schedule.destination_pause(state.failures + 1, self._chance()))
                return self._clock.now() + int((state.blocked_until - now) * _SECOND)
            case HopSignal.SILENT:
                pass
        return 0


def _note_taken(state: HopState, on_room: Callable[[], None]) -> None:
    """Note that the hop asks for a message: after a failure, others need not wait until it is sent."""
    had_room = state.room()
    note_taken(state)
    if state.room() > had_room:
        on_room()


def _route(hop: NextHop, mail: ReadyMail) -> str:
    """The route of a mail for people. The hop may be that of another domain with the same hosts."""
    return hop.route if mail.sending.relay is not None else f"mx {mail.domain}"
