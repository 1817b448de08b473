"""Roundcube, a webmail, under PHP's own web server."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from types import TracebackType

from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port

_ROOT = Path("/var/lib/roundcube/public_html")
_SCHEMA = Path("/usr/share/roundcube/SQL/sqlite.initial.sql")
_CONFIGURATION = """\
<?php
$tls = ['ssl' => ['cafile' => '{authority}', 'verify_peer' => true, 'peer_name' => 'localhost']];
$config = [
    'db_dsnw' => 'sqlite:///{folder}/roundcube.db?mode=0640',
    'imap_host' => ['ssl://localhost:{imap}'],
    'imap_conn_options' => $tls,
    'smtp_host' => 'ssl://localhost:{smtp}',
    'smtp_conn_options' => $tls,
    'smtp_user' => '%u',
    'smtp_pass' => '%p',
    'managesieve_host' => 'tls://localhost:{sieve}',
    'managesieve_conn_options' => $tls,
    'des_key' => '0123456789abcdef01234567',
    'plugins' => ['managesieve', 'archive', 'acl', 'markasjunk'],
    'skin' => 'elastic',
    'language' => 'en_US',
    'log_dir' => '{folder}',
    'temp_dir' => '{folder}',
    'enable_spellcheck' => false,
    'drafts_mbox' => 'Drafts', 'junk_mbox' => 'Spam', 'sent_mbox' => 'Sent', 'trash_mbox' => 'Trash',
    'archive_mbox' => 'Archive',
];
"""


class Roundcube:
    """`with Roundcube(authority, imap, smtp, sieve) as webmail: browser.get(webmail.url)`.

    The ports are those of IMAP and submission over TLS and of ManageSieve on localhost.
    """

    def __init__(self, authority: Path, imap: int, smtp: int, sieve: int) -> None:
        self._folder = Folder("roundcube")
        self.port = free_port()
        self._configuration = _CONFIGURATION.format(
            authority=authority, folder=self._folder.path, imap=imap, smtp=smtp, sieve=sieve
        )
        self._child: Child | None = None

    @staticmethod
    def reason_missing() -> str | None:
        """None when the packages are installed."""
        if shutil.which("php") and _ROOT.is_dir():
            return None
        return "no Roundcube (make parts, or apt install roundcube-core roundcube-plugins roundcube-sqlite3 php-cli)"

    @property
    def url(self) -> str:
        """The address of the log-in page."""
        return f"http://127.0.0.1:{self.port}/index.php"

    def __enter__(self) -> Roundcube:
        folder = self._folder.path
        (folder / "config").mkdir()
        (folder / "config" / "config.inc.php").write_text(self._configuration)
        shutil.copy("/etc/roundcube/defaults.inc.php", folder / "config")
        shutil.copy("/etc/roundcube/mimetypes.php", folder / "config")
        with sqlite3.connect(folder / "roundcube.db") as database:
            database.executescript(_SCHEMA.read_text())
        self._child = Child(
            ["php", "-S", f"127.0.0.1:{self.port}", "-t", str(_ROOT)],
            folder / "php.log",
            env={**os.environ, "ROUNDCUBE_CONFIG_DIR": str(folder / "config"), "PHP_CLI_SERVER_WORKERS": "4"},
        )
        self._child.wait_until(lambda: accepts(self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop()
        if error is not None:
            for log in (self._folder.path / "errors.log", self._folder.path / "errors"):
                if log.exists():
                    print(log.read_text("utf-8", "replace")[-3000:])
        self._folder.close(keep=error is not None)
