"""No script hangs or raises anything but its documented error, and no message breaks a run (hypothesis)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.registry import COMMANDS, TESTS
from tests.unit.shared.protocol.sieve.cases import all_cases

SCRIPTS = [case.sections["script"] for case in all_cases() if "script" in case.sections]
VALID = [case.sections["script"] for case in all_cases() if "do" in case.sections]
MESSAGES = [case.sections["message"] for case in all_cases() if "message" in case.sections]
LIMITS = ScriptLimits(steps=2000, work=2_000_000)
ENVIRONMENT = SieveEnvironment(datetime(2026, 1, 1, tzinfo=UTC), addresses=("b@example.org",))
ENVELOPE = SieveEnvelope("a@example.org", "b@example.org")

_MARKS = """; , { } ( ) [ ] "a" "subject" "*" "${1}" "${a}" "" 5 10K if elsif else require text: /* # : i;octet \\"""
_words = st.sampled_from(
    [
        *COMMANDS,
        *TESTS,
        *(f":{tag.name}" for definition in (*COMMANDS.values(), *TESTS.values()) for tag in definition.signature.tags),
        *_MARKS.split(),
        '["a", "b"]',
        "\n",
    ]
)
_sources = st.lists(_words, max_size=40).map(lambda words: " ".join(words).encode())
_pieces = st.sampled_from(
    [
        b"From: a@example.org\r\n",
        b"Subject: =?utf-8?q?=C3?= =?x?b?!!?=\r\n",
        b"Subject: \xff\xfe\x00\r\n",
        b'To: a:b;, <<@>>, "\\, (((((\r\n',
        b"Date: Mon, 99 Foo 0000 25:61:61 +9999\r\n",
        b"Received: ;;;\r\n",
        b"MIME-Version: 1.0\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b'Content-Type: multipart/mixed;; boundary="\r\n',
        b"Content-Type: text/html; charset=unknown\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/plain; charset=utf-7; name*0*=x''%ff; name*1=\"\r\n",
        b"Content-Disposition: attachment; filename=\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-none\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"--b\r\n",
        b"--b--\r\n",
        b"no field\r\n",
        b" folded\r\n",
        b": empty name\r\n",
        b"PGI+dGV4dDwvYj4=\r\n",
        b"<b>&#99999999;</",
    ]
)
_broken_messages = st.lists(_pieces, max_size=40).map(b"".join)
_required = 'require ["variables", "fileinto", "foreverypart", "mime", "editheader", "replace", "regex", "body"];\n'


def survives(source: bytes, message: bytes = b"Subject: x\r\n\r\ntext") -> None:
    """Compile and run; only InvalidScript may be raised."""
    with suppress(InvalidScript):
        script = compile_script(source)
        outcome = run_script(script, message_in_memory(message), ENVELOPE, ENVIRONMENT, limits=LIMITS)
        assert outcome.actions
        assert outcome.failure is not None or outcome.work <= LIMITS.work
        assert outcome == run_script(script, message_in_memory(message), ENVELOPE, ENVIRONMENT, limits=LIMITS)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_octets(source: bytes) -> None:
    survives(source)


@given(_sources)
@settings(deadline=None)
def test_any_tokens(source: bytes) -> None:
    survives(source)
    survives(_required.encode() + source)


@given(st.sampled_from(SCRIPTS), st.integers(0, 400), st.integers(0, 30), _sources)
@settings(deadline=None)
def test_scripts_with_pieces_cut_out_and_put_in(script: str, at: int, count: int, inserted: bytes) -> None:
    source = script.encode()
    survives(source[:at] + source[at + count :])
    survives(source[:at] + inserted[:20] + source[at:])


@given(st.sampled_from(SCRIPTS), st.sampled_from(SCRIPTS), st.integers(0, 600), st.integers(0, 600))
@settings(deadline=None)
def test_two_scripts_joined_anywhere(first: str, second: str, end: int, start: int) -> None:
    survives(first.encode()[:end] + second.encode()[start:])


@given(st.sampled_from(VALID), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6))
@settings(deadline=None)
def test_scripts_with_changed_octets(script: str, changes: list[tuple[int, int]]) -> None:
    source = bytearray(script.encode())
    for at, octet in changes:
        if source:
            source[at % len(source)] = octet
    survives(bytes(source))


@given(st.sampled_from(VALID), _broken_messages)
@settings(deadline=None)
def test_messages_of_broken_pieces(script: str, message: bytes) -> None:
    survives(script.encode(), message)


@given(st.sampled_from(VALID), st.binary(max_size=400))
@settings(deadline=None)
def test_any_message(script: str, message: bytes) -> None:
    survives(script.encode(), message)


@given(
    st.sampled_from(VALID), st.sampled_from(MESSAGES), st.integers(0, 600), st.integers(0, 60), st.binary(max_size=8)
)
@settings(deadline=None)
def test_broken_messages(script: str, message: str, at: int, count: int, inserted: bytes) -> None:
    octets = message.replace("\n", "\r\n").encode()
    survives(script.encode(), octets[:at] + inserted + octets[at + count :])
