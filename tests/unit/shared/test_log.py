"""Log lines: JSON, with secrets masked."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared import log as logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    before = structlog.get_config()
    written = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    logs.configure("test", "info", stream=written)
    yield written
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers[:] = handlers


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_event_ids_level_time_and_process(stream: io.StringIO) -> None:
    structlog.get_logger().info("mail.accepted", queue_id="q1")
    (line,) = lines(stream)
    assert (line["event"], line["queue_id"], line["level"], line["process"]) == ("mail.accepted", "q1", "info", "test")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_passwd",
        "client_secret",
        "access_token",
        "Authorization",
        "credential",
        "private_key",
        "PASSWORD",
    ],
)
def test_secrets_are_masked(stream: io.StringIO, name: str) -> None:
    structlog.get_logger().info("log_in.refused", **{name: "xyzzy"}, login="ann@example.org")
    assert "xyzzy" not in stream.getvalue()
    assert lines(stream)[0]["login"] == "ann@example.org"


def test_ids_of_credentials_are_no_secrets(stream: io.StringIO) -> None:
    structlog.get_logger().info("log_in.done", credential_id="c1")
    assert lines(stream)[0]["credential_id"] == "c1"


def test_secrets_inside_values_are_masked(stream: io.StringIO) -> None:
    structlog.get_logger().info(
        "settings.read", settings={"password": "xyzzy", "url": "nats://x"}, many=[{"token": "xyzzy"}]
    )
    assert "xyzzy" not in stream.getvalue()
    assert lines(stream)[0]["settings"]["url"] == "nats://x"


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("mail.detail")
    assert stream.getvalue() == ""


def test_hostile_text_stays_on_its_line(stream: io.StringIO) -> None:
    structlog.get_logger().info("helo.refused", helo='x"\r\n{"event":"forged"}\x00\x1b[31m\u2028')
    assert len(lines(stream)) == 1
    assert stream.getvalue().count("\n") == 1


def test_an_exception_keeps_its_trace(stream: io.StringIO) -> None:
    structlog.get_logger().error("worker.failed", exc_info=ValueError("why"))
    assert "ValueError: why" in lines(stream)[0]["exception"]
