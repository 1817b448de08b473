"""Percentiles, ratios, tables and options of the load test."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from loadtest.command import build_parser, main
from loadtest.figures import Growth, ImapTiming, Inbound, Latency, Report, Spread, spread
from loadtest.options import options
from loadtest.report import grown, growth_verdict, measures, show

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


def _timing(operation: str, size: int, cpu: float | None, wall: float = 1.0, **work: float) -> ImapTiming:
    return ImapTiming(operation=operation, mailbox_size=size, repeats=1, wall_ms=wall, cpu_ms=cpu, work=work)


GROWTH = Growth(
    sizes=[100, 1000],
    timings=[
        _timing("NOOP", 1000, 3.0),
        _timing("NOOP", 100, 2.0),
        _timing("SELECT", 100, None),
        _timing("SELECT", 1000, None, 4.0),
    ],
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


def test_measures_are_in_the_order_of_sizes() -> None:
    assert measures(GROWTH, "NOOP") == {"CPU ms": [2.0, 3.0], "wall ms": [1.0, 1.0]}
    assert measures(GROWTH, "SELECT") == {"wall ms": [1.0, 4.0]}


def _growth(*timings: ImapTiming) -> Growth:
    return Growth(sizes=sorted({timing.mailbox_size for timing in timings}), timings=list(timings))


def test_what_grows_is_named_with_its_largest_ratio() -> None:
    assert grown(GROWTH) == {"NOOP": {"CPU ms": 1.5}}
    assert growth_verdict(GROWTH) == "above 1.2: NOOP (CPU ms 1.50)"
    bulge = [
        _timing("APPEND", size, 2.0, rows_read=rows, statements=7) for size, rows in ((10, 2), (100, 6), (1000, 3))
    ]
    assert grown(_growth(*bulge)) == {"APPEND": {"rows_read": 3.0}}


def test_what_is_within_the_bound_or_a_curve_is_not_named() -> None:
    within = [_timing("STATUS", 10, 1.0, wall=1, calls=5), _timing("STATUS", 100, 1.2, wall=9, calls=6)]
    curve = [_timing("SELECT", 10, 1.0), _timing("SELECT", 100, 9.0)]
    assert grown(_growth(*within, *curve)) == {}
    assert growth_verdict(_growth(*within)) == "nothing that must stay flat is above 1.2"


def test_the_server_s_own_doings_are_no_growth_of_an_operation_without_statements() -> None:
    assert (
        grown(_growth(_timing("NOOP", 10, 0.06, statements=0.002), _timing("NOOP", 100, 0.06, statements=0.09))) == {}
    )
    assert grown(_growth(_timing("NOOP", 10, 0.06), _timing("NOOP", 100, 0.09))) == {"NOOP": {"CPU ms": 1.5}}


def test_octets_are_judged_by_their_sum() -> None:
    few = _timing("STORE new", 10, 1.0, bytes_read=100, bytes_written=40_000)
    assert grown(_growth(few, _timing("STORE new", 100, 1.0, bytes_read=300, bytes_written=40_000))) == {}
    assert grown(_growth(few, _timing("STORE new", 100, 1.0, bytes_read=20_150, bytes_written=40_000))) == {
        "STORE new": {"bytes": 1.5}
    }


def test_without_meters_the_waiting_is_judged() -> None:
    assert grown(_growth(_timing("NOOP", 10, None, wall=1.0), _timing("NOOP", 100, None, wall=2.0))) == {
        "NOOP": {"wall ms": 2.0}
    }


def test_tables_show_what_was_not_reached_and_not_measured() -> None:
    output = io.StringIO()
    show(REPORT, Console(file=output, width=150))
    for text in (
        "not drained",
        "1 x RCPT: 451 later",
        "not measured",
        "2 / 0",
        "NOOP",
        "1.50",
        "SELECT (curve)",
        "above 1.2: NOOP",
    ):
        assert text in output.getvalue()


def test_the_report_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(REPORT), type=Report) == REPORT


def test_options_make_a_target() -> None:
    given = build_parser().parse_args(
        ["inbound", "--host", "192.0.2.7", "--port-offset", "100", "--imap-port", "143", "--plain-imap"]
    )
    target = options(given).target
    assert (target.smtp_port, target.imap_port, target.imap_tls, target.sources) == (125, 143, False, ())


@pytest.mark.parametrize(
    "argv",
    [
        ["inbound", "--start", "--data", "x"],
        ["run", "--create-users"],
        ["latency", "--host", "not an address"],
        ["inbound", "--users", "0"],
    ],
)
def test_options_that_contradict_are_refused(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "command",
    ["run", "inbound", "latency", "imap", "growth", "seed", "sending", "sieve", "text-engine", "finding", "zone"],
)
def test_every_subcommand_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage: loadtest" in capsys.readouterr().out
