"""What a hostile script or message costs, counted in calls of functions: the limits hold the work of every run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome

ENVELOPE, ENVIRONMENT = (
    SieveEnvelope("a@example.org", "b@example.org"),
    SieveEnvironment(datetime(2026, 1, 1, tzinfo=UTC)),
)
LIMITS = ScriptLimits(steps=5000, work=4_000_000)
REQUIRE = (
    'require ["variables", "foreverypart", "mime", "body", "regex", "editheader", "extracttext", "relational", '
    '"replace", "enclose", "fileinto", "comparator-i;unicode-casemap", "imap4flags", "date", "extlists", "index"];\n'
)
_KEYS = ", ".join(f'"*{letter}*b*c*d*e*f*"' for letter in "abcdefghij" * 50)
_MANY_PARTS = b"".join(b"--b\r\nContent-Type: text/html\r\nX: y\r\n\r\n<p>text</p>\r\n" for _ in range(500))
_MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + _MANY_PARTS + b"--b--\r\n"
_LONG = b"Subject: " + b"ab " * 3000 + b"\r\nTo: " + b"a@example.org, " * 2000 + b"\r\n\r\n" + b"aaaa bcd " * 20000
_MANY_FIELDS = b"".join(b"X-%d: value\r\n" % number for number in range(5000)) + b"\r\ntext"
_BLOCKS = "foreverypart { foreverypart { foreverypart { %s } } }"
HOSTILE = {
    "keys over a body": f"if body :matches [{_KEYS}] {{ keep; }}",
    "patterns over a body": 'if body :regex ["(a|b|c|d)*e(f|g)*h$", "^(.*)(.*)(.*)(.*)x$"] { keep; }' * 40,
    "globs over a field": f'if header :matches "subject" [{_KEYS}] {{ keep; }}' * 20,
    "characters": f'if header :matches :comparator "i;unicode-casemap" "subject" [{_KEYS}] {{ keep; }}' * 20,
    "doubled variables": 'set "a" "aaaaaaaa";' + 'set "a" "${a}${a}${a}${a}";' * 4000,
    "loops in loops": _BLOCKS % 'if header :mime :anychild :contains "x" "z" { stop; }',
    "texts in loops": _BLOCKS % 'extracttext "v"; if body :contains "nothing" { stop; }',
    "edits": 'addheader "X-A" "b"; deleteheader "x-1"; if exists "x-a" { }' * 2000,
    "replacements": 'foreverypart { replace "new"; }' * 100,
    "enclosures": 'foreverypart { enclose "new"; }' * 100,
    "addresses": 'if address :matches "to" "*x*y*" { keep; }' * 3000,
    "flags": 'addflag "' + "a b c d e f g h i j k l m n o p " * 500 + '";' + 'addflag ["k1", "k2"];' * 2000,
    "dates": 'if date :value "ge" "date" "date" "2026-01-01" { keep; }' * 3000,
}
MESSAGES = {"long": _LONG, "parts": _MULTIPART, "fields": _MANY_FIELDS}


def calls_of(work: Callable[[], Any]) -> tuple[Any, int]:
    """The result, and the number of functions that were called, those in C too."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return work(), counted
    finally:
        sys.setprofile(before)


def run(source: str, message: SieveMessage) -> ScriptOutcome:
    return run_script(compile_script(source.encode()), message, ENVELOPE, ENVIRONMENT, limits=LIMITS)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("script", HOSTILE)
def test_the_work_of_a_run_is_limited(script: str, message: str) -> None:
    program = compile_script((REQUIRE + HOSTILE[script]).encode())
    octets = message_in_memory(MESSAGES[message])
    outcome, calls = calls_of(lambda: run_script(program, octets, ENVELOPE, ENVIRONMENT, limits=LIMITS))
    assert outcome.actions
    assert outcome.failure is not None or outcome.work <= LIMITS.work
    assert calls < 40 * LIMITS.steps + LIMITS.work / 4


@pytest.mark.parametrize("count", [14, 31, 33, 200, 5000])
@pytest.mark.parametrize(
    "shape",
    [
        "if true {%s}",
        "if anyof(%s)",
        "if not %s",
        "if allof(true, anyof(%s, false))",
        "foreverypart {%s}",
    ],
)
def test_nesting_is_an_error_and_no_recursion(shape: str, count: int) -> None:
    before, after = shape.split("%s")
    nested = before.removeprefix("if ") if "true {" not in shape and "foreverypart" not in shape else before
    prefix = "" if nested == before else "if "
    inner = "keep;" if nested == before else "true"
    source = REQUIRE + prefix + nested * count + inner + after * count + (" { keep; }" if prefix else "")
    try:
        compile_script(source.encode())
    except InvalidScript as error:
        assert 0 < len(error.errors) <= LIMITS.errors
    else:
        assert count < 33


@pytest.mark.parametrize("opening", ["[", "(", "{", "/*", '"', "text:\n", "if ", "a:", ":", "${", "not "])
def test_openings_without_end(opening: str) -> None:
    for source in (opening * 20000, REQUIRE + 'set "a" ' + opening * 20000):
        with pytest.raises(InvalidScript) as caught:
            compile_script(source.encode())
        assert len(caught.value.errors) <= LIMITS.errors


@pytest.mark.parametrize("depth", [10, 100, 3000])
def test_parts_nested_deep(depth: int) -> None:
    header = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number) for number in range(depth)
    )
    message = message_in_memory(header + b"\r\ntext")
    script = REQUIRE + 'foreverypart { if header :mime :anychild "x" "y" { keep; } } if body :contains "z" { keep; }'
    outcome = run(script, message)
    assert outcome.actions
