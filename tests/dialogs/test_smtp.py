"""The SMTP dialogs against the real ingress, whole and cut byte by byte."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.rpc.mailfold.delivery.v1.refusals_pb2 import WouldRefuseReply
from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.harness.waiting import until_true
from tests.integration.ingress.directory import PASSWORD
from tests.integration.ingress.refusing import FakeRefusals, FakeScripts, are_known
from tests.integration.ingress.server import Running, running
from tests.parts import nats
from tests.parts.required import needs

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLDER = Path(__file__).parent / "smtp"
PORTS = {"smtp": 25, "submission": 587, "submissions": 465}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


VALUES = {
    "plain": encoded(f"\0ann@example.org\0{PASSWORD}"),
    "wrong": encoded("\0ann@example.org\0wrong"),
    "login": encoded("ann@example.org"),
    "password": encoded(PASSWORD),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One ingress for all dialogs."""
    needs(nats)
    with nats.NatsServer() as bus:
        settings = {"max_header_bytes": "16384", "refusal_pause": "0.001"}
        scripts, reason = FakeScripts({"a2": ("ereject",)}), "No mail from strangers.\r\nSchöne Grüße!"
        refusals = FakeRefusals(WouldRefuseReply(kind="ereject", reason=reason, script="rules", line=2))
        folder = tmp_path_factory.mktemp("ingress")
        async with running(bus.url, folder, scripts=scripts, refusals=refusals, **settings) as started:
            await until_true(lambda: are_known(started.ingress.scripts))
            yield started


@pytest.mark.parametrize("cut", [None, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
async def test_dialog(server: Running, path: Path, cut: int | None) -> None:
    await play(read_script(path, VALUES), lambda listener: ("127.0.0.1", server.port(PORTS[listener])), cut=cut)
