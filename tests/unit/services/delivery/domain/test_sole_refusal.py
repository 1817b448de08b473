"""Which decisions of scripts can be said before a mail is accepted (RFC 5429 §2.1.1)."""

from __future__ import annotations

import pytest

from services.delivery.domain.script_chain import AS_ACCEPTED, ChainState, after_script
from services.delivery.domain.sole_refusal import SoleRefusal, sole_refusal
from shared.events.scripts import ACTIVE, AFTER, BEFORE
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory

USES = 'require ["reject", "ereject", "fileinto", "copy", "enotify", "duplicate", "vacation", "editheader"];\n'
MESSAGE = message_in_memory(b"From: a@example.org\r\nTo: b@example.org\r\nMessage-ID: <1@x>\r\n\r\ntext\r\n")


def decided(**scripts: str) -> SoleRefusal | None:
    """What the scripts decide, by place."""
    state = ChainState()
    for place in (BEFORE, ACTIVE, AFTER):
        if place in scripts and not state.ended:
            outcome = run_script(
                compile_script((USES + scripts[place]).encode()),
                MESSAGE,
                SieveEnvelope("a@example.org", "b@example.org"),
                SieveEnvironment(addresses=("b@example.org",)),
            )
            state = after_script(state, place, "rules", outcome, lambda _edits: AS_ACCEPTED)
    return sole_refusal(state)


@pytest.mark.parametrize("kind", ["reject", "ereject"])
def test_a_refusal_alone_is_said(kind: str) -> None:
    assert decided(active=f'{kind} "no";') == SoleRefusal(kind, "no", 'script "rules"', 2)


@pytest.mark.parametrize("script", ['discard; ereject "no";', 'addheader "X-A" "1"; ereject "no"; discard;'])
def test_discard_and_edits_change_nothing_for_the_sender(script: str) -> None:
    said = decided(active=script)
    assert said is not None and said.reason == "no"


@pytest.mark.parametrize(
    "script",
    [
        "keep;",
        "discard;",
        'fileinto "a";',
        'ereject "no"; keep;',
        'ereject "no"; ereject "again";',
        'ereject "no"; vacation "away";',
        'ereject "no"; notify "mailto:c@example.org";',
        'if not duplicate { ereject "no"; }',
    ],
)
def test_what_else_is_wanted_waits_for_the_delivery(script: str) -> None:
    assert decided(active=script) is None


def test_the_scripts_of_the_server_count() -> None:
    server = decided(before='ereject "no";', active="keep;")
    assert server is not None and server.script == 'script "rules" of the server'
    assert decided(active="keep;", after='reject "no";') is not None
    assert decided(active='ereject "mine";', after='ereject "other";') == SoleRefusal(
        "ereject", "mine", 'script "rules"', 2
    )


def test_a_copy_of_an_earlier_script_waits_for_the_delivery() -> None:
    assert decided(before='fileinto :copy "all";', active='ereject "no";') is None


def test_a_failed_script_waits_for_the_delivery() -> None:
    """The owner hears of the failure, which a refusal in the dialogue would hide."""
    assert decided(active='ereject "a"; keep;', after='ereject "no";') is None
