"""The OpenSPF suite for RFC 7208: 203 cases, each with its own zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.check import check_host
from tests.parts import test_data

SUITE = test_data.folder() / "spf" / "rfc7208-tests.yml"


def scenarios() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    if not SUITE.exists():
        return
    with SUITE.open(encoding="utf-8") as text:
        for scenario in yaml.safe_load_all(text):
            for name, case in scenario["tests"].items():
                yield f"{scenario['description']}/{name}", case, scenario["zonedata"]


CASES = list(scenarios())


def zone_lookup(zone: dict[str, list[Any]]) -> Callable[[Question], Answer]:
    """Answers as the suite describes them.

    SPF records replace TXT records where there are none, and what is not listed gets TIMEOUT.
    """
    entries = {name.lower(): list(items) for name, items in zone.items()}

    def look_up(question: Question, hops: int = 0) -> Answer:
        items = entries.get(question.name.lower())
        if items is None:
            return Answer("nxdomain", source="suite")
        typed = [item for item in items if isinstance(item, dict)]
        if question.rdtype == "TXT" and not any("TXT" in item for item in typed):
            typed += [{"TXT": item["SPF"]} for item in typed if "SPF" in item]
        records = [as_text(question.rdtype, item[question.rdtype]) for item in typed if question.rdtype in item]
        records = [record for record in records if record != "NONE"]
        if records:
            return Answer("ok", tuple(records), 300, source="suite")
        if "TIMEOUT" in items or hops > 8:
            return Answer("temperror", source="TIMEOUT")
        aliases = [item["CNAME"] for item in typed if "CNAME" in item]
        if aliases:
            return look_up(Question(aliases[0].removesuffix("."), question.rdtype), hops + 1)
        return Answer("nodata", source="suite")

    return look_up


def as_text(rdtype: str, value: Any) -> str:
    if rdtype == "MX":
        return f"{value[0]} {value[1] or '.'}"
    if rdtype == "TXT":
        return value if isinstance(value, str) else "".join(value)
    return str(value).removesuffix(".")


@pytest.mark.skipif(not CASES, reason=f"no SPF suite at {SUITE}")
def test_suite_is_whole() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize(("case", "zone"), [pytest.param(case, zone, id=name) for name, case, zone in CASES])
def test_case(case: dict[str, Any], zone: dict[str, Any]) -> None:
    evaluation = check_host(case["host"], case["helo"], case["mailfrom"], receiver="mx.example.org")
    result = drive_sync(evaluation, zone_lookup(zone))
    expected = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert result.result in expected, result
    if "explanation" in case:
        assert (result.explanation or "DEFAULT") == case["explanation"]
