"""The ManageSieve dialogs against the real access service and mailbox store, whole and cut byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.protocol.sasl.outcome import encode_base64
from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats
from tests.parts.required import needs

FOLDER = Path(__file__).parent / "managesieve"
SETTINGS = {"sieve.scripts": "5", "sieve.script_octets": "20000"}
_SOURCES = {
    "source": '# rüles of "mine"\r\n/* {3+} */\tkeep;\n # no line end',
    "errors": 'frobnicate;\r\ndiscard "x";\r\nif not nonsense { keep; }\r\n',
    "many": "".join(f"frobnicate{number};\r\n" for number in range(20)),
    "doubtful": '# a space in a name\r\nif header "a b" "c" { discard; }\r\n',
}


def encoded(text: str) -> str:
    return encode_base64(text.encode()).decode()


def values(name: str) -> dict[str, str]:
    """Two fresh accounts with their log-ins, and scripts as Python bytes with their sizes."""
    user, second = f"{name}@example.org", f"{name}-2@example.org"
    plain, password64 = encoded(f"\0{user}\0{PASSWORD}"), encoded(PASSWORD)
    sources = {key: source.encode() for key, source in _SOURCES.items()}
    return {
        "user": user,
        "plain": plain,
        "plain_size": str(len(plain)),
        "second": encoded(f"\0{second}\0{PASSWORD}"),
        "wrong": encoded(f"\0{user}\0wrong"),
        "other": encoded(f"other\0{user}\0{PASSWORD}"),
        "login64": encoded(user),
        "password64": password64,
        "password64_size": str(len(password64)),
        **{key: repr(source) for key, source in sources.items()},
        **{f"{key}_size": str(len(source)) for key, source in sources.items()},
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """One server for all dialogs; each has accounts of its own."""
    needs(nats)
    with nats.NatsServer() as bus, ImapServer(tmp_path_factory.mktemp("sieve"), bus.url, SETTINGS) as started:
        yield started


@pytest.mark.parametrize("cut", [None, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
async def test_dialog(server: ImapServer, path: Path, cut: int | None) -> None:
    script = read_script(path, values(f"{path.stem}-{cut}"))
    await play(script, lambda _: ("127.0.0.1", server.managesieve_port), cut=cut)
