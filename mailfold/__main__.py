"""The command: `mailfold …` or `python -m mailfold …`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command.

    Exit codes: 0 the command did its work, 1 the server refused or a check found a problem, 2 the command could not
    start, 3 a bug in Mailfold, 130 interrupted.
    """
    try:
        from mailfold.command_line import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are still being imported
        code = 130
    _end(code)


def _end(code: int) -> None:
    """End the process without tearing down the interpreter, which would take a fifth of a short command's time.

    All work of the command is finished by then, and its output is flushed.
    """
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
