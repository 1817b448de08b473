"""Where mails go, compared: what a plan has done, and what scripts would do."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.domain.destinations import (
    Destinations,
    PresentMailbox,
    PresentMailboxes,
    deciding_step,
    recorded,
)
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.domain.script_steps import MailboxKey
from services.delivery.domain.simulated import simulated_steps
from shared.events.delivery import Step
from shared.events.mail import Message, RecordedCheck
from shared.protocol.sieve.actions import (
    DiscardAction,
    ErejectAction,
    FileIntoAction,
    KeepAction,
    RedirectAction,
    RejectAction,
    SieveAction,
    VacationAction,
)

BOXES = PresentMailboxes(
    [
        PresentMailbox("m1", "INBOX"),
        PresentMailbox("m2", "Spam", "\\Junk"),
        PresentMailbox("m3", "Café"),
        PresentMailbox("m4", "Work/Bills"),
    ]
)
OWN = Step("ann@example.org", 0, "store", account="a1", address="ann@example.org")
MAIL = AcceptedMail(
    "q1", "bob@example.net", (), Message("g/ab", 10), is_authenticated=True, spf=RecordedCheck("spf", "pass")
)
SPAM = AcceptedMail("q1", "bob@example.net", (), Message("g/ab", 10), spam=True)


def step(**values: Any) -> Step:
    return Step("ann@example.org", 0, values.pop("action", "store"), account="a1", **values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "INBOX"),
        ({"mailbox": "inbox"}, "INBOX"),
        ({"mailbox": "Work/Bills"}, "Work/Bills"),
        ({"mailbox": "Caf&AOk-"}, "Café"),
        ({"mailbox": "Missing"}, "INBOX"),
        ({"mailbox": "Missing", "create": True}, "Missing (new)"),
        ({"mailbox": "Work/Bills", "create": True}, "Work/Bills"),
        ({"spam": True}, "Spam"),
        ({"mailbox": "X", "special_use": "\\JUNK"}, "Spam"),
        ({"mailbox": "Café", "special_use": "\\Archive"}, "Café"),
        ({"mailbox": "X", "mailbox_id": "m3", "special_use": "\\Junk"}, "Café"),
        ({"mailbox": "Work/Bills", "mailbox_id": "m99"}, "Work/Bills"),
    ],
)
def test_a_step_stores_in_the_mailbox_that_it_means(values: dict[str, Any], name: str) -> None:
    assert recorded([step(**values)], (), BOXES).shown(BOXES) == [name]


def test_where_a_mail_was_stored_counts_more_than_the_plan() -> None:
    assert recorded([step(mailbox="Work/Bills")], ["m1"], BOXES).shown(BOXES) == ["INBOX"]
    assert recorded([step()], ["m98"], BOXES).shown(BOXES) == ["a mailbox that is gone"]


def test_addresses_and_refusals_are_destinations_and_a_discard_is_none() -> None:
    steps = [step(action="enqueue", address="Bob@example.net"), step(action="refuse"), step(action="answer")]
    assert recorded(steps, (), BOXES) == Destinations(frozenset(), frozenset({"bob@example.net"}), True)
    assert recorded([step(action="discard")], (), BOXES).is_nowhere


def decided(*actions: SieveAction, keep: KeepAction | None = None) -> ChainState:
    kept = None if keep is None else ScriptDecision(keep, script='script "new"')
    return ChainState(tuple(ScriptDecision(action, script='script "new"') for action in actions), kept)


NAMES = {
    MailboxKey("", "", "\\Junk"): "Spam",
    MailboxKey("X", "", "\\Junk"): "Spam",
    MailboxKey("X", "m4"): "Work/Bills",
    MailboxKey("Café"): "Café",
    MailboxKey("New"): "New",
}


def shown(mail: AcceptedMail, state: ChainState) -> list[str]:
    steps = simulated_steps(mail, OWN, state, NAMES, {"ann@example.org"})
    return recorded(steps, (), BOXES).shown(BOXES)


IMPLICIT = KeepAction(implicit=True)


@pytest.mark.parametrize(
    ("state", "ham", "spam"),
    [
        (decided(keep=IMPLICIT), ["INBOX"], ["Spam"]),
        (decided(keep=KeepAction(line=1)), ["INBOX"], ["INBOX"]),
        (decided(FileIntoAction("Café")), ["Café"], ["Café"]),
        (decided(FileIntoAction("Café", copy=True), keep=IMPLICIT), ["Café", "INBOX"], ["Café", "Spam"]),
        (decided(FileIntoAction("New", create=True)), ["New (new)"], ["New (new)"]),
        (decided(FileIntoAction("X", special_use="\\Junk")), ["Spam"], ["Spam"]),
        (decided(FileIntoAction("X", mailbox_id="m4")), ["Work/Bills"], ["Work/Bills"]),
        (decided(DiscardAction()), [], []),
        (decided(RedirectAction("eve@example.com")), ["eve@example.com"], ["eve@example.com"]),
        (decided(RedirectAction("ANN@example.org")), ["INBOX"], ["Spam"]),
        (decided(RedirectAction("", list_name="urn:a")), ["urn:a"], ["urn:a"]),
        (decided(RejectAction("no")), ["refused"], ["Spam"]),
        (decided(ErejectAction("no")), ["refused"], ["Spam"]),
        (decided(VacationAction("b@x.org", "", "", "m", 0), keep=IMPLICIT), ["INBOX"], ["Spam"]),
    ],
)
def test_scripts_send_a_mail_where_delivery_would(state: ChainState, ham: list[str], spam: list[str]) -> None:
    assert (shown(MAIL, state), shown(SPAM, state)) == (ham, spam)


def test_a_forged_sender_hears_of_no_refusal() -> None:
    forged = AcceptedMail("q1", "bob@example.net", (), Message("g/ab", 10))
    assert shown(forged, decided(RejectAction("no"))) == ["INBOX"]


def test_the_deciding_step_leads_where_the_mail_has_not_gone() -> None:
    steps = simulated_steps(
        MAIL, OWN, decided(FileIntoAction("Café", line=3), RedirectAction("eve@example.com", line=7)), NAMES
    )
    was = recorded([step(mailbox="Café")], (), BOXES)
    decider = deciding_step(steps, was, BOXES)
    assert (decider.line, decider.rule) == (7, 'script "new" line 7: enqueue')
    assert deciding_step(steps, recorded(steps, (), BOXES), BOXES).line == 3


def test_a_discard_decides_with_its_line() -> None:
    steps = simulated_steps(MAIL, OWN, decided(DiscardAction(line=5)), NAMES)
    assert deciding_step(steps, recorded([step()], (), BOXES), BOXES).line == 5
