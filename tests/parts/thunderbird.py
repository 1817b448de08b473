"""Thunderbird without a window, told by Marionette what to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.parts.child import Child, Folder
from tests.parts.ports import free_port

_PATIENCE = 90.0
_PREFERENCES = """\
user_pref("marionette.port", {port});
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("network.dns.disabled", false);
"""


class Thunderbird:
    """`with Thunderbird() as thunderbird: thunderbird.run("return arguments[0] + 1", 1)`."""

    def __init__(self) -> None:
        self._folder = Folder("thunderbird")
        self._port = free_port()
        self._child: Child | None = None
        self._socket: socket.socket | None = None
        self._number = 0
        self._buffer = b""

    @staticmethod
    def reason_missing() -> str | None:
        """None when the program is installed."""
        return None if shutil.which("thunderbird") else "no Thunderbird (make parts, or apt install thunderbird)"

    def __enter__(self) -> Thunderbird:
        profile = self._folder.path / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(_PREFERENCES.format(port=self._port))
        argv = [
            "thunderbird",
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            "--marionette",
            "--remote-allow-system-access",
        ]
        environment = {**os.environ, "HOME": str(self._folder.path), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self._child = Child(argv, self._folder.path / "log", env=environment)
        self._child.wait_until(self._connected, _PATIENCE)
        self._ask("WebDriver:NewSession", {})
        self._ask("WebDriver:SetTimeouts", {"script": int(1000 * _PATIENCE)})
        self._ask("Marionette:SetContext", {"value": "chrome"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._child is not None:
            self._child.stop()
        self._folder.close(keep=error is not None)

    def run(self, body: str, *arguments: Any) -> Any:
        """Run the body of an asynchronous function with the rights of the program; returns its value.

        Raises AssertionError with what it threw.
        """
        script = (
            "const done = arguments[arguments.length - 1]; const given = Array.from(arguments).slice(0, -1);"
            f"(async function () {{ {body} }}).apply(null, given)"
            ".then(value => done({value}), error => done({error: String(error) + ' ' + (error.cause || '')}));"
        )
        reply = self._ask("WebDriver:ExecuteAsyncScript", {"script": script, "args": list(arguments)})["value"]
        assert "error" not in reply, reply["error"]
        return reply.get("value")

    def trust(self, authority: Path) -> None:
        """Trust the certificates of an authority."""
        lines = authority.read_text().splitlines()
        encoded = "".join(line for line in lines if not line.startswith("-----"))
        self.run(
            'Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)'
            '.addCertFromBase64(arguments[0], "C,,");',
            encoded,
        )

    def _connected(self) -> bool:
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port), _PATIENCE)
        except OSError:
            return False
        self._received()  # the greeting
        return True

    def _ask(self, command: str, parameters: dict[str, Any]) -> Any:
        assert self._socket is not None
        self._number += 1
        data = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(data), data))
        _, _, error, result = json.loads(self._received())
        assert error is None, error
        return result

    def _received(self) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(2 * _PATIENCE)
        while b":" not in self._buffer:
            self._buffer += self._more()
        size, _, rest = self._buffer.partition(b":")
        while len(rest) < int(size):
            rest += self._more()
        self._buffer = rest[int(size) :]
        return rest[: int(size)]

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("Thunderbird closed the connection")
        return data
