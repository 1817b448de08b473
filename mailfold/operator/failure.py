"""A command that cannot be carried out: what to say and the exit code."""

from __future__ import annotations

REFUSED, UNUSABLE, OUR_FAULT, INTERRUPTED = 1, 2, 3, 130
"""Exit codes: it was refused or something differs; it cannot be tried as it stands (settings, arguments, nothing runs);
a fault of ours; Ctrl-C.
"""


class CommandFailed(Exception):
    """A sentence for the operator, which says what to do, and the exit code."""

    def __init__(self, message: str, code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code


def our_fault(error: Exception) -> CommandFailed:
    """What nobody foresaw: the traceback is for us, in a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="mailfold-fault-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    return CommandFailed(
        f"a fault of Mailfold itself ({type(error).__name__}: {error}); please report it with {file.name}", OUR_FAULT
    )


def not_running(data: object) -> CommandFailed:
    """Nothing answers there."""
    return CommandFailed(f"Mailfold is not running with {data}; start it with `mailfold up --data {data}`", UNUSABLE)
