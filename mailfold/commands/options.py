"""Options that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA = Path("data")
Data = Annotated[Path, typer.Option("--data", envvar="MAILFOLD_DATA", help="The data folder.", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
