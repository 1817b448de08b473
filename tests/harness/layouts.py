"""The layouts and databases in which an end-to-end test runs.

A test that is marked `all_layouts` runs in all four, because it shows a flow of mail, or because what it shows depends
on the processes or on the database. Another test runs in one, which its name chooses, so that the tests of an area are
spread over all; `MAILFOLD_TEST_LAYOUTS=all` runs all tests in all four.

Some files also run on the containers of docker-compose.yml (tests/harness/compose_server.py);
`MAILFOLD_TEST_COMPOSE=all` runs all of them there.
"""

from __future__ import annotations

import os
from zlib import crc32

LAYOUTS = ("small-sqlite", "split-sqlite", "small-postgres", "split-postgres")
COMPOSE = "compose-postgres"
"""Each service in a container of its own."""
_IN_CONTAINERS = ("test_receiving", "test_submission", "test_reading", "test_managesieve")
"""Files whose tests together go through every service."""
_ABOUT_CONTAINERS = "test_containers"


def layouts_of(test: str, *, everywhere: bool) -> tuple[str, ...]:
    """The layouts for a test of this name; every run chooses the same."""
    if everywhere or os.environ.get("MAILFOLD_TEST_LAYOUTS") == "all":
        return LAYOUTS
    return (LAYOUTS[crc32(test.encode()) % len(LAYOUTS)],)


def needs_containers(test: str) -> bool:
    """Whether a test, given by its node id, is about the containers themselves."""
    return _file_of(test) == _ABOUT_CONTAINERS


def runs_in_containers(test: str) -> bool:
    """Whether a test, given by its node id, runs on the containers too."""
    chosen = _file_of(test) in (*_IN_CONTAINERS, _ABOUT_CONTAINERS)
    return chosen or os.environ.get("MAILFOLD_TEST_COMPOSE") == "all"


def _file_of(test: str) -> str:
    return test.partition("::")[0].rpartition("/")[2].removesuffix(".py")
