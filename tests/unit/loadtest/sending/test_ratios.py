"""Servers are compared by medians; the table and the sentences say what was reached and what was skipped."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from loadtest.figures import Report, Sending, SendingRatio, Spread
from loadtest.sending.mailfold import NAME, settings
from loadtest.sending.peers import BARE, WITH_RSPAMD
from loadtest.sending.ratios import ratios, reaches_goal
from loadtest.sending.tables import show_sending


def _round(server: str, rate: float, **cpu: float) -> Sending:
    return Sending(
        server=server,
        connections=10,
        mails=2000,
        accepted=1999,
        refusals={"RCPT: 451 later": 1},
        signatures=2,
        accepted_per_second=rate + 1,
        arrived_per_second=rate,
        accept_ms=Spread(1999, 10.0, 20.0, 30.0),
        cpu_ms_per_mail=cpu,
        fsyncs_per_mail={} if server == BARE else {"core": 0.75},
        others_cores=0.1,
    )


ROUNDS = [
    _round(NAME, 150.0, core=4.0, edge=2.0),
    _round(BARE, 300.0, postfix=2.0),
    _round(WITH_RSPAMD, 100.0, postfix=2.0, rspamd=8.0),
    _round(NAME, 10.0, core=40.0, edge=20.0),
    _round(NAME, 160.0, core=3.0, edge=2.0),
]
RATIOS = [
    SendingRatio(server=NAME, beside=BARE, arrived_per_second=0.5, cpu=3.0),
    SendingRatio(server=NAME, beside=WITH_RSPAMD, arrived_per_second=1.5, cpu=0.6),
]


def _shown(report: Report) -> str:
    output = io.StringIO()
    show_sending(report, Console(file=output, width=160))
    return output.getvalue()


def _report(**parts: object) -> Report:
    return msgspec.structs.replace(Report(began="now", machine="here", fsync_method=None), **parts)


def test_the_medians_of_the_rounds_are_compared() -> None:
    assert ratios(ROUNDS, NAME) == RATIOS
    assert ratios(ROUNDS[1:3], NAME) == []


@pytest.mark.parametrize(("rate", "cpu", "reached"), [(1.5, 0.6, True), (1.49, 0.6, False), (1.5, 0.61, False)])
def test_the_goal_needs_both_rate_and_cpu(rate: float, cpu: float, reached: bool) -> None:
    ratio = SendingRatio(server=NAME, beside=WITH_RSPAMD, arrived_per_second=rate, cpu=cpu)
    assert reaches_goal(ratio) is reached


def test_the_table_has_a_column_for_each_server_and_a_line_for_each_process() -> None:
    text = " ".join(_shown(_report(sending=ROUNDS, sending_ratios=RATIOS, skipped={"Exim": "no Exim"})).split())
    for expected in (
        "150.0",
        "10.0 / 160.0",
        "3 x 2000",
        "│ rspamd │ - │ - │ 8.00 │",
        "│ fsyncs/mail │ 0.75 │ not measured │ 0.75 │",
        "Mailfold beside Postfix: 0.50 x the mails per second, 3.00 x the CPU Mailfold beside",
        "1.50 x the mails per second, 0.60 x the CPU (goal: at least 1.5 and at most 0.6: reached)",
        "Exim was skipped: no Exim",
    ):
        assert expected in text


@pytest.mark.parametrize(("cores", "warned"), [(0.6, False), (0.61, True)])
def test_a_run_beside_other_programs_is_not_to_be_compared(cores: float, warned: bool) -> None:
    rounds = [msgspec.structs.replace(measured, others_cores=cores) for measured in ROUNDS]
    assert ("compare no figures of this run" in _shown(_report(sending=rounds))) is warned


def test_a_report_without_sending_shows_nothing() -> None:
    assert _shown(_report()) == ""


def test_the_report_survives_json() -> None:
    report = _report(sending=ROUNDS, sending_ratios=RATIOS, skipped={"Exim": "no Exim"})
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_only_where_mail_may_go_and_limits_of_accounts_differ_from_the_defaults() -> None:
    assert {name.removeprefix("MAILFOLD_OUTBOUND_") for name in settings(4025)} == {
        "SENDING",
        "PORT",
        "ALLOW_NETWORKS",
        "MAILS_AN_HOUR",
        "MAILS_A_DAY",
        "RECIPIENTS_AN_HOUR",
        "RECIPIENTS_A_DAY",
        "NEW_RECIPIENTS_A_DAY",
    }
