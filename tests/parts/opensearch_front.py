"""TLS and a password in front of OpenSearch, which the distribution for tests does not have itself."""

from __future__ import annotations

import base64
import hmac
import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from tests.parts.certificate import self_signed
from tests.parts.child import Folder

USER, PASSWORD = "mailfold", "correct horse"
_SENT = ("content-type", "content-encoding", "accept", "accept-encoding")
_UNAUTHORIZED = b'{"error":"unauthorized","status":401}'


class OpenSearchFront:
    """`with OpenSearchFront(url) as front: … front.url, front.authority`.

    `too_large` is the number of octets above which a body is refused with 413.
    """

    def __init__(self, upstream: str) -> None:
        self.folder = Folder("opensearch-front")
        self.authority = self_signed(self.folder.path, "localhost")
        self.too_large = 100_000_000
        self.statuses: list[int] = []
        """Statuses that the next requests get instead of an answer of OpenSearch."""
        self.connections = 0
        """Connections that were accepted so far."""
        self._server = _Server(("127.0.0.1", 0), _handler(self, urlsplit(upstream).netloc), self.authority)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> OpenSearchFront:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.folder.close(keep=False)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], certificate: Path) -> None:
        super().__init__(address, handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate ends the handshake; nothing is printed."""


def _handler(front: OpenSearchFront, upstream: str) -> type[BaseHTTPRequestHandler]:
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            front.connections += 1

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if not hmac.compare_digest(self.headers.get("authorization", ""), expected):
                self.answer(401, _UNAUTHORIZED)
            elif front.statuses:
                self.answer(front.statuses.pop(0), b"{}")
            elif len(body) > front.too_large:
                self.answer(413, b"")
            else:
                self.pass_on(body)

        def pass_on(self, body: bytes) -> None:
            connection = http.client.HTTPConnection(upstream, timeout=60)
            sent = {name: value for name, value in self.headers.items() if name.lower() in _SENT}
            try:
                connection.request(self.command, self.path, body, sent)
                answer = connection.getresponse()
                self.answer(answer.status, answer.read(), answer.getheader("content-type", "application/json"))
            finally:
                connection.close()

        def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing to the error output."""

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = forward

    return Handler
