"""What identifies a response or a message in the memories (RFC 5230 §4.2, RFC 7352 §3)."""

from __future__ import annotations

from shared.protocol.sieve.actions import TrackDuplicateAction, VacationAction
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory

ENVELOPE = SieveEnvelope("sally@example.com", "me@example.org")
USES = 'require ["vacation", "variables", "duplicate"];\n'


def memory(command: str, subject: str = "x") -> str:
    """The memory of the first action that has one."""
    octets = f"To: me@example.org\r\nSubject: {subject}\r\nMessage-ID: {'<' + subject + '>'}\r\n\r\n".encode()
    script = compile_script((USES + command).encode())
    outcome = run_script(script, message_in_memory(octets), ENVELOPE, SieveEnvironment(addresses=("me@example.org",)))
    action = outcome.actions[0]
    assert isinstance(action, (VacationAction, TrackDuplicateAction))
    return action.memory


def test_the_response_is_its_arguments() -> None:
    assert memory('vacation "a";') == memory('vacation "a";')
    assert len({memory(f"vacation {text};") for text in ('"a"', '"b"', ':subject "a" "b"', ':mime "a"')}) == 4


def test_a_text_that_moves_to_another_argument_is_another_response() -> None:
    assert memory('vacation :subject "ab" "c";') != memory('vacation :subject "a" "bc";')
    assert memory('vacation :addresses ["a@b.c", "d"] "x";') != memory('vacation :addresses ["a@b.cd"] "x";')


def test_the_period_does_not_change_the_response() -> None:
    assert memory('vacation :days 1 "a";') == memory('vacation :days 5 "a";')


def test_the_arguments_count_before_variables_are_expanded() -> None:
    command = 'if header :matches "subject" "*" { vacation :subject "Re: ${1}" "away"; }'
    assert memory(command, "one") == memory(command, "two")


def test_the_handle_stands_for_all_arguments() -> None:
    assert memory('vacation :handle "h" "a";') == memory('vacation :handle "h" :subject "s" "b";')
    assert memory('vacation :handle "h" "a";') != memory('vacation :handle "i" "a";')


def test_ids_of_messages_with_other_handles_differ() -> None:
    command = 'if duplicate :handle "{}" :uniqueid "{}" {{ }}'
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("1:a", "bc")]
    assert len({memory(command.format(*pair)) for pair in pairs}) == len(pairs)


def test_a_long_id_is_kept_as_a_hash() -> None:
    assert memory(f'if duplicate :uniqueid "{"x" * 1000}" {{ }}').startswith("hash:")
