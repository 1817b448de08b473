"""Exports, imports, histories and reverts with their trials, and the keys of SCRAM, say the same on PostgreSQL."""

from __future__ import annotations

import pytest

from shared.eventstore.postgres import PostgresBackend
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_reverts import (
    test_a_removed_domain_comes_back_whole as test_a_removed_domain_comes_back_whole,
)
from tests.integration.directory.test_reverts import (
    test_a_whole_import_of_every_kind_is_undone as test_a_whole_import_of_every_kind_is_undone,
)
from tests.integration.directory.test_right_views import (
    test_the_view_agrees_with_the_right_to_change_each_user as test_the_view_agrees,
)
from tests.integration.directory.test_scram import (
    test_it_is_offered_while_everybody_has_keys as test_scram_is_offered_while_everybody_has_keys,
)
from tests.integration.directory.test_scram import (
    test_keys_are_rebuilt_and_survive_another_key_of_secrets as test_keys_are_rebuilt,
)
from tests.parts import postgres
from tests.parts.required import needs

__all__ = [
    "test_a_removed_domain_comes_back_whole",
    "test_a_whole_import_of_every_kind_is_undone",
    "test_keys_are_rebuilt",
    "test_scram_is_offered_while_everybody_has_keys",
    "test_the_view_agrees",
]


@pytest.fixture
def environment(postgres_server: postgres.PostgresServer) -> dict[str, str]:
    """A store on PostgreSQL."""
    needs(postgres)
    return {"MAILFOLD_SERVER_STORE": postgres_server.create_database()}


async def test_the_store_is_on_postgresql(directory: Running) -> None:
    assert isinstance(directory.store.backend, PostgresBackend)
