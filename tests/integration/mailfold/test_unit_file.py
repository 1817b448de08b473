"""The systemd unit in ops/: systemd accepts it, its command exists, and it restricts the server."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path

from mailfold.arguments import parser_of
from mailfold.command_line import declared
from tests.parts.clients import SYSTEMD_ANALYZE
from tests.parts.required import needs

FOLDER = Path(__file__).resolve().parents[3] / "ops" / "systemd"
UNIT = FOLDER / "mailfold.service"
WORST_EXPOSURE = 2.0
"""The exposure level of systemd-analyze, from 0 to 10: below 2 it prints OK."""


def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def test_what_it_starts_is_a_command_of_ours() -> None:
    program, *words = service()["ExecStart"].split()
    assert program.endswith("/mailfold")
    up = declared(words[0])
    assert callable(up)
    parsed = parser_of(words[0], up).parse_args(words[1:])
    assert str(parsed.data) == f"/var/lib/{service()['StateDirectory']}"


def test_it_runs_as_a_user_that_the_other_file_makes() -> None:
    user = service()["User"]
    assert re.search(
        rf"^u {user} .* {re.escape('/var/lib/' + user)}$", (FOLDER / "mailfold.sysusers").read_text(), re.M
    )


def test_it_may_bind_ports_and_do_nothing_else_of_root() -> None:
    result = service()
    assert result["AmbientCapabilities"] == result["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert (result["NoNewPrivileges"], result["ProtectSystem"], result["StateDirectoryMode"]) == (
        "yes",
        "strict",
        "0700",
    )


def test_systemd_reads_it(tmp_path: Path) -> None:
    needs(SYSTEMD_ANALYZE)
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.M))
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_rates_the_unit_as_restricted() -> None:
    needs(SYSTEMD_ANALYZE)
    done = analyze("security", "--offline=yes", "--no-pager", str(UNIT))
    match = re.search(r"exposure level for \S+ ([\d.]+)", done.stdout)
    assert match is not None and float(match[1]) < WORST_EXPOSURE, done.stdout


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    path = SYSTEMD_ANALYZE.path()
    assert path is not None
    return subprocess.run([path, *words], capture_output=True, text=True, timeout=60, check=False)
