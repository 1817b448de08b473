"""What the scripts of an account would do with one mail, in words."""

from __future__ import annotations

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import ChainState, FailedScript, ScriptDecision
from services.delivery.domain.trial_words import trial_lines
from shared.events.mail import Message, RecordedCheck
from shared.protocol.sieve.actions import DiscardAction, FileIntoAction, KeepAction, RejectAction, VacationAction
from shared.protocol.sieve.outcome import ScriptFailure

TRIED, SERVERS = 'script "new"', 'script "spam" of the server'
PROVEN = AcceptedMail(
    "q1", "bob@example.net", (), Message("g/a", 1), is_authenticated=True, spf=RecordedCheck("spf", "pass")
)
FORGED = AcceptedMail("q1", "bob@example.net", (), Message("g/a", 1))
SPAM = AcceptedMail(
    "q1", "bob@example.net", (), Message("g/a", 1), spam=True, is_authenticated=True, spf=RecordedCheck("spf", "pass")
)
KEPT = ScriptDecision(KeepAction(implicit=True), script=TRIED)


def lines(mail: AcceptedMail, state: ChainState) -> list[str]:
    return list(trial_lines(mail, "a1", state, TRIED, "Spam"))


def test_the_script_is_named_where_it_is_another_one() -> None:
    state = ChainState(
        (ScriptDecision(FileIntoAction("A", line=1), script=TRIED), ScriptDecision(DiscardAction(2), script=SERVERS)),
        None,
    )
    assert lines(PROVEN, state) == ["file into A (line 1)", f"discard (line 2), by {SERVERS}"]


def test_spam_that_no_script_keeps_is_filed_by_the_server() -> None:
    assert lines(SPAM, ChainState((), KEPT)) == ["file into Spam: the server files spam there that no script keeps"]
    explicit = ScriptDecision(KeepAction(line=1), script=TRIED)
    assert lines(SPAM, ChainState((), explicit)) == ["store in INBOX (line 1)"]
    assert lines(PROVEN, ChainState((), KEPT)) == ["store in INBOX: nothing in the script says otherwise"]


def test_who_has_perhaps_not_written_a_mail_hears_nothing() -> None:
    refuses = ChainState((ScriptDecision(RejectAction("no", 3), script=TRIED),), None)
    assert lines(PROVEN, refuses) == ["refuse, with a report to the sender: no (line 3)"]
    assert lines(FORGED, refuses) == [
        "refuse, with a report to the sender: no (line 3) – not done, because the sender has perhaps not written this "
        "mail",
        "store in INBOX: the mail is kept where it cannot be refused",
    ]
    answers = ChainState(
        (ScriptDecision(VacationAction("b@x.org", "away", "Away", "m", 0, line=1), script=TRIED),), KEPT
    )
    assert "not done" in lines(SPAM, answers)[0] and "not done" not in lines(FORGED, answers)[0]


def test_a_failed_script_says_where_and_what_it_has_not_done() -> None:
    failure = ScriptFailure(7, "no such mailbox", abandoned=(FileIntoAction("A", line=6),))
    state = ChainState((), KEPT, (FailedScript(TRIED, failure, True),))
    assert lines(PROVEN, state)[:2] == [
        f"{TRIED} failed in line 7: no such mailbox",
        "not done: file into A (line 6)",
    ]
