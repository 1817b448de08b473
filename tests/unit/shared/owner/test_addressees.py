"""Notifications are written for whom the directory names; a report does not wait for the directory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any

import pytest

from shared.grpc.errors import NotFound, ServiceError, TimedOut, Unavailable
from shared.owner.addressees import Addressees
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import language_of
from shared.rpc.mailfold.directory.v1 import addressees_pb2 as pb


class Answering:
    """A channel to a directory that gives the same answer to every question."""

    def __init__(self, answer: pb.AddresseeReply | ServiceError) -> None:
        self._answer = answer
        self.questions = 0

    def unary_unary(self, path: str, *_: Any, **options: Any) -> Callable[..., Awaitable[pb.AddresseeReply]]:
        async def call(request: pb.AddresseeRequest, **options: Any) -> pb.AddresseeReply:
            self.questions += 1
            if isinstance(self._answer, ServiceError):
                raise self._answer
            return self._answer

        return call

    unary_stream = unary_unary


async def test_the_profile_becomes_a_language_and_a_zone() -> None:
    reply = pb.AddresseeReply(address="a@b.example", display_name="Ann", language="fr-CA", time_zone="Asia/Kolkata")
    channel = Answering(reply)
    known = await Addressees(channel).at_once("a@b.example")
    assert known[:3] == ("a@b.example", "Ann", language_of("fr"))
    assert known.date(0) == "Thu, 1 Jan 1970 05:30:00 +0530"
    assert channel.questions == 1


@pytest.mark.parametrize("zone", ["", "Europe/Nowhere", "../../etc/passwd", "x" * 100_000, "Europe/Berlin\x00"])
async def test_a_zone_that_this_machine_does_not_know_is_utc(zone: str) -> None:
    reply = pb.AddresseeReply(address="a@b.example", language="tlh", time_zone=zone)
    known = await Addressees(Answering(reply)).of_address("a@b.example")
    assert known == Addressee("a@b.example", zone=UTC)


@pytest.mark.parametrize("error", [Unavailable("away"), TimedOut("late"), NotFound("gone")])
async def test_only_a_report_is_written_without_the_directory(error: ServiceError) -> None:
    addressees = Addressees(Answering(error))
    assert await addressees.at_once("a@b.example") == Addressee("a@b.example")
    for question in (addressees.of_address, addressees.of_account):
        with pytest.raises(type(error)):
            await question("a@b.example")
