"""How many compiled scripts are kept, and where they are compiled."""

from __future__ import annotations

import threading
import tracemalloc

import pytest

from shared.protocol.sieve.compiler import compile_script
from shared.scripts import programs as module
from shared.scripts.programs import Programs, memory_of


@pytest.mark.parametrize(
    "source",
    [
        "keep;" * 9000,
        "if true { keep; }" * 3000,
        'if header "subject" "word" { discard; }' * 2000,
        'if header ["' + '", "'.join(f"x-{number}" for number in range(900)) + '"] "word" { keep; }',
    ],
    ids=["commands", "tests", "headers", "lists"],
)
def test_the_memory_of_a_program_is_estimated(source: str) -> None:
    tracemalloc.start()
    program = compile_script(source.encode())
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert program.steps and used / 2 < memory_of(source.encode()) < used * 6


def test_small_scripts_that_become_large_programs_push_others_out() -> None:
    kept = Programs(kept_octets=20_000_000)
    first = b"keep;" * 5000
    program = kept.program(first)
    assert kept.program(first) is program
    for number in range(4):
        kept.program(b"keep;" * 5000 + b"#%d\n" % number)
    assert kept.program(first) is not program


def test_a_script_that_is_too_large_to_be_kept_is_used_all_the_same() -> None:
    kept = Programs(kept_octets=1)
    assert kept.program(b"keep;") is kept.program(b"keep;")
    assert kept.program(b"discard;").steps


@pytest.mark.parametrize(
    ("source", "on_loop"),
    [
        (b"keep;", True),
        (b"keep;" * 1000, False),
        (b'require "regex"; if header :regex "subject" "(a{1,10}){1,10}" { discard; }', False),
    ],
)
async def test_what_takes_long_is_compiled_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, source: bytes, on_loop: bool
) -> None:
    threads: list[bool] = []

    def compiled(*arguments: object) -> object:
        threads.append(threading.current_thread() is threading.main_thread())
        return compile_script(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "compile_script", compiled)
    await Programs().program_soon(source)
    assert threads == [on_loop]
