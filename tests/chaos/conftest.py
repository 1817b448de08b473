"""A server for the chaos tests; its logs are shown when a test has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.chaos.people import settle
from tests.harness.server import MailfoldServer
from tests.harness.shown import Show
from tests.parts import nats
from tests.parts.required import needs

Start = Callable[..., MailfoldServer]


@pytest.fixture(autouse=True)
def counted(capsys: pytest.CaptureFixture[str], show: Show) -> Iterator[None]:
    """What these tests print is shown also when they pass."""
    yield
    show(capsys.readouterr().out)


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """`start(settings, layout, store)`: a running server with people, stopped after the test."""
    needs(nats)
    running: list[MailfoldServer] = []

    def begin(settings: Mapping[str, str] | None = None, layout: str = "small", store: str = "") -> MailfoldServer:
        server = MailfoldServer(settings=settings, layout=layout, store=store)
        running.append(server)
        server.open()
        settle(server.contracts)
        return server

    failures = request.session.testsfailed
    yield begin
    failed = request.session.testsfailed > failures
    for server in running:
        if failed:
            print(server.log_tails())
        server.close(failed=failed)
