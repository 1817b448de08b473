"""A refusal that is about our address counts only after the other family of addresses was tried."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.outbound.adapters.mail_sending import ConnectionRecord, MailSending
from services.outbound.domain.address_family import family_of, is_about_our_address
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress
from services.outbound.domain.outcome import SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.reply_meaning import unreachable
from services.outbound.domain.sending import RelayUse, Sending
from services.outbound.domain.sent import SentMail
from services.outbound.domain.tls_demand import TlsDemand
from services.outbound.handlers.family_refusals import FamilyRefusals
from shared.clock import FixedClock
from shared.events.outbound import OutboundQueued
from shared.protocol.smtp.client.events import TransactionDone
from shared.protocol.smtp.client.outcome import RecipientResult, ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.reply import Reply

SIX, FOUR = HopAddress("mx.far.example", "2001:db8::1", 25), HopAddress("mx.far.example", "192.0.2.1", 25)
NO_PTR = Reply(550, "5.7.1", ("our system has detected that this message does not meet IPv6 PTR rules",))
NO_USER = Reply(550, "5.1.1", ("no such user",))
TAKEN = Reply(250, "2.0.0", ("ok",))
DIRECT = Sending()
KINDS = {2: ResultKind.ACCEPTED, 4: ResultKind.DEFERRED, 5: ResultKind.REFUSED}


class Connection:
    """A connection that was used for one mail."""

    transcript = ()
    tls = authenticated_by = ""
    mails = 1

    def __init__(self, address: HopAddress) -> None:
        self.address = address
        self.demand = TlsDemand(policy_type="no-policy-found")


def sending_to(*recipients: str, sending: Sending = DIRECT) -> MailSending:
    entries = tuple(
        QueueEntry(OutboundQueued(name, "q1", name, 0, "", b"", 7, "ann@example.org", name), 1, 1, 1)
        for name in recipients
    )
    mail = ReadyMail("q1", "far.example", "ann@example.org", entries, sending)
    return MailSending(mail, cast(Any, None), lambda: None)


def answer(sending: MailSending, address: HopAddress, stage: Stage, *replies: Reply) -> None:
    results = tuple(RecipientResult(cast(Any, None), KINDS[reply.code // 100], stage, reply) for reply in replies)
    sending.take(cast(Any, Connection(address)), TransactionDone(results, True), 0.0)


def outcomes(sent: SentMail) -> dict[str, SendingResult]:
    return {entry: outcome.result for entry, outcome in sent.outcomes.items()}


@pytest.mark.parametrize(
    ("stage", "reply", "is_about_address"),
    [
        (Stage.MAIL, Reply(550, "5.7.1", ("go away",)), True),
        (Stage.GREETING, Reply(554, "5.7.25", ("no reverse DNS",)), True),
        (Stage.RCPT, Reply(550, "5.7.1", ("the user takes no mail from you",)), False),
        (Stage.RCPT, Reply(550, "5.7.23", ("SPF check failed",)), True),
        (Stage.END, Reply(550, "5.7.1", ("please set a PTR record",)), True),
        (Stage.END, Reply(550, "5.7.1", ("this is spam",)), False),
        (Stage.MAIL, Reply(450, "4.7.25", ("no PTR record",)), False),
        (Stage.MAIL, Reply(550, "5.1.8", ("no such domain",)), False),
        (Stage.MAIL, None, False),
    ],
)
def test_which_refusals_are_about_our_address(stage: Stage, reply: Reply | None, is_about_address: bool) -> None:
    assert is_about_our_address(stage, reply) is is_about_address


@pytest.mark.parametrize(("refused", "other"), [(SIX, FOUR), (FOUR, SIX)])
def test_the_other_family_is_tried_and_the_operator_hears_of_the_refused_one(
    refused: HopAddress, other: HopAddress
) -> None:
    sending = sending_to("bob@far.example")
    answer(sending, refused, Stage.MAIL, NO_PTR)
    assert (sending.is_refused_family(refused), sending.is_refused_family(other)) == (True, False)
    answer(sending, other, Stage.END, TAKEN)
    sent = sending.result()
    assert outcomes(sent) == {"bob@far.example": SendingResult.DELIVERED}
    lines = sent.hosts["bob@far.example"]
    assert [(line.address, line.code, line.is_family_refused) for line in lines] == [
        (refused.address, 550, True),
        (other.address, 250, False),
    ]
    refusals = FamilyRefusals(FixedClock())
    assert sent.refused_family is not None
    refusals.note(sent.refused_family)
    assert refusals.text().startswith(f"mx.far.example refuses this server over {family_of(refused.address)}")


def test_a_refusal_shown_to_the_operator_is_forgotten_after_a_day() -> None:
    clock, sending = FixedClock(), sending_to("bob@far.example")
    answer(sending, SIX, Stage.MAIL, NO_PTR)
    answer(sending, FOUR, Stage.END, TAKEN)
    refusals, sent = FamilyRefusals(clock), sending.result()
    assert sent.refused_family is not None
    refusals.note(sent.refused_family)
    clock.advance(86_401)
    assert refusals.text() == ""


def test_a_second_refusal_and_a_refusal_without_another_family_return_the_mail() -> None:
    for addresses in ((SIX,), (SIX, FOUR)):
        sending = sending_to("bob@far.example")
        for address in addresses:
            answer(sending, address, Stage.MAIL, NO_PTR)
        sent = sending.result()
        assert outcomes(sent) == {"bob@far.example": SendingResult.REFUSED}
        assert sent.refused_family is None


def test_a_failure_of_the_other_family_for_now_defers_the_mail() -> None:
    sending = sending_to("bob@far.example")
    answer(sending, SIX, Stage.MAIL, NO_PTR)
    sending.note_failed_address(ConnectionRecord(FOUR, TlsDemand()), "connect", unreachable("no connection"))
    assert outcomes(sending.result()) == {"bob@far.example": SendingResult.DEFERRED}


def test_a_refusal_by_a_relay_counts_at_once() -> None:
    sending = sending_to("bob@far.example", sending=Sending(relay=RelayUse("relay.example", 587, "starttls")))
    answer(sending, SIX, Stage.MAIL, NO_PTR)
    assert outcomes(sending.result()) == {"bob@far.example": SendingResult.REFUSED}


def test_each_recipient_shows_the_reply_about_itself_and_a_connection_is_counted_once() -> None:
    sending = sending_to("ann@far.example", "bob@far.example", "eve@far.example")
    answer(sending, FOUR, Stage.RCPT, NO_USER, TAKEN, Reply(450, "4.2.1", ("later",)))
    lines = {entry: hosts[-1] for entry, hosts in sending.result().hosts.items()}
    assert {entry: (line.code, line.reply) for entry, line in lines.items()} == {
        "ann@far.example": (550, "550 5.1.1 no such user"),
        "bob@far.example": (250, "250 2.0.0 ok"),
        "eve@far.example": (450, "450 4.2.1 later"),
    }
    assert [line.policy_type for line in lines.values()] == ["no-policy-found", "", ""]


def test_a_recipient_with_an_outcome_shows_no_later_connection() -> None:
    sending = sending_to("ann@far.example", "bob@far.example")
    answer(sending, SIX, Stage.RCPT, TAKEN, NO_PTR)
    answer(sending, FOUR, Stage.RCPT, TAKEN)
    addresses = {entry: [line.address for line in lines] for entry, lines in sending.result().hosts.items()}
    assert addresses == {"ann@far.example": [SIX.address], "bob@far.example": [SIX.address, FOUR.address]}


def test_the_connections_of_an_attempt_are_bounded() -> None:
    sending = sending_to("bob@far.example")
    for number in range(50):
        record = ConnectionRecord(HopAddress(f"mx{number}", "192.0.2.1", 25), TlsDemand())
        sending.note_failed_address(record, "connect", unreachable("no connection"))
    hosts = [line.host for line in sending.result().hosts["bob@far.example"]]
    assert hosts == [*(f"mx{number}" for number in range(19)), "mx49"]
