"""Finding is measured against Dovecot alone: its counts, which it gets by reading, are those that are expected."""

from __future__ import annotations

from rich.console import Console

from loadtest.figures import Report
from loadtest.finding.figures import Finding, IndexCost, IndexedDelivery, IndexMemory, IndexSize, SearchTime
from loadtest.finding.filling import Receiver, fill
from loadtest.finding.searches import Expected, searches
from loadtest.finding.table import show_finding
from loadtest.finding.timing import cold_seconds, measure_searches
from loadtest.reading import dovecot
from loadtest.reading.measure import ReadServer
from tests.parts.required import needs

_MESSAGES = 120


async def test_another_server_finds_what_is_expected() -> None:
    needs(dovecot)
    asked = searches(1, _MESSAGES)
    async with dovecot.dovecot() as running:
        server = ReadServer("Dovecot", running.port, dovecot.USER, dovecot.PASSWORD, running.pop3_port)
        with server.connect() as connection:
            receiver = Receiver(connection, _MESSAGES - 20, Expected(asked))
            fill([receiver], _MESSAGES, 1, 3000, lambda: None)
        times = measure_searches(server, asked, receiver.expected.counts, 1, lambda: None)
        cold = cold_seconds(server, asked[:3], lambda: None, lambda: None)
    assert receiver.amounts.mails == _MESSAGES - 20
    assert not [time for time in times if time.refusal or time.best_ms <= 0]
    assert {time.search: time.found for time in times} == {time.search: time.expected for time in times}
    assert all(seconds > 0 for seconds in cold.values())


def test_the_tables_name_wrong_counts_and_refusals() -> None:
    right = SearchTime(search="BODY x", server="Mailfold", expected=4, found=4, first_ms=3, best_ms=1, warm_ms=2)
    wrong = SearchTime(search="BODY x", server="Other", expected=4, found=3, first_ms=3, best_ms=1, warm_ms=2)
    refused = SearchTime(search="BODY y", server="Other", expected=4, found=0, refusal="BAD Unknown")
    finding = Finding(
        searches=[
            right,
            wrong,
            SearchTime(search="BODY y", server="Mailfold", expected=4, found=4, cold_ms=7),
            refused,
        ],
        costs=[IndexCost(server="Mailfold", seconds=2, mails_per_second=50, cpu_ms_per_mail={"mind": 1.5})],
        sizes=[
            IndexSize(server="Mailfold", mails=4, mail_octets=9, text_octets=8, compressed_octets=4, parts={"words": 6})
        ],
        memory=[IndexMemory(state="index off", memory={"mind": 5_000_000})],
        deliveries=[
            IndexedDelivery(engine="off", rate=20, sent=4, seen=4, p50_ms=9, p99_ms=20, cpu_ms_per_mail={"mind": 2.5})
        ],
    )
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    show_finding(Report(began="", machine="", fsync_method=None, finding=finding), console)
    text = console.export_text()
    for shown in ("(3 of 4)", "BAD Unknown", "7.0", "1.50", "words 1.50", "9.0 / 20.0", "4 of 4 seen"):
        assert shown in text
