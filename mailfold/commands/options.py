"""Options that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mailfold.arguments import Option

DATA = Path("data")
Data = Annotated[Path, Option("--data", environment="MAILFOLD_DATA", help="The data folder.")]
Json = Annotated[bool, Option("--json", help="Print JSON for programs.")]
