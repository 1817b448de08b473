"""The outbound queue as text and as JSON."""

from __future__ import annotations

import pytest

from mailfold.commands.queue_printing import fields, history_lines, listed, print_changed, print_histories, print_list
from mailfold.operator.outbound_queue import MailHistories
from shared.events.outbound import HostAttempt, OutboundDeferred, OutboundDelivered, OutboundHeld, SendingAttempt
from shared.eventstore.event import Event, encode
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb

AT = 1_700_000_000_123_000
LATER = AT + 600_000_000
HOST = HostAttempt("mx", "192.0.2.1", 25, "rcpt", 450, "4.2.1 wait")
ATTEMPT = SendingAttempt(1, AT, "mx far.example", (HOST,), 9, {}, ("< 220 \x1b[31mred", "> EHLO us"))
DEFERRED = OutboundDeferred("e1", "q1", "bob@far.example", ATTEMPT, LATER, "4.2.1", "450 4.2.1 wait")


def entry(**fields: object) -> pb.QueueEntry:
    values = {
        "id": "e1",
        "queue_id": "q1",
        "sender": "ann@example.org",
        "recipient": "bob@far.example",
        "state": "waiting",
        "due": LATER,
        "expires": LATER,
        "attempts": 1,
        "status": "4.2.1",
        "reason": "wait",
    }
    return pb.QueueEntry(**(values | fields))  # type: ignore[arg-type]


def history(*events: Event, **fields: object) -> pb.EntryHistory:
    recorded = [pb.EntryEvent(at=AT, name=event.stored_name, json=encode(event), actor="root") for event in events]
    return pb.EntryHistory(entry=entry(**fields), events=recorded)


def test_a_list_has_the_pause_the_entries_and_the_next_page(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [entry(), entry(id="e2", sender="", due=0, state="held", in_hand=True, reason="\x1b[2Jcleared")]
    print_list(pb.QueueList(entries=shown, total=7, next="e2", paused=True, pause_reason="a storm"))
    lines = [[text.strip() for text in line.split("  ") if text] for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["sending is paused: a storm"]
    assert lines[4][:5] == ["e1", "q1", "ann@example.org", "bob@far.example", "waiting"]
    assert lines[4][-1] == "4.2.1 wait"
    assert {"<>", "being sent", "-", "4.2.1 �[2Jcleared"} <= set(lines[5])
    assert lines[-1] == ["7 entries in the queue; the next page: --after e2"]


def test_an_empty_list_says_whether_the_queue_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(pb.QueueList())
    print_list(pb.QueueList(total=3))
    assert capsys.readouterr().out.splitlines() == ["the queue is empty", "no entry fits, of 3 in the queue"]


def test_a_list_for_programs() -> None:
    values = listed(pb.QueueList(entries=[entry()], total=1, next="e1"))
    assert (values["total"], values["next"], values["paused"]) == (1, "e1", False)
    assert (values["entries"][0]["id"], values["entries"][0]["due"]) == ("e1", LATER)


def test_a_history_says_where_the_mail_is_and_what_was_tried() -> None:
    assert list(history_lines(history(DEFERRED))) == [
        "bob@far.example  (e1, mail q1 from <ann@example.org>)",
        "  waits after 1 attempt(s); the next attempt is 2023-11-14 22:23:20.123",
        "  is given up 2023-11-14 22:23:20.123",
        "  last: 4.2.1 wait",
        "    2023-11-14 22:13:20.123  outbound.deferred  by root",
        "      deferred for <bob@far.example>: 4.2.1 450 4.2.1 wait",
        "        next attempt 2023-11-14 22:23:20.123",
        "        attempt 1 by mx far.example, 9 ms",
        "          mx [192.0.2.1]:25, without TLS, 0 ms",
        "            replied at rcpt: 450 4.2.1 wait",
    ]


def test_without_the_history_the_last_attempt_that_failed_is_shown() -> None:
    assert list(history_lines(history(DEFERRED), whole=False))[4:] == [
        "    attempt 1 by mx far.example, 9 ms",
        "      mx [192.0.2.1]:25, without TLS, 0 ms",
        "        replied at rcpt: 450 4.2.1 wait",
    ]


def test_the_lines_of_the_dialog_are_shown_on_demand_without_control_characters() -> None:
    with_them = list(history_lines(history(DEFERRED), transcript=True))
    assert with_them[-2:] == ["        < 220 �[31mred", "        > EHLO us"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attempts": 0, "status": "", "reason": ""}, "waits for its first attempt; the next attempt is 2023-11-14"),
        ({"in_hand": True}, "is being sent now"),
        ({"state": "held", "due": 0, "reason": "a rule"}, "held until `mailfold queue release`: a rule"),
        ({"state": "held"}, "held until 2023-11-14 22:23:20.123: wait"),
        ({"state": "expired"}, "given up"),
        ({"state": "bounced"}, "bounced"),
        ({"state": "cancelled"}, "cancelled"),
    ],
)
def test_each_state_in_words(fields: dict[str, object], expected: str) -> None:
    assert list(history_lines(history(**fields)))[1].strip().startswith(expected)


def test_a_delivered_mail_says_to_whom_with_which_tls_and_what_was_replied() -> None:
    host = HostAttempt("mx", "192.0.2.1", 25, "body", 250, "2.0.0 taken", "TLSv1.3", "web-pki")
    delivered = OutboundDelivered("e1", "q1", "bob@far.example", SendingAttempt(1, AT, "mx far.example", (host,)))
    assert list(history_lines(history(delivered, state="delivered"), whole=False)) == [
        "bob@far.example  (e1, mail q1 from <ann@example.org>)",
        "  delivered to mx [192.0.2.1]:25, with TLSv1.3 verified by web-pki; it replied: 2.0.0 taken",
    ]


def test_a_mail_with_more_recipients_than_are_read_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_histories(MailHistories([history(), history(id="e2")], 5, False), transcript=False)
    text = capsys.readouterr().out
    assert "\n\nbob@far.example  (e2" in text and "5 more recipients" in text and "event log does not run" in text


def test_a_history_for_programs_has_the_events_as_values() -> None:
    values = fields(history(OutboundHeld("e1", "q1", "a rule")))
    assert values["id"] == "e1" and values["events"][0]["data"]["reason"] == "a rule"


def test_a_change_says_how_many_it_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print_changed(pb.ChangeReply(changed=1, in_hand=2), "held")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 entry held" and lines[1].startswith("2 not changed")
