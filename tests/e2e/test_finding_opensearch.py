"""SEARCH with the text index in OpenSearch: the answers are those of the embedded one, also while it is away."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from tests.e2e import test_finding as same
from tests.e2e import test_queries as queries
from tests.harness.imap_wire import Wire
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.parts import nats, opensearch
from tests.parts.opensearch import OpenSearchServer
from tests.parts.required import needs

ann, imap = same.ann, same.imap
test_searches = same.test_searches_find_what_reading_finds_while_messages_come_and_go
test_header = same.test_a_header_that_nobody_lists_is_found
test_rebuild = same.test_an_index_is_built_anew_beside_the_serving_one

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cluster() -> Iterator[OpenSearchServer]:
    """An OpenSearch that the tests of this module may kill."""
    needs(opensearch)
    with OpenSearchServer() as running:
        yield running


@pytest.fixture(scope="module")
def server(cluster: OpenSearchServer) -> Iterator[MailfoldServer]:
    """A server whose text index is in OpenSearch."""
    needs(nats)
    settings = {"MAILFOLD_INDEX_ENGINE": "opensearch", "MAILFOLD_OPENSEARCH_URLS": cluster.url}
    with MailfoldServer(settings=settings) as running:
        yield running


def _serving(server: MailfoldServer) -> list[tuple[str, bool]]:
    return [(index["engine"], index["is_serving"]) for index in server.command.json("index", "status")["indexes"]]


def test_queries_have_the_answers_of_the_embedded_index(server: MailfoldServer) -> None:
    queries.check(server, queries.filled(server))


def test_engines_are_switched_and_opensearch_killed_while_searches_are_right(
    server: MailfoldServer, cluster: OpenSearchServer, ann: Person, imap: Wire
) -> None:
    chance = random.Random(7)
    imap.ok("CREATE kept")
    bodies: dict[int, str] = {}
    for number in range(1, 61):
        data, bodies[number] = same.mail(chance, number)
        same.append(imap, "kept", data)
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    imap.ok("SELECT kept")
    same.compare(imap, bodies, chance, 5)
    cluster.kill()
    data, bodies[61] = same.mail(chance, 61)
    same.append(imap, "kept", data)
    same.compare(imap, bodies, chance, 5)
    assert "searches read messages" in json.dumps(server.status())
    cluster.start()
    until(lambda: server.count("indexer", "waiting") == 0, "the index has caught up")
    same.compare(imap, bodies, chance, 5)
    for engine in ("embedded", "opensearch"):
        server.extra["MAILFOLD_INDEX_ENGINE"] = engine
        imap.close()
        server.restart()
        imap = same.opened(server, ann)
        imap.ok("SELECT kept")
        same.compare(imap, bodies, chance, 3)
        until(lambda engine=engine: _serving(server) == [(engine, True)], "the other engine serves alone")
        same.compare(imap, bodies, chance, 5)
