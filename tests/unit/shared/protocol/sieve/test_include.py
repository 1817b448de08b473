"""`include`, `return` and `global` (RFC 6609)."""

from __future__ import annotations

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import RecordedAnswers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome
from tests.unit.shared.protocol.sieve.cases import described

MESSAGE = message_in_memory(b"From: a@example.org\r\nSubject: hello\r\n\r\ntext\r\n")
USES = 'require ["include", "variables", "fileinto", "editheader"];\n'


def run(source: str, **scripts: str) -> ScriptOutcome:
    """Run a script that may include the personal scripts."""
    compiled = {("personal", name): compile_script((USES + text).encode()) for name, text in scripts.items()}
    return run_script(
        compile_script((USES + source).encode()),
        MESSAGE,
        SieveEnvelope(),
        SieveEnvironment(),
        RecordedAnswers(scripts=compiled),
        with_account=True,
    )


def actions(outcome: ScriptOutcome) -> list[str]:
    assert outcome.failure is None
    return [described(action) for action in outcome.actions]


def test_an_included_script_runs_in_its_place() -> None:
    outcome = run('include "one"; fileinto "after";', one='fileinto "within";')
    assert actions(outcome) == ["fileinto within", "fileinto after"]


def test_return_ends_the_included_script_and_stop_ends_all() -> None:
    assert actions(run('include "a"; fileinto "after";', a='return; fileinto "never";')) == ["fileinto after"]
    assert actions(run('include "a"; fileinto "after";', a='fileinto "within"; stop;')) == ["fileinto within"]


def test_return_in_the_script_itself_ends_it() -> None:
    assert actions(run('return; fileinto "never";')) == ["keep implicit"]


def test_variables_are_private_unless_they_are_global() -> None:
    outcome = run(
        'global "shared"; set "shared" "S"; set "own" "O"; include "a"; fileinto "2 ${shared}${own}${global.more}";',
        a='global ["shared", "more"]; fileinto "1 ${shared}${own}."; set "shared" "T"; set "own" "P"; set "more" "M";',
    )
    assert actions(outcome) == ["fileinto 1 S.", "fileinto 2 TOM"]


def test_the_namespace_global_needs_no_declaration() -> None:
    outcome = run('include "a"; fileinto "${global.x}";', a='set "global.x" "1";')
    assert actions(outcome) == ["fileinto 1"]


def test_match_variables_stay_those_of_their_script() -> None:
    outcome = run(
        'if header :matches "subject" "h*" { include "a"; fileinto "${1}"; }',
        a='if header :matches "from" "*@*" { fileinto "${1}"; }',
    )
    assert actions(outcome) == ["fileinto a", "fileinto ello"]


def test_once_includes_once() -> None:
    assert actions(run('include :once "a"; include :once "a";', a='addheader :last "X" "1";')) == [
        "keep implicit [+X: 1]"
    ]


def test_edits_are_seen_by_the_included_script_and_after_it() -> None:
    outcome = run(
        'addheader "X-A" "1"; include "a"; if exists "x-b" { fileinto "b"; }',
        a='if exists "x-a" { addheader "X-B" "2"; }',
    )
    assert actions(outcome) == ["fileinto b [+X-B: 2; +X-A: 1]"]


def test_a_missing_script_fails_unless_it_is_optional() -> None:
    outcome = run('include "none";')
    assert outcome.failure is not None
    assert outcome.failure.text == 'there is no personal script "none"'
    assert actions(run('include :optional "none"; fileinto "A";')) == ["fileinto A"]


def test_a_script_that_includes_itself_fails_at_run_time() -> None:
    outcome = run('include "a";', a='include "b";', b='include "a";')
    assert outcome.failure is not None
    assert "includes itself" in outcome.failure.text
    assert outcome.failure.script == "b"


def test_the_account_names_the_included_script() -> None:
    outcome = run('include "a";', a="stop;")
    assert [str(step) for step in outcome.steps][:2] == ['line 2: include "a"', "a line 2: stop"]


def test_many_includes_are_refused() -> None:
    outcome = run("\n".join('include "a";' for _ in range(100)), a="")
    assert outcome.failure is not None
    assert "too many scripts" in outcome.failure.text
