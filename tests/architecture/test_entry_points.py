"""Every service is entered the same way."""

from __future__ import annotations

from tests.architecture.source import ROOT

MAIN = """from services.{name}.app import SECTIONS, SERVICE, build
from shared.service import main

main(SERVICE, build, SECTIONS)
"""
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/app.py"))


def test_every_main_is_the_same_three_lines() -> None:
    different = [
        name for name in SERVICES if (ROOT / "services" / name / "__main__.py").read_text() != MAIN.format(name=name)
    ]
    assert different == []


def test_every_service_of_the_design_is_there() -> None:
    assert set(SERVICES) == {
        "access",
        "classifier",
        "delivery",
        "directory",
        "eventlog",
        "indexer",
        "ingress",
        "mailstore",
        "outbound",
    }
