"""Sending is measured against a real smtp-sink: it counts what was submitted, and a missing signature is noticed."""

from __future__ import annotations

import pytest

from loadtest.content.outgoing import outgoing
from loadtest.measure.bench import Meters
from loadtest.sending import sink
from loadtest.sending.measure import SINK_HOST, Submissions, check_signatures, measure_sending
from loadtest.sending.server import MeasuredServer
from loadtest.smtp.driver import Shape, send_all
from loadtest.smtp.rendered_mail import render
from loadtest.target import Target
from loadtest.watching import Progress
from tests.parts.required import needs


@pytest.fixture
def port() -> int:
    needs(sink)
    return sink.sink_port(SINK_HOST)


def _direct(port: int, signatures: int = 0) -> MeasuredServer:
    """The sink itself in the place of a server."""
    target = Target(host=SINK_HOST, smtp_port=port, sources=(), users=1)
    return MeasuredServer("direct", target, Meters(), signatures)


async def test_every_round_counts_only_its_own_mail(port: int) -> None:
    submissions = Submissions(1, 800)
    async with sink.counting(SINK_HOST, port) as counting:
        for count in (30, 20):
            measured = await measure_sending(
                _direct(port), counting, submissions, count, Shape(3, 7), Progress(silent=True)
            )
            assert (measured.mails, measured.accepted, measured.refusals) == (count, count, {})
            assert measured.accept_ms.count == count
            assert measured.arrived_per_second > 0
        assert counting.counter.mails == 50


async def test_mail_that_never_arrives_is_not_waited_for_without_end(port: int) -> None:
    async with sink.counting(SINK_HOST, port) as counting:
        await send_all(_direct(port).target, [render(outgoing(1, 1, "a@b.example", "c@d.example", 500))], Shape(1, 1))
        await counting.arrived(1, 10)
        with pytest.raises(TimeoutError, match="1 of 2 mails came to the sink"):
            await counting.arrived(2, 0.05)


async def test_a_server_that_does_not_sign_is_not_measured(port: int) -> None:
    with pytest.raises(RuntimeError, match="direct added 0 DKIM signatures instead of 1"):
        await check_signatures(_direct(port, signatures=1), port, Submissions(1, 800))
    await check_signatures(_direct(port), port, Submissions(1, 800))


async def test_a_program_that_ends_at_once_is_reported(port: int) -> None:
    async with sink.counting(SINK_HOST, port):
        with pytest.raises(RuntimeError, match="smtp-sink ended"):
            async with sink.counting("192.0.2.1", port):
                pass
