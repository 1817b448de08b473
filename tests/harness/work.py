"""Counts work instead of measuring time, so that tests of cost give the same result on every machine."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

_RATIO = 4
_LINEAR = 2
"""How much more than `_RATIO` times the cost still counts as linear; a quadratic cost would be `_RATIO` times more."""
_COST_RATIO = 16
_COST_LINEAR = 10
"""The same for the CPU. A larger object may cost a few times more an octet, because the system gives it fresh pages and
it does not fit into a cache; a quadratic cost would be 16 times more an octet."""
_SHORTEST = 0.005
"""Shortest useful CPU time in seconds; shorter work is repeated."""


class LineCount:
    """Counts the lines of Python run in this thread in the `with` block, except in frames that ran before it."""

    def __init__(self) -> None:
        self.count = 0
        self._before: Any = None

    def __enter__(self) -> LineCount:
        self._before = sys.gettrace()
        sys.settrace(self._traced)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.settrace(self._before)

    def _traced(self, _frame: FrameType, event: str, _argument: Any) -> Any:
        self.count += event == "line"
        return self._traced


def lines_run(function: Callable[[], object]) -> int:
    """The number of lines of Python that `function` and its callees run in this thread."""
    with LineCount() as lines:
        function()
    return lines.count


def assert_lines_grow_with_size(run: Callable[[int], object], size: int) -> None:
    """Check Python code: four times the size may run at most eight times the lines."""
    small = lines_run(lambda: run(size))
    large = lines_run(lambda: run(size * _RATIO))
    assert large <= small * _RATIO * _LINEAR + 1000, f"{small} lines for {size}, {large} for {size * _RATIO}"


def assert_cost_grows_with_size(run: Callable[[int], object], size: int) -> None:
    """Check code in C, which cannot be counted: compare the CPU of `size` and of a sixteenth, without a limit of time.

    The ratio does not depend on the machine's speed. Three rounds may try, because another process can disturb one.
    """
    repeats, fraction = 1, max(size // _COST_RATIO, 1)
    while (small := _cpu_of(run, fraction, repeats)) < _SHORTEST and repeats < 4096:
        repeats *= 2
    limit = small * _COST_RATIO * _COST_LINEAR
    rounds = (_cpu_of(run, size, repeats) for _ in range(3))
    assert any(large <= limit for large in rounds), (
        f"more than {_COST_RATIO * _COST_LINEAR} times the cost for {_COST_RATIO} times the size"
    )


def _cpu_of(run: Callable[[int], object], size: int, repeats: int) -> float:
    # A garbage collection in a process with the objects of a thousand tests would dominate the measurement.
    gc.disable()
    try:
        began = time.process_time()
        for _ in range(repeats):
            run(size)
        return time.process_time() - began
    finally:
        gc.enable()
