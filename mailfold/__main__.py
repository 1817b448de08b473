"""The command: `mailfold …` or `python -m mailfold …`."""

from __future__ import annotations

import sys

import typer

from mailfold.commands import account, alias, deadletters, domain, settings, user
from mailfold.commands.demo import demo
from mailfold.commands.status import status
from mailfold.commands.trace import events, trace
from mailfold.commands.up import up
from mailfold.commands.verify import rebuild, verify
from mailfold.operator.failure import CommandFailed

app = typer.Typer(
    name="mailfold", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A complete mail server: run it, and run what it knows."
)
for command in (up, demo, status, trace, events, verify, rebuild):
    app.command()(command)
app.add_typer(domain.app, name="domain")
app.add_typer(user.app, name="user")
app.add_typer(account.app, name="account")
app.add_typer(alias.app, name="alias")
app.add_typer(settings.app, name="settings")
app.add_typer(deadletters.app, name="deadletters")


def main() -> None:
    """Exit codes: 0 done, 1 refused or something differs, 2 it cannot be tried as it stands."""
    try:
        app()
    except CommandFailed as failure:
        print(f"mailfold: {failure}", file=sys.stderr)
        sys.exit(failure.code)


if __name__ == "__main__":
    main()
