"""A run before the mail is judged ends at the first test of the verdict, and only there."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.actions import ErejectAction
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import NotKnownYet, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome

MAIL = b"From: a@example.org\r\nX-Spam-Mine: 1\r\nX-Spa: x\r\nSubject: hello\r\n\r\ntext\r\n"
ALL = (
    'require ["ereject", "spamtest", "spamtestplus", "virustest", "relational", "comparator-i;ascii-numeric", "date",'
    '"editheader", "variables", "duplicate", "foreverypart", "mime", "replace"];'
)


def run(script: str, *, is_judged: bool = False) -> ScriptOutcome:
    message: SieveMessage = message_in_memory(MAIL)._replace(later=b"" if is_judged else b"x-spam-")
    environment = SieveEnvironment(is_judged=is_judged)
    program = compile_script((ALL + script).encode())
    return run_script(program, message, SieveEnvelope("a@example.org", "b@example.org"), environment)


@pytest.mark.parametrize(
    "test",
    [
        'spamtest :value "ge" :comparator "i;ascii-numeric" "5"',
        'spamtest :percent :count "eq" :comparator "i;ascii-numeric" "0"',
        'virustest "5"',
        'header "X-Spam-Flag" "YES"',
        'header :contains ["Subject", "X-SPAM-LEVEL"] "****"',
        'exists "x-spam-status"',
        'not exists ["From", "X-Spam-Mine"]',
        'date "X-Spam-Date" "year" "2026"',
        'duplicate :header "X-Spam-Id"',
        'header :mime :anychild "x-spam-flag" "YES"',
    ],
)
def test_the_verdict_is_not_known(test: str) -> None:
    with pytest.raises(NotKnownYet):
        run(f'if {test} {{ ereject "spam"; }}')
    assert run(f'if {test} {{ ereject "spam"; }}', is_judged=True).failure is None


def test_a_field_named_by_a_variable_is_not_known() -> None:
    with pytest.raises(NotKnownYet):
        run('set "name" "spam-flag"; if header "x-${name}" "YES" { ereject "spam"; }')


def test_a_changed_message_does_not_know_it_either() -> None:
    with pytest.raises(NotKnownYet):
        run('addheader "X-A" "1"; replace "text"; if exists "x-spam-flag" { ereject "spam"; }')


def test_other_tests_are_decided() -> None:
    outcome = run('if header "subject" "hello" { ereject "no"; stop; } if spamtest "5" { discard; }')
    [action] = outcome.actions
    assert isinstance(action, ErejectAction) and action.reason == "no"
    assert run('if exists "x-spa" { ereject "no"; }').actions[0] == ErejectAction("no", 1)
