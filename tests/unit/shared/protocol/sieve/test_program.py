"""Compiled scripts: what they are cached by, where they may run, what they warn of, and what a failure says."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.actions import FileIntoAction, KeepAction
from shared.protocol.sieve.compiler import compile_script, program_key
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import RecordedAnswers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.extensions import EXTENSIONS, ScriptContext
from shared.protocol.sieve.mail.message import message_in_memory

MESSAGE = message_in_memory(b"Subject: x\r\nTo: b@example.org\r\n\r\ntext\r\n")


def test_the_key_depends_on_all_that_decides_about_the_program() -> None:
    keys = {
        program_key(b"keep;"),
        program_key(b"stop;"),
        program_key(b"keep;", EXTENSIONS - {"regex"}),
        program_key(b"keep;", context=ScriptContext.IMAP_EVENT),
    }
    assert len(keys) == 4
    assert program_key(b"keep;") in keys


def test_an_extension_that_is_switched_off_cannot_be_required() -> None:
    with pytest.raises(InvalidScript, match='the extension "regex" is switched off here'):
        compile_script(b'require "regex";', EXTENSIONS - {"regex"})


@pytest.mark.parametrize("extension", ["vacation", "reject", "ereject", "vacation-seconds"])
def test_imap_events_answer_nobody(extension: str) -> None:
    source = f'require "{extension}";'.encode()
    assert compile_script(source, context=ScriptContext.APPLY_NOW).extensions >= {extension}
    with pytest.raises(InvalidScript):
        compile_script(source, context=ScriptContext.IMAP_EVENT)


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        ('require "imap4flags"; setflag "\\Seen";', '"Seen" is a keyword'),
        ('if header "not a name" "x" { }', "no header field can have this name"),
        ('require "relational"; if header :value "ge" "x" "5" { }', "compares numbers as text"),
        ('require "fileinto"; fileinto "Caf&AOk-";', "not in modified UTF-7"),
    ],
)
def test_warnings_are_no_errors(source: str, warning: str) -> None:
    (note,) = compile_script(source.encode()).warnings
    assert warning in note.text


def test_a_failure_names_its_line_and_what_was_decided_before() -> None:
    script = compile_script(
        b'require ["fileinto", "variables"];\nfileinto "A";\nset "x" "";\n\nif true {\n  fileinto "${x}";\n}\n'
    )
    outcome = run_script(script, MESSAGE, SieveEnvelope(), SieveEnvironment())
    assert outcome.actions == (KeepAction(implicit=True),)
    assert outcome.failure is not None
    assert (outcome.failure.line, outcome.failure.abandoned) == (6, (FileIntoAction("A", line=2),))


def test_the_line_of_a_failure_in_a_test() -> None:
    script = compile_script(b'require "envelope";\nif false { }\nelsif\n  envelope "from" "x" { }\n')
    outcome = run_script(script, MESSAGE, SieveEnvelope(), SieveEnvironment(has_envelope=False))
    assert outcome.failure is not None
    assert (outcome.failure.line, outcome.failure.text) == (4, "there is no envelope here")


def test_what_is_unavailable_for_the_moment_is_no_failure_of_the_script() -> None:
    class Unavailable(Exception):
        pass

    class NoAnswers(RecordedAnswers):
        def mailbox_exists(self, name: str) -> bool:
            raise Unavailable

    script = compile_script(b'require "mailbox"; if mailboxexists "A" { discard; }')
    with pytest.raises(Unavailable):
        run_script(script, MESSAGE, SieveEnvelope(), SieveEnvironment(), NoAnswers())


def test_the_account_tells_why_there_is_no_reply() -> None:
    script = compile_script(b'require "vacation"; vacation "away";')
    environment = SieveEnvironment(addresses=("me@example.org",))
    outcome = run_script(script, MESSAGE, SieveEnvelope("a@example.org"), environment, with_account=True)
    assert "line 1: vacation: no reply, because the message is not addressed to the owner" in map(str, outcome.steps)


def test_a_script_runs_any_number_of_times() -> None:
    script = compile_script(b'require ["variables", "fileinto"]; set "a" "${a}x"; fileinto "${a}";')
    for _ in range(2):
        outcome = run_script(script, MESSAGE, SieveEnvelope(), SieveEnvironment())
        assert outcome.actions == (FileIntoAction("x", line=1),)
