"""What ops/docker/Dockerfile puts into the image, read from its instructions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "ops" / "docker" / "Dockerfile"
_RECORD = 'install() { printf "%s\\n" "$*" >&3; }; groupadd() { :; }; useradd() { :; }; python() { "$PYTHON" "$@"; }; '


@dataclass(frozen=True, slots=True)
class Image:
    """The last stage of the Dockerfile."""

    base: str
    user: str
    entrypoint: tuple[str, ...]
    environment: dict[str, str]
    folders: dict[str, int]
    """The folders that the user of the image owns, with their modes."""
    instructions: tuple[tuple[str, str], ...]

    @property
    def code(self) -> list[str]:
        """The folders that are copied from this repository to the same place in the image."""
        copied = [rest.split() for word, rest in self.instructions if word == "COPY" and "--from" not in rest]
        return [source for source, goal in copied if goal == f"./{source}"]


def instructions(text: str) -> list[tuple[str, str]]:
    """Every instruction with its words; comments are left out, and continued lines are joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n", " ", lines)
    pairs = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, _, rest in pairs]


def read_image(file: Path = DOCKERFILE) -> Image:
    """The image that the Dockerfile makes."""
    known = instructions(file.read_text("utf-8"))
    last = known[max(number for number, (word, _) in enumerate(known) if word == "FROM") :]
    given = dict(last)
    environment = dict(re.findall(r"(\w+)=(\S+)", " ".join(rest for word, rest in last if word == "ENV")))
    folders: dict[str, int] = {}
    for word, rest in last:
        folders |= _folders(rest) if word == "RUN" else {}
    entrypoint = tuple(json.loads(given["ENTRYPOINT"]))
    return Image(given["FROM"], given["USER"], entrypoint, environment, folders, tuple(known))


def _folders(command: str) -> dict[str, int]:
    """The folders that a RUN instruction makes for the user. It is run, with `install` replaced by a recorder."""
    done = subprocess.run(
        ["sh", "-ec", f"exec 3>&1 >&2; {_RECORD}{command}"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    made = re.findall(r"^-d -o mailfold -g mailfold -m (\d+) (.+)$", done.stdout, re.MULTILINE)
    return {path: int(mode, 8) for mode, paths in made for path in paths.split()}
