"""Figures, tables and options."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from loadtest.command import build_parser, main
from loadtest.figures import Growth, ImapTiming, Inbound, Latency, Report, Spread, spread
from loadtest.options import options
from loadtest.report import ratios, show

SPREAD = Spread(3, 1.0, 2.0, 2.5)
INBOUND = Inbound(
    connections=10,
    per_connection=10,
    pipelining=False,
    messages=100,
    accepted=99,
    refusals={"RCPT: 451 later": 1},
    accepted_per_second=50.0,
    drained_per_second=0.0,
    missing=2,
    surplus=0,
    accept_ms=SPREAD,
    cpu_ms_per_message={"edge": 3.0},
    settled_cpu_ms_per_message={"edge": 3.5},
    client_cpu_ms_per_message=0.3,
    others_cores=0.1,
    fsyncs_per_message={},
    peak_memory={"edge": 2**20},
    peak_memory_total=2**20,
)


def _timing(operation: str, size: int, cpu: float | None, wall: float = 1.0) -> ImapTiming:
    return ImapTiming(operation=operation, mailbox_size=size, repeats=1, wall_ms=wall, cpu_ms=cpu)


GROWTH = Growth(
    sizes=[100, 1000],
    timings=[_timing("NOOP", 1000, 3.0), _timing("NOOP", 100, 2.0), _timing("SELECT", 100, None), _timing("SELECT", 1000, None, 4.0)],
)
REPORT = Report(
    began="now",
    machine="here",
    fsync_method=None,
    inbound=[INBOUND],
    latency=[Latency(rate=20, seen_by="noop", sent=3, seen=3, refused=0, arrival_ms=SPREAD, accept_ms=SPREAD)],
    imap=[_timing("SELECT", 10, 1.0)],
    growth=GROWTH,
)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert spread([n / 1000 for n in range(1, 101)]) == Spread(100, 50.0, 99.0, 100.0)
    assert spread([]) == Spread(0, 0.0, 0.0, 0.0)
    assert spread([0.5]) == Spread(1, 500.0, 500.0, 500.0)


def test_ratios_compare_the_largest_size_with_the_smallest() -> None:
    assert ratios(GROWTH) == {"NOOP": 1.5, "SELECT": 4.0}


def test_tables_show_what_was_not_reached_and_not_measured() -> None:
    output = io.StringIO()
    show(REPORT, Console(file=output, width=150))
    for text in ("not drained", "1 x RCPT: 451 later", "not measured", "2 / 0", "NOOP", "1.50", "SELECT (curve)"):
        assert text in output.getvalue()


def test_the_report_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(REPORT), type=Report) == REPORT


def test_options_make_a_target() -> None:
    given = build_parser().parse_args(["inbound", "--host", "192.0.2.7", "--port-offset", "100", "--imap-port", "143", "--plain-imap"])
    target = options(given).target
    assert (target.smtp_port, target.imap_port, target.imap_tls, target.sources) == (125, 143, False, ())


@pytest.mark.parametrize(
    "argv", [["inbound", "--start", "--data", "x"], ["run", "--create-users"], ["latency", "--host", "not an address"], ["inbound", "--users", "0"]]
)
def test_options_that_contradict_are_refused(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


@pytest.mark.parametrize("command", ["run", "inbound", "latency", "imap", "growth", "seed", "zone"])
def test_every_subcommand_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage: loadtest" in capsys.readouterr().out
