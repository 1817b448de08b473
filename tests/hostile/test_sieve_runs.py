"""Hostile runs of Sieve scripts: what included scripts, large messages and texts of strangers can grow or break."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Mapping

import pytest

from shared.protocol.message.scan import scan
from shared.protocol.sieve.actions import KeepAction, NotifyAction, VacationAction
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import RecordedAnswers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.header import MOST_HEADER_OCTETS
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome

INJECTED = "x\r\nBcc: evil@example.net\r\n\r\nbody\0"
MAIL = b"Subject: =?utf-8?b?%b?=\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\ntext\r\n" % base64.b64encode(
    INJECTED.encode()
)
WITH_SUBJECT = (
    'require ["variables", "editheader", "vacation", "enotify", "enclose", "replace", "redirect-dsn", "fileinto"];'
    'if header :matches "subject" "*" { set "s" "${1}"; }'
)


def run(source: str, message: bytes = MAIL, scripts: Mapping[str, str] | None = None) -> ScriptOutcome:
    compiled = {("personal", name): compile_script(text.encode()) for name, text in (scripts or {}).items()}
    return run_script(
        compile_script(source.encode()),
        message_in_memory(message),
        SieveEnvelope("a@example.org", "b@example.org"),
        SieveEnvironment(addresses=("b@example.org",)),
        RecordedAnswers(scripts=compiled),
    )


def failure(outcome: ScriptOutcome) -> str:
    assert outcome.failure is not None
    assert outcome.actions == (KeepAction(implicit=True),)
    return outcome.failure.text


def chain(depth: int) -> dict[str, str]:
    """Scripts each of which includes the next one."""
    scripts = {f"s{number}": f'require "include"; include "s{number + 1}";' for number in range(1, depth)}
    return {**scripts, f"s{depth}": "discard;"}


def test_scripts_include_each_other_to_a_depth() -> None:
    start = 'require "include"; include "s1";'
    assert run(start, scripts=chain(10)).is_discarded
    assert failure(run(start, scripts=chain(11))) == "too many scripts are included"


def test_a_tree_of_included_scripts_has_a_size() -> None:
    """Ten levels of two includes each would be a thousand runs."""
    tree = {
        f"s{level}{side}": f'require "include"; include "s{level + 1}a"; include "s{level + 1}b";'
        for level in range(1, 9)
        for side in "ab"
    }
    tree |= {"s9a": "keep;", "s9b": "keep;"}
    assert failure(run('require "include"; include "s1a";', scripts=tree)) == "too many scripts are included"


def test_scripts_that_include_each_other_in_a_circle_fail() -> None:
    circle = {"a": 'require "include"; include "b";', "b": 'require "include"; include "a";'}
    assert failure(run('require "include"; include "a";', scripts=circle)) == 'the script "a" includes itself'


def test_included_blocks_do_not_nest_without_end() -> None:
    """Each script may nest 32 blocks, and ten scripts may be within each other."""
    blocks = {
        f"s{number}": 'require "include";' + "if true {" * 30 + f'include "s{number + 1}";' + "}" * 30
        for number in range(1, 8)
    }
    assert "too deep" in failure(run('require "include"; include "s1";', scripts=blocks))


def test_variables_of_included_scripts_are_bounded_together() -> None:
    scripts = {
        f"s{number}": 'require ["include", "variables"];'
        + "".join(f'set "global.v{number}x{index}" "x";' for index in range(60))
        for number in range(5)
    }
    includes = "".join(f'include "s{number}";' for number in range(5))
    outcome = run(f'require ["include", "variables"]; {includes}', scripts=scripts)
    assert failure(outcome) == "the script has more than 256 variables"


def test_an_endless_text_of_included_scripts_is_work() -> None:
    doubled = 'require ["include", "variables"];' + 'set "global.a" "${global.a}${global.a}xxxxxxxxxx";' * 200
    start = 'require ["include", "variables"];' + 'include "s";' * 60
    assert failure(run(start, scripts={"s": doubled})).startswith("the script compares, copies or decodes")


@pytest.mark.parametrize(
    "command",
    [
        'reject "%s";',
        'vacation "%s";',
        'notify :message "%s" "mailto:a@example.org";',
        'enclose :subject "x" "%s";',
        'replace "%s";',
        'addheader "X-A" "%s";',
        'set "b" "%s";',
        'if header "subject" "%s" { keep; }',
    ],
)
@pytest.mark.parametrize(
    ("times", "error"),
    [(200, "a string with its variables has more than 1048576 octets"), (30_000, "the script compares")],
)
def test_a_string_of_many_variables_is_refused_before_it_is_made(command: str, times: int, error: str) -> None:
    """A script of 120 KB could make a text of 240 MB, in memory and on the event loop."""
    requires = 'require ["variables", "reject", "vacation", "enotify", "enclose", "replace", "editheader"];'
    script = f'{requires} set "a" "{"x" * 8000}"; {command % ("${a}" * times)}'
    tracemalloc.start()
    outcome = run(script)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure(outcome).startswith(error) and peak < 16_000_000


@pytest.mark.parametrize(
    "command",
    [
        'addheader "X-A" "${s}"; keep;',
        'addheader :last "X-A" "${s}"; keep;',
        'enclose :subject "${s}" "text"; keep;',
        'replace :subject "${s}" :from "${s}" "text"; keep;',
    ],
)
def test_text_of_a_stranger_adds_no_field_to_a_copy(command: str) -> None:
    """A decoded Subject may hold line breaks and NUL."""
    [keep] = run(WITH_SUBJECT + command).actions
    assert isinstance(keep, KeepAction)
    header = (keep.edits.content or b"".join(keep.edits.top + keep.edits.bottom)).partition(b"\r\n\r\n")[0]
    assert b"evil@example.net" in header and b"\0" not in header
    assert not any(line.lower().startswith((b"bcc:", b"body")) for line in header.split(b"\r\n"))
    assert header.replace(b"\r\n", b"").isascii() and b"\n" not in header.replace(b"\r\n", b"")


def test_text_of_a_stranger_adds_no_field_to_generated_mail() -> None:
    vacation, _keep = run(WITH_SUBJECT + 'vacation :subject "${s}" "text";').actions
    assert isinstance(vacation, VacationAction) and "\r" not in vacation.subject and "\n" not in vacation.subject
    uri = "mailto:a@example.org?subject=${s}&bcc=evil@example.net&from=evil@example.net"
    notify, _keep = run(WITH_SUBJECT + f'notify :message "${{s}}" "{uri}";').actions
    assert isinstance(notify, NotifyAction) and notify.recipients == ("a@example.org",)
    assert "\n" not in notify.subject and "\n" not in notify.message
    assert notify.fields == ()


@pytest.mark.parametrize(
    "command",
    [
        'vacation :from "a@example.org${s}" "text";',
        'notify :from "${s}" "mailto:a@example.org";',
        'redirect "${s}@example.org";',
        'redirect "c@example.org>${s}";',
    ],
)
def test_text_of_a_stranger_is_no_address(command: str) -> None:
    assert failure(run(WITH_SUBJECT + command)).startswith("this is not an address")


def test_a_header_of_a_megabyte_is_examined_in_part_and_counted() -> None:
    message = b"".join(b"X-%d: %b\r\n" % (number, b"v" * 60) for number in range(16_000)) + b"\r\nbody\r\n"
    assert len(message) > 1_000_000
    script = 'require "editheader"; deleteheader "x-5"; addheader :last "X-L" "1"; if header "x-9" "no" { discard; }'
    outcome = run(script, message)
    assert outcome.failure is None and outcome.work < 20_000_000


def test_loops_over_deep_parts_are_work() -> None:
    message = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth) for depth in range(2000)
    )
    inner = 'if header :mime :anychild "a" "b" { keep; }'
    script = 'require ["foreverypart", "mime"];' + "foreverypart {" * 3 + inner + "}" * 3
    assert failure(run(script, message)).startswith("the script compares, copies or decodes")


@pytest.mark.parametrize("command", ['replace "z";', 'enclose :subject "s" "text";'])
def test_a_large_body_is_not_replaced_again_and_again(command: str) -> None:
    """Each change writes and scans the message anew: eight times its octets are counted."""
    message = b"Subject: x\r\n\r\n" + b"y" * 9_000_000
    assert "64000000 octets" in failure(run('require ["replace", "enclose"];' + command, message))
    small = b"Subject: x\r\n\r\n" + b"y" * 200_000
    outcome = run('require ["replace", "enclose"];' + command * 32, small)
    assert outcome.failure is None and outcome.work < 64_000_000
    assert len(outcome.edits.content or b"") < 300_000


@pytest.mark.parametrize(
    "script",
    [
        'require "mime"; if header :mime :anychild "a" "b" { keep; }',
        'require ["foreverypart", "mime"]; foreverypart { if header :mime "a" "b" { keep; } }',
        'require "body"; if body :content "message/rfc822" :contains "zzz" { keep; }',
    ],
)
def test_parts_with_large_headers_are_work_before_they_are_read(script: str) -> None:
    """Ninety parts with headers of half a megabyte took two seconds on the event loop."""
    header = b"".join(b"X-%d: %b\r\n" % (number, b"v" * 60) for number in range(7000))
    inner = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" if "rfc822" in script else b"--b\r\n"
    part = inner + header + b"\r\nx\r\n"
    message = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 20 + b"--b--\r\n"
    octets = CountedOctets(message)
    outcome = run_script(
        compile_script(script.encode()),
        SieveMessage(octets, scan(message)),
        SieveEnvelope(),
        SieveEnvironment(),
        limits=ScriptLimits(work=1_000_000),
    )
    assert octets.read_octets < 2_500_000
    assert outcome.failure is not None or octets.read_octets <= outcome.work + MOST_HEADER_OCTETS


class CountedOctets:
    """A message that counts what is read of it."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.read_octets = 0

    def read(self, start: int, end: int) -> bytes:
        """The octets [start, end)."""
        self.read_octets += end - start
        return self._octets[start:end]
