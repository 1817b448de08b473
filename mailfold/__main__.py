"""The command: `mailfold …` or `python -m mailfold …`."""

from __future__ import annotations

import sys


def main() -> None:
    """Exit codes: 0 done, 1 refused or something differs, 2 it cannot be tried as it stands, 3 a fault of ours, 130
    interrupted.
    """
    try:
        from mailfold.command_line import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while still importing
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
