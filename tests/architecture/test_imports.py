"""Which module may import which (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.architecture.source import Source, parsed, sources

IMPURE = {
    "aiosmtpd",
    "apsw",
    "asyncio",
    "faststream",
    "grpc",
    "logging",
    "nats",
    "os",
    "psycopg",
    "random",
    "secrets",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "structlog",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
IMPURE_SHARED = (
    "shared.bus",
    "shared.blobs.local",
    "shared.dns",
    "shared.grpc",
    "shared.eventstore.store",
    "shared.service",
    "shared.tls",
    "shared.owner",
    "shared.network.binding",
    "shared.network.descriptors",
    "shared.network.listener",
    "shared.network.slot",
)
PURE_FILES = {"address.py", "connection_table.py"}
"""Of `shared/network`."""


def crossings() -> Iterator[str]:
    for file in sources():
        for line, module in file.imports():
            reason = wall(file, module.split("."), module)
            if reason:
                yield f"{file.name}:{line} imports {module}: {reason}"


def wall(file: Source, head: list[str], module: str) -> str:
    parts = file.parts
    service = parts[1] if parts[0] == "services" and len(parts) > 2 else ""
    if parts[0] == "shared" and head[0] in ("services", "mailfold"):
        return "shared/ knows no service"
    if service and head[0] == "services" and len(head) > 1 and head[1] != service:
        return "services meet in events and contracts only"
    if service and head[0] == "mailfold":
        return "only the launcher knows all"
    if pure(parts) and (head[0] in IMPURE or module.startswith(IMPURE_SHARED)):
        return "a pure place"
    if (
        "domain" in parts
        and service
        and len(head) > 2
        and head[0] == "services"
        and head[2] in ("handlers", "endpoints", "projections", "adapters")
    ):
        return "arrows point inward"
    if "handlers" in parts and len(head) > 2 and head[0] == "services" and head[2] == "endpoints":
        return "arrows point inward"
    return ""


def pure(parts: tuple[str, ...]) -> bool:
    if parts[:2] == ("shared", "network"):
        return parts[-1] in PURE_FILES
    return parts[:2] in (("shared", "protocol"), ("shared", "routing"), ("shared", "events")) or (
        parts[0] == "services" and "domain" in parts
    )


def test_no_wall_is_crossed() -> None:
    assert list(crossings()) == []


def test_the_rules_see_what_they_forbid() -> None:
    bad = parsed("shared/protocol/imap/clock.py", "import time")
    assert wall(bad, ["time"], "time") == "a pure place"
    assert wall(bad, ["services", "access"], "services.access") == "shared/ knows no service"
