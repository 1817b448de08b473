"""An OpenID Connect issuer: its documents over HTTPS, and tokens signed with keys that may be rotated."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.parts.authority import root, server

AUDIENCE = "mail"


class Issuer:
    """`with Issuer(folder) as issuer`; what it answers may be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        authority = root()
        self.ca_file = folder / "issuer-ca.pem"
        self.ca_file.write_bytes(authority.write(folder / "issuer-root.pem").read_bytes())
        self._context = server(authority, "localhost").server(folder)
        self.keys: dict[str, Any] = {}
        """The private keys by id; the set is answered in this order."""
        self.rotate("first")
        self.asked: list[str] = []
        """The paths that were asked for."""
        self.seconds = 0.0
        """Seconds for which it thinks about an answer."""
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        """What it answers in place of its documents."""

    def __enter__(self) -> Issuer:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = self._context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The issuer."""
        return f"https://localhost:{self._server.server_address[1]}/realm"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server that trusts it."""
        return {"oidc.issuer": self.url, "oidc.audience": AUDIENCE, "oidc.ca_file": str(self.ca_file)}

    def rotate(self, kid: str, kind: str = "RS256") -> None:
        """Sign with another key; the ones before are forgotten."""
        self.keys = {kid: _new_key(kind)}

    def token(
        self, address: str, *, algorithm: str = "RS256", kid: str | None = "", key: Any = None, **claims: Any
    ) -> str:
        """A token for the user with this address; a claim of None is left out."""
        name, private = next(iter(self.keys.items()))
        given: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 300,
            "email": address,
            "email_verified": True,
        }
        given = {name: value for name, value in (given | claims).items() if value is not None}
        headers = {} if kid is None else {"kid": kid or name}
        return jwt.encode(given, key or private, algorithm, headers)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        time.sleep(self.seconds)
        status, headers, body = self.answer or (200, {}, self._document(handler.path))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            return  # who asked has heard enough

    def _document(self, path: str) -> bytes:
        if path.endswith("/.well-known/openid-configuration"):
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        return json.dumps({"keys": [_public(kid, key) for kid, key in self.keys.items()]}).encode()


def _new_key(kind: str) -> Any:
    if kind.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate() if kind == "EdDSA" else rsa.generate_private_key(65537, 2048)


def _public(kid: str, key: Any) -> dict[str, Any]:
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((made for kind, made in kinds.items() if isinstance(key, kind)), OKPAlgorithm)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}  # type: ignore[attr-defined]
