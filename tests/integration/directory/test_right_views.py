"""The list of users for a domain admin has those whom the admin may change, whatever their number."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.directory.domain.rights import Rights, is_subject
from services.directory.handlers.right_rules import rights_of, user_touched
from services.directory.handlers.right_views import VIEWS
from shared.eventstore.connection import Reader, Row
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import groups_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_bulk import import_file, written
from tests.integration.directory.test_rights import as_user
from tests.unit.services.directory.test_ready_hashes import SHA512_CRYPT

DOMAINS = ("a.example", "b.example", "c.example")
USERS = 60


class CountingReader:
    """Counts the statements of a view."""

    def __init__(self, reader: Reader) -> None:
        self.octet_order = reader.octet_order
        self.statements = 0
        self._reader = reader

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.statements += 1
        return self._reader.all(sql, parameters)

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        self.statements += 1
        return self._reader.first_row(sql, parameters)


async def crowd(running: Running, path: Path) -> str:
    """Users with accounts of their own and of groups in any domains, some with a role; returns the id of an admin."""
    chance = random.Random(5)
    lines: list[dict[str, Any]] = [{"kind": "domain", "name": domain} for domain in DOMAINS]
    for number in range(USERS):
        lines.append({"kind": "user", "name": f"u{number}", "password_hash": SHA512_CRYPT[0]})
        lines += [
            {"kind": "account", "address": f"u{number}@{domain}", "user": f"u{number}"}
            for domain in chance.sample(DOMAINS, chance.choice((0, 0, 1, 1, 2)))
        ]
    assert (await import_file(running, written(path, *lines))).mistakes == []
    groups, roles = GroupsStub(running.channel("operator")), RolesStub(running.channel("operator"))
    for domain in DOMAINS:
        users = [f"u{number}" for number in chance.sample(range(USERS), 8)]
        await groups.AddGroup(groups_pb2.AddGroupRequest(name=f"g {domain}", users=users))
        await running.stub.AddAccount(pb.AddAccountRequest(address=f"team@{domain}", group=f"g {domain}"))
    give = roles_pb2.GiveRoleRequest
    await roles.GiveRole(give(user="u0", role="domain-admin", domains=DOMAINS[:2]))
    await roles.GiveRole(give(user="u1", role="domain-admin", domains=DOMAINS[:1]))
    await roles.GiveRole(give(user="u2", role="admin"))
    return (await as_user(running, "u0")).actor.id


async def test_the_view_agrees_with_the_right_to_change_each_user(directory: Running, tmp_path: Path) -> None:
    admin = await crowd(directory, tmp_path / "lines")
    everybody = await directory.stub.ListUsers(pb.ListRequest())

    def judged(reader: Reader, rights: Rights) -> set[str]:
        touched = {user.id: user_touched(reader, user.id) for user in everybody.users}
        return {identity for identity, user in touched.items() if user is not None and is_subject(rights, user)}

    def ask(reader: Reader) -> tuple[set[str], set[str], list[int]]:
        rights = rights_of(reader, admin)
        assert rights is not None
        seen, counts = set[str](), list[int]()
        for size in (5, len(everybody.users)):
            reply, counting = pb.UserList(users=everybody.users[:size]), CountingReader(reader)
            VIEWS["Directory/ListUsers"](counting, rights, reply)
            seen, counts = {user.id for user in reply.users}, [*counts, counting.statements]
        return seen, judged(reader, rights) | {admin}, counts

    seen, expected, counts = await directory.store.read(ask)
    assert seen == expected
    assert 5 < len(seen) < USERS - 5
    assert counts[0] == counts[1] <= 3
