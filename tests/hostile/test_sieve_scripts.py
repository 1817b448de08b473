"""Hostile Sieve scripts and messages: every size, count and depth has a bound, and work is counted, not timed."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome

ENVELOPE = SieveEnvelope("a@example.org", "b@example.org")


def strings(value: str, count: int) -> str:
    """A string list."""
    return "[" + ", ".join([f'"{value}"'] * count) + "]"


def errors(source: str, limits: ScriptLimits | None = None) -> list[str]:
    with pytest.raises(InvalidScript) as caught:
        compile_script(source.encode(), limits=limits or ScriptLimits())
    return [note.text for note in caught.value.errors]


def run(
    source: str, message: bytes = b"Subject: x\r\n\r\ntext\r\n", limits: ScriptLimits | None = None
) -> ScriptOutcome:
    script = compile_script(source.encode())
    return run_script(script, message_in_memory(message), ENVELOPE, SieveEnvironment(), limits=limits or ScriptLimits())


def failure(source: str, message: bytes = b"Subject: x\r\n\r\ntext\r\n", limits: ScriptLimits | None = None) -> str:
    outcome = run(source, message, limits)
    assert outcome.failure is not None
    assert [action.implicit for action in outcome.actions] == [True]  # type: ignore[union-attr]
    return outcome.failure.text


@pytest.mark.parametrize("depth", [33, 1000, 20_000])
def test_blocks_nest_to_a_limit(depth: int) -> None:
    assert errors("if true {" * depth + "keep;" + "}" * depth) == ["blocks are nested deeper than 32"]


@pytest.mark.parametrize("depth", [40, 1000, 9000])
def test_tests_nest_to_a_limit(depth: int) -> None:
    assert errors("if " + "not " * depth + "true { keep; }") == ["tests are nested deeper than 32"]
    assert errors("if " + "allof(" * depth + "true" + ")" * depth + "{ keep; }")[0] == "tests are nested deeper than 32"


def test_a_script_has_a_size_and_a_number_of_commands() -> None:
    assert errors("#" * (1 << 18) + "\n") == ["the script has more than 262144 octets"]
    assert errors("keep;" * 10_001) == ["the script has more than 10000 commands and tests"]


def test_lists_and_strings_have_a_size() -> None:
    assert errors("if exists [" + ",".join(['"a"'] * 1001) + "] { keep; }") == ["the list has more than 1000 strings"]
    assert errors('redirect "' + "a" * (1 << 17) + 'b";')[0] == "the string has more than 131072 octets"


def test_errors_are_reported_up_to_a_number() -> None:
    assert len(errors("frob;" * 1000)) == 50
    assert len(errors("%" * 1000)) == 1 or len(errors("% " * 1000)) == 50


def test_unclosed_things_take_one_pass() -> None:
    for piece in ('"', "/*", "text:\n", "[", "(", "{", "if ", 'if header "a" ', "${", ":", "\\"):
        assert errors(piece * 3000)


def test_variables_cannot_be_doubled_without_end() -> None:
    script = 'require ["variables", "fileinto"]; set "a" "0123456789";' + 'set "a" "${a}${a}";' * 2000
    script += 'set :length "n" "${a}"; fileinto "${n}";'
    assert run(script).actions[0].mailbox == "8000"  # type: ignore[union-attr]


def test_the_number_of_variables_is_limited() -> None:
    sets = "".join(f'set "v{number}" "x";' for number in range(257))
    assert failure(f'require "variables"; {sets}') == "the script has more than 256 variables"


def test_the_number_of_actions_is_limited() -> None:
    files = "".join(f'fileinto "m{number}";' for number in range(65))
    assert failure(f'require "fileinto"; {files}') == "the script has more than 64 actions"


def test_a_glob_with_many_stars_counts_its_work() -> None:
    message = b"Subject: " + b"a" * 100_000 + b"\r\n\r\n"
    pattern = "*a" * 500 + "*b"
    assert run(f'if header :matches "subject" "{pattern}" {{ discard; }}', message).failure is None
    marks = "*" + "?a" * 300 + "?b*"
    assert failure(
        "".join(f'if header :matches "subject" "{marks}" {{ discard; }}' for _ in range(100)),
        message,
        ScriptLimits(work=10_000_000),
    ).startswith("the script compares")


def test_work_is_counted_over_keys_and_parts() -> None:
    keys = ",".join(f'"key{number}"' for number in range(1000))
    message = b"Subject: x\r\n\r\n" + b"x" * 1_000_000
    assert failure(f'require "body"; if body :raw :contains [{keys}] {{ discard; }}', message).startswith(
        "the script compares, copies or decodes more than 64000000 octets"
    )


@pytest.mark.parametrize(
    "test",
    [
        f"exists {strings('x', 1000)}",
        f'header :contains "x-empty" {strings("x", 1000)}',
        f'hasflag :is "v" "{"x " * 50}"',
        f"mailboxexists {strings('INBOX', 100)}",
    ],
)
def test_cheap_tests_in_loops_are_work_too(test: str) -> None:
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(900))
    message = b'X-Empty:\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts + b"--b--\r\n"
    script = 'require ["foreverypart", "mailbox", "mime", "imap4flags", "variables"]; set "v" "' + "f " * 3000 + '";'
    script += "foreverypart {" + f"if {test} {{ }}" * 20 + "}"
    assert failure(script, message).startswith("the script compares, copies or decodes more than 64000000 octets")


def test_editing_a_large_header_is_work() -> None:
    message = b"".join(b"X-A: %b\r\n" % (b"x" * 50) for _ in range(8000)) + b"\r\n"
    edits = "".join(f'addheader "X-B" "{number}"; if header "x-b" "no" {{ }}' for number in range(100))
    assert failure(f'require "editheader"; {edits}', message).startswith("the script compares, copies or decodes")


def test_loops_are_counted() -> None:
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(900))
    message = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts + b"--b--\r\n"
    inner = "true" + ", true" * 200
    script = 'require ["foreverypart"]; foreverypart { if allof (' + inner + ") { } }"
    assert failure(script, message).startswith("the script runs more than 100000 commands and tests")


def test_loops_in_loops_are_limited() -> None:
    script = 'require "foreverypart";' + "foreverypart {" * 6 + "}" * 6
    assert errors(script) == ["foreverypart: loops are nested deeper than 5"]


def test_regular_expressions_are_limited() -> None:
    assert errors(f'require "regex"; if header :regex "subject" "{"a" * 2001}" {{ keep; }}') == [
        "the regular expression has more than 2000 octets"
    ]
    keys = ",".join(f'"a{number}"' for number in range(101))
    assert errors(f'require "regex"; if header :regex "subject" [{keys}] {{ keep; }}') == [
        "the script has more than 100 regular expressions"
    ]


def test_a_regular_expression_for_backtracking_is_linear() -> None:
    message = b"Subject: " + b"a" * 50_000 + b"!\r\n\r\n"
    assert run('require "regex"; if header :regex "subject" "^(a|aa)+$" { discard; }', message).failure is None
    assert run('require "regex"; if header :regex "subject" "(a*)*(a*)*(a*)*b" { discard; }', message).failure is None


def test_header_fields_are_added_up_to_a_number() -> None:
    script = 'require "editheader";' + 'addheader "X-A" "1";' * 129
    assert failure(script) == "the script adds more than 128 header fields"


def test_content_is_changed_up_to_a_number() -> None:
    script = 'require "enclose";' + 'enclose :subject "s" "text";' * 33
    assert failure(script) == "the script changes the content more than 32 times"


def test_a_message_of_many_parts_and_fields() -> None:
    header = b"".join(b"X-A: %d\r\n" % number for number in range(20_000))
    message = b"To: " + b"a@b.example, " * 20_000 + b"\r\n" + header + b"\r\n"
    script = (
        'require ["relational", "comparator-i;ascii-numeric", "fileinto", "index"];'
        'if header :count "ge" :comparator "i;ascii-numeric" "x-a" "20000" { fileinto "many"; }'
        'if header :index 20000 "x-a" "19999" { fileinto "last"; }'
        'if address :contains "to" "b.example" { fileinto "to"; }'
    )
    assert run(script, message).failure is None


def test_a_deep_message() -> None:
    message = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth) for depth in range(500)
    )
    script = 'require ["foreverypart", "mime", "body"]; foreverypart { if header :mime :anychild "a" "b" { keep; } }'
    assert run(script, message).failure is None
    assert run('require "body"; if body :content "" :contains "x" { discard; }', message).failure is None
