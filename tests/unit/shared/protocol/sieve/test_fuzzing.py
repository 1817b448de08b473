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
_required = 'require ["variables", "fileinto", "foreverypart", "mime", "editheader", "replace", "regex", "body"];\n'


def survives(source: bytes, message: bytes = b"Subject: x\r\n\r\ntext") -> None:
    """Compile and run; only InvalidScript may be raised."""
    with suppress(InvalidScript):
        script = compile_script(source)
        outcome = run_script(script, message_in_memory(message), ENVELOPE, ENVIRONMENT, limits=LIMITS)
        assert outcome.actions
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
