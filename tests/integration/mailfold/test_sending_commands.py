"""`mailfold dkim`, `relay` and `secrets`, on an installation that does not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailfold.launcher.credentials import operator_tokens
from mailfold.layouts import START_ORDER
from shared.places import Places

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "hunter2-hunter2"


class Installation:
    """Commands on one data folder; no name server answers."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "mailfold", *words, "--data", str(self.data)],
            input=text,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "MAILFOLD_RESOLVER_ADDRESSES": "127.0.0.1:1", "MAILFOLD_RESOLVER_TIMEOUT": "0.2"},
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr and PASSWORD not in done.stdout + done.stderr
        return done

    def json(self, *words: str, text: str = "") -> Any:
        done = self.run(*words, "--json", text=text)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, *words: str, text: str = "") -> str:
        done = self.run(*words, text=text)
        assert done.returncode in (1, 2) and done.stderr.count("\n") == 1, done.stderr
        return done.stderr


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """With example.org."""
    places = Places(tmp_path / "data")
    places.make()
    operator_tokens(places, START_ORDER, lambda: "token")
    installation = Installation(places.data)
    installation.json("domain", "add", "example.org")
    return installation


def test_records_are_printed_for_a_zone_file_and_as_json(installation: Installation) -> None:
    keys = installation.json("dkim", "show", "example.org")
    assert [(key["algorithm"], key["state"], key["published"]) for key in keys] == [
        ("rsa-sha256", "signing", False),
        ("ed25519-sha256", "signing", False),
    ]
    assert not any("private" in field for key in keys for field in key)
    lines = installation.run("dkim", "show", "example.org").stdout.splitlines()
    assert [line for line in lines if not line.startswith(";")] == [key["zone_line"] for key in keys]
    strings = keys[0]["zone_line"].partition(" TXT ")[2].strip('"').split('" "')
    assert "".join(strings) == keys[0]["record"] and max(map(len, strings)) == 255


def test_keys_wait_are_given_up_and_refused(installation: Installation) -> None:
    keys = installation.json("dkim", "rotate", "example.org")
    waiting = [key["selector"] for key in keys if key["state"] == "new"]
    assert len(waiting) == 2
    assert "waits for its record" in installation.refused("dkim", "rotate", "example.org")
    checked = installation.json("dkim", "check", "example.org")
    assert all("no usable answer" in key["check"] and not key["published"] for key in checked)
    assert "no former key" in installation.refused("dkim", "retire", "example.org")
    shown = installation.run("dkim", "retire", "example.org", "--selector", waiting[0])
    assert f"remove the record {waiting[0]}._domainkey.example.org" in shown.stdout
    signer = next(key["selector"] for key in keys if key["state"] == "signing")
    assert "rotate" in installation.refused("dkim", "retire", "example.org", "--selector", signer, "--force")
    assert "mailfold domain list" in installation.refused("dkim", "show", "nosuch.example")


def test_a_relay_is_set_from_a_file_or_standard_input_and_never_shown(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nnot this\n")
    words = ("relay", "set", "default", "ses", "--region", "eu-west-1", "--user", "AKIA")
    made = installation.json(*words, "--password-file", str(file))
    assert (made["domain"], made["host"], made["has_password"], made["signatures"]) == (
        "default",
        "email-smtp.eu-west-1.amazonaws.com",
        True,
        "rsa",
    )
    own = ("relay", "set", "example.org", "smarthost", "--host", "10.0.0.5", "--port", "465", "--tls", "implicit")
    limits = ("--connections", "2", "--messages-per-minute", "30", "--null-reverse-path", "no")
    made = installation.json(*own, *limits, "--user", "me", "--password-stdin", text=f"{PASSWORD}\n")
    assert (made["connections"], made["messages_per_minute"], made["accepts_null_reverse_path"]) == (2, 30, False)
    assert installation.json(*own, "--user", "me")["has_password"]  # kept
    assert [relay["domain"] for relay in installation.json("relay", "list")] == ["default", "example.org"]
    assert "10.0.0.5" in installation.run("relay", "show", "example.org").stdout
    installation.json("relay", "remove", "example.org")
    assert [relay["domain"] for relay in installation.json("relay", "list")] == ["default"]
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in (installation.data / "store").iterdir())


REFUSALS: list[tuple[list[str], str]] = [
    (["default", "smarthost"], "needs a host"),
    (["default", "nosuch"], "mailfold relay presets"),
    (["default", "ses", "--user", "me"], "needs a region"),
    (["default", "sendgrid"], "needs a user name"),
    (["default", "sendgrid", "--user", "apikey"], "wants a password"),
    (["default", "smarthost", "--host", "a", "--user", "me", "--tls", "none"], "clear text"),
    (["default", "smarthost", "--host", "a\r\nb"], "is not a host"),
    (["default", "smarthost", "--host", "a" * 300], "too long"),
    (["default", "smarthost", "--host", "a", "--port", "70000"], "70000"),
    (["nosuch.example", "smarthost", "--host", "a"], "mailfold domain list"),
    (["x\r\ny", "smarthost", "--host", "a"], "mailfold domain list"),
    (["default", "smarthost", "--host", "a", "--user", "m", "--password-file", "/nosuch"], "cannot be read"),
    (["default", "smarthost", "--host", "a", "--user", "m", "--password-stdin"], "no password came"),
]


def test_what_cannot_be_is_refused_in_one_line(installation: Installation) -> None:
    for words, reported in REFUSALS:
        assert reported in installation.refused("relay", "set", *words), words


def test_presets_are_listed(installation: Installation) -> None:
    presets = {preset["name"]: preset for preset in installation.json("relay", "presets")}
    assert presets["ses"]["unsigned_fields"] == ["message-id", "date", "return-path"]
    assert "office365" in installation.run("relay", "presets").stdout
    assert "the MX hosts" in installation.run("relay", "list").stdout


def test_secrets_are_rekeyed_and_the_old_key_is_dropped(installation: Installation) -> None:
    before = installation.json("secrets", "show")
    assert [(key["seals"], key["secrets"]) for key in before["keys"]] == [(True, 2)]
    rekeyed = installation.json("secrets", "rekey")
    assert [(key["seals"], key["secrets"]) for key in rekeyed["keys"]] == [(True, 2), (False, 0)]
    assert [key["secrets"] for key in installation.json("secrets", "drop")["keys"]] == [2]
    assert installation.run("secrets", "show").stdout.splitlines()[0].endswith("secrets/secrets.key")


def test_a_lost_key_is_named_and_the_rest_works(installation: Installation) -> None:
    (installation.data / "secrets" / "secrets.key").unlink()
    assert "secrets.key is gone" in installation.refused("domain", "add", "example.net")
    assert len(installation.json("domain", "list")) == 1
    done = installation.run("secrets", "rekey", "--json")
    assert done.returncode == 1 and len(json.loads(done.stdout)["unreadable"]) == 2
    installation.json("domain", "add", "example.net")
