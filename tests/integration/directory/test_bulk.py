"""Imports, exports, histories and reverts over the directory's socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from mailfold.bulk.importing import Importing, ImportReport
from mailfold.bulk.lines import ImportFile
from services.directory.handlers.imports import PAGE_LINES
from services.directory.handlers.trials import MOST_TRIALS
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Denied, Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import archives_pb2, bulk_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running
from tests.unit.services.directory.test_ready_hashes import KNOWN, PASSWORD, SHA512_CRYPT

_numbers = iter(range(1, 10_000))


def operator(command: str = "") -> Any:
    """A block that calls as the operator, with a command id of its own."""
    return acting(Provenance(Actor("operator", id="root"), command=command or f"c{next(_numbers):020}"))


def bulk(running: Running, caller: str = "operator") -> Any:
    return BulkStub(running.channel(caller))


def written(path: Path, *lines: dict[str, Any]) -> ImportFile:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return ImportFile(path)


async def import_file(
    running: Running, file: ImportFile, *, trial: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> ImportReport:
    with operator():
        return await Importing(bulk(running), file, progress or (lambda _what, _done, _total: None), trial=trial).run()


async def exported(running: Running) -> list[dict[str, Any]]:
    pages = bulk(running).ExportDirectory(bulk_pb2.ExportRequest())
    return [orjson.loads(line) async for page in pages for line in page.lines]


async def history_of(running: Running, kind: str, name: str) -> list[Any]:
    pages = bulk(running).ShowHistory(bulk_pb2.HistoryRequest(kind=kind, name=name))
    return [change async for page in pages for change in page.changes]


async def revert_command(running: Running, command: str, *, trial: bool = False) -> tuple[int, list[str]]:
    with operator():
        request = bulk_pb2.RevertCommandRequest(command=command, trial=trial)
        pages = [page async for page in bulk(running).RevertCommand(request)]
    return sum(page.reverted for page in pages), [refusal.text for page in pages for refusal in page.refusals]


async def revert(running: Running, change: Any) -> Any:
    with operator():
        return await bulk(running).RevertChange(bulk_pb2.RevertChangeRequest(number=change.number))


EVERYTHING = (
    {"kind": "value", "domain": "a.example", "name": "catch_all", "value": "ann@a.example"},
    {"kind": "alias", "address": "second@a.example", "targets": ["first@a.example", "x@elsewhere.example"]},
    {"kind": "alias", "address": "first@a.example", "targets": ["ann@a.example"], "owners": ["Ann, the first"]},
    {"kind": "alias", "address": "old@a.example", "targets": ["ann@a.example"], "ends_at": "2020-01-01T00:00"},
    {"kind": "alias", "address": "sales-*@a.example", "targets": ["bob@a.example"], "disabled": True},
    {"kind": "account", "address": "ann@a.example", "user": "Ann, the first", "quota_bytes": 5000},
    {"kind": "account", "address": "bob@a.example", "password": "bob's password", "disabled": True},
    {"kind": "domain", "name": "b.example", "incoming": True, "alias_of": "a.example"},
    {"kind": "domain", "name": "a.example", "incoming": True},
    {"kind": "user", "name": "Ann, the first", "password_hash": SHA512_CRYPT[0]},
)
"""Each line needs one after it."""


async def test_lines_in_any_order_are_exported_and_imported_elsewhere(
    directory: Running, tmp_path: Path, nats_server: Any
) -> None:
    report = await import_file(directory, written(tmp_path / "lines", *EVERYTHING))
    assert (report.lines, report.added, report.present, report.mistakes) == (len(EVERYTHING), len(EVERYTHING), 0, [])
    lines = await exported(directory)
    assert [line["kind"] for line in lines] == ["domain"] * 2 + ["user"] * 2 + ["account"] * 2 + ["alias"] * 4 + [
        "value"
    ]
    assert not [line for line in lines if "password" in str(line)]
    other = Running(tmp_path / "other", nats_server.url, {})
    await other.start()
    try:
        report = await import_file(other, written(tmp_path / "again", *lines))
        assert (report.added, report.mistakes) == (len(lines), [])
        order = {line: at for at, line in enumerate(map(orjson.dumps, lines))}
        assert sorted(map(orjson.dumps, await exported(other)), key=lambda line: order[line]) == list(order)
        for address, kind in (("old@a.example", "DISABLED"), ("nobody@b.example", "ACCOUNTS")):
            resolution = await other.stub.Resolve(pb.ResolveRequest(address=address))
            assert pb.Resolution.Kind.Name(resolution.kind) == kind
        assert (await other.log_in("", "ann@a.example")).refusal == "bad-credentials"
    finally:
        await other.stop()


async def test_every_form_of_hash_opens_its_account_and_is_renewed(
    directory: Running, tmp_path: Path, events_of: Any
) -> None:
    people = [
        {"kind": "account", "address": f"p{number}@a.example", "password_hash": text}
        for number, text in enumerate(KNOWN)
    ]
    plain = {"kind": "account", "address": "plain@a.example", "password": "a plain secret"}
    file = written(tmp_path / "lines", {"kind": "domain", "name": "a.example"}, *people, plain)
    assert (await import_file(directory, file)).mistakes == []
    for person in people:
        assert (await directory.log_in("wrong password", person["address"])).refusal == "bad-credentials"
        assert (await directory.log_in(PASSWORD, person["address"])).account
    assert (await directory.log_in("a plain secret", "plain@a.example")).account

    async def renewed() -> list[Any]:
        return [entry for name, entry in await events_of(directory) if name == "user.hash_renewed"]

    async with asyncio.timeout(60):
        while len(await renewed()) < len(people):  # noqa: ASYNC110 -- it happens beside the log-ins
            await asyncio.sleep(0.05)
    hashes = [
        row[0] for row in await directory.store.read(lambda reader: reader.all("SELECT password_hash FROM person"))
    ]
    assert {text[:30] for text in hashes} == {"$argon2id$v=19$m=19456,t=2,p=1"}
    await directory.restart()
    for person in people:
        assert (await directory.log_in(PASSWORD, person["address"])).account
    data = await directory.store.read(lambda reader: reader.all("SELECT data FROM event"))
    assert not [row for row in data if b"secret" in bytes(row[0]) or PASSWORD.encode() in bytes(row[0])]


async def test_a_dry_run_finds_the_mistakes_of_the_import_and_writes_nothing(
    people: Running, tmp_path: Path, events_of: Any
) -> None:
    file = written(
        tmp_path / "lines",
        {"kind": "account", "address": "bob@example.org", "user": "bob"},
        {"kind": "user", "name": "bob", "password": "short"},
        {"kind": "user", "name": "cat", "password_hash": "{PLAIN}secret-word"},
        {"kind": "account", "address": "ann@example.org", "user": "ann", "quota_bytes": 7},
        {"kind": "alias", "address": "x@example.org", "targets": ["dora@example.org"]},
        {"kind": "account", "address": "dora@example.org", "password": "secret-word"},
        {"kind": "alias", "address": "dora@example.org", "targets": ["ann@example.org"]},
        {"kind": "value", "domain": "example.org", "name": "catch_all", "value": "nobody@example.org"},
        {"kind": "crowd", "name": "all"},
    )
    before = [name for name, _ in await events_of(people)]
    tried = await import_file(people, file, trial=True)
    assert [name for name, _ in await events_of(people)] == before
    assert (tried.added, tried.present, tried.refused) == (2, 0, 7)
    assert [line for line, _ in tried.mistakes] == [1, 2, 3, 4, 7, 8, 9]
    texts = dict(tried.mistakes)
    assert "no user bob" in texts[1] and "too short" in texts[2] and "scheme PLAIN" in texts[3]
    assert "already, with another quota_bytes" in texts[4] and "taken" in texts[7] and "nobody@example.org" in texts[8]
    assert "secret-word" not in str(tried)
    done = await import_file(people, file)
    assert (done.added, done.mistakes) == (tried.added, tried.mistakes)
    assert (await people.log_in("secret-word", "dora@example.org")).account


async def test_dry_runs_are_bounded_and_end_with_the_server(people: Running) -> None:
    stub = bulk(people)
    begun = []
    for _ in range(MOST_TRIALS):
        with operator():
            begun.append(await stub.BeginImport(bulk_pb2.BeginImportRequest(trial=True)))
    with operator(), pytest.raises(NotNow, match="dry runs"):
        await stub.BeginImport(bulk_pb2.BeginImportRequest(trial=True))
    await stub.EndImport(bulk_pb2.EndImportRequest(id=begun[0].id, trial=True))
    with operator():
        await stub.BeginImport(bulk_pb2.BeginImportRequest(trial=True))
    line = bulk_pb2.ImportLine(number=1, json=b'{"kind":"user","name":"bob"}')
    with pytest.raises(NotFound, match="dry run has ended"):
        await stub.ImportLines(bulk_pb2.ImportLinesRequest(id=begun[0].id, trial=True, lines=[line]))


class _Interrupted(Exception):
    """The client dies."""


async def test_an_interrupted_import_continues_and_is_undone_as_a_whole(
    directory: Running, tmp_path: Path, events_of: Any
) -> None:
    lines = [{"kind": "account", "address": f"p{number}@a.example"} for number in range(1_400)]
    file = written(tmp_path / "lines", {"kind": "domain", "name": "a.example"}, *lines)

    def interrupt(_what: str, done: int, total: int) -> None:
        if done > total / 2:
            raise _Interrupted

    with pytest.raises(_Interrupted):
        await import_file(directory, file, progress=interrupt)
    half = len(await exported(directory))
    assert 500 < half < 2 * len(lines)
    await directory.restart()
    report = await import_file(directory, file)
    assert report.present > 0 and report.added + report.present == len(lines) + 1
    assert report.mistakes == []
    added = [entry for name, entry in await events_of(directory) if name == "account.added"]
    assert len({entry.event.address for entry in added}) == len(added) == len(lines)
    listed = (await bulk(directory).ListImports(bulk_pb2.ListImportsRequest())).imports
    assert [(entry.id, entry.objects) for entry in listed] == [(report.id, 1 + 2 * len(lines))]

    again = await import_file(directory, file)
    assert (again.added, again.present) == (0, len(lines) + 1)
    assert again.id != report.id

    await directory.stub.ChangeAccount(pb.ChangeAccountRequest(address="p7@a.example", quota_bytes=5))
    tried = await revert_command(directory, report.id, trial=True)
    reverted, reasons = await revert_command(directory, report.id)
    assert tried == (reverted, reasons), "the dry run says what will happen"
    assert reverted == 2 * (len(lines) - 1)
    assert sorted(reason.split(":")[0].split(" still ")[0] for reason in reasons) == sorted(
        ["it was changed since", "p7@a.example", "a.example"]
    )
    assert [line["kind"] for line in await exported(directory)] == ["domain", "user", "account"]


async def test_a_page_is_bounded_and_an_ended_import_takes_no_lines(people: Running, tmp_path: Path) -> None:
    stub = bulk(people)
    with operator():
        begun = await stub.BeginImport(bulk_pb2.BeginImportRequest(digest="00ff"))
        with pytest.raises(Invalid, match="digest"):
            await stub.BeginImport(bulk_pb2.BeginImportRequest())
    line = bulk_pb2.ImportLine(number=1, json=b'{"kind":"user","name":"bob"}')
    with pytest.raises(Invalid, match=f"at most {PAGE_LINES} lines"):
        await stub.ImportLines(bulk_pb2.ImportLinesRequest(id=begun.id, lines=[line] * (PAGE_LINES + 1)))
    await stub.EndImport(bulk_pb2.EndImportRequest(id=begun.id))
    with pytest.raises(NotNow, match="has ended"):
        await stub.ImportLines(bulk_pb2.ImportLinesRequest(id=begun.id, lines=[line]))
    with pytest.raises(NotFound, match="no import"):
        await stub.EndImport(bulk_pb2.EndImportRequest(id="c1"))


async def test_services_and_admins_of_domains_have_no_part_in_it(people: Running) -> None:
    with pytest.raises(Denied):
        await bulk(people, "ingress").BeginImport(bulk_pb2.BeginImportRequest(digest="00ff"))
    ann = await people.stub.ShowUser(pb.NameRequest(name="ann"))
    give = roles_pb2.GiveRoleRequest(user="ann", role="domain-admin", domains=["example.org"])
    await RolesStub(people.channel("operator")).GiveRole(give)
    stub = bulk(people)
    with acting(Provenance(Actor("user", id=ann.id), command="c9")):
        with pytest.raises(Denied):
            await stub.BeginImport(bulk_pb2.BeginImportRequest(digest="00ff"))
        with pytest.raises(Denied):
            await stub.RevertChange(bulk_pb2.RevertChangeRequest(number=1))
        with pytest.raises(Denied):
            _ = [page async for page in stub.ExportDirectory(bulk_pb2.ExportRequest())]


async def test_each_kind_of_change_is_reverted(people: Running) -> None:
    stub = people.stub
    await stub.ChangeDomain(pb.ChangeDomainRequest(name="example.org", incoming=False))
    await stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="separators", value="-"))
    await stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="another horse"))
    await stub.ChangeAccount(pb.ChangeAccountRequest(address="ann@example.org", quota_bytes=9))
    await stub.AddAlias(pb.AddAliasRequest(address="x@example.org", targets=["ann@example.org"], owners=["ann"]))
    targets = pb.Names(names=["y@elsewhere.example"])
    await stub.ChangeAlias(pb.ChangeAliasRequest(address="x@example.org", targets=targets))
    await stub.RemoveAlias(pb.NameRequest(name="x@example.org"))

    *_, removed = await history_of(people, "alias", "X@Example.ORG")
    assert (removed.type, removed.before["targets"], removed.actor) == (
        "alias.removed",
        "y@elsewhere.example",
        "system",
    )
    await revert(people, removed)
    assert (await stub.ShowAlias(pb.NameRequest(name="x@example.org"))).owners == ["ann"]
    keys = [change for change in await history_of(people, "domain", "example.org") if change.type == "dkim.key_added"]
    assert [change.after["private_key"] for change in keys] == ["********"] * 2
    *_, domain_changed, value_changed = await history_of(people, "domain", "example.org")
    for change in (value_changed, domain_changed):
        await revert(people, change)
    domain = await stub.ShowDomain(pb.NameRequest(name="example.org"))
    assert (domain.incoming, dict(domain.values)) == (True, {})
    *_, password = await history_of(people, "user", "ANN")
    assert (dict(password.before), dict(password.after)) == ({"password_hash": "********"},) * 2
    await revert(people, password)
    assert (await people.log_in("correct horse")).account
    *_, quota = await history_of(people, "account", "ann@example.org")
    assert (quota.before["quota_bytes"], quota.after["quota_bytes"]) == ("1000", "9")
    await revert(people, quota)
    assert (await stub.ShowAccount(pb.NameRequest(name="ann@example.org"))).quota_bytes == 1000
    with pytest.raises(NotNow, match="changed again since"):
        await revert(people, quota)


async def test_a_revert_is_decided_on_like_any_command(people: Running) -> None:
    (added,) = [change for change in await history_of(people, "user", "ann") if change.type == "user.added"]
    with pytest.raises(NotNow, match=r"still owns ann@example\.org"):
        await revert(people, added)
    remove = archives_pb2.RemoveAccountRequest(account="ann@example.org", fate="DELETE")
    await ArchivesStub(people.channel("operator")).RemoveAccount(remove)
    *_, gone, _deleted = await history_of(people, "account", "ann@example.org")
    assert gone.before["address"] == "ann@example.org"
    with pytest.raises(Invalid, match=r"account\.removed cannot be reverted"):
        await revert(people, gone)
    await people.stub.RemoveUser(pb.NameRequest(name="ann"))
    former, removed = await history_of(people, "user", "ann")
    await revert(people, removed)
    again = await people.stub.ShowUser(pb.NameRequest(name="ann"))
    assert again.id != former.object.partition(":")[2]
    await people.stub.AddAccount(pb.AddAccountRequest(address="ann@example.org", user="ann"))
    assert (await people.log_in("correct horse")).account
    with pytest.raises(NotFound, match="no change 999999"):
        await revert(people, bulk_pb2.RecordedChange(number=999999))
    with pytest.raises(NotFound, match="no change has the command"):
        await revert_command(people, "c-none")
    with pytest.raises(NotFound, match="never was"):
        await history_of(people, "user", "nobody")


async def test_a_setting_is_reverted(people: Running) -> None:
    for value in ("9", "10"):
        await people.stub.ChangeSetting(pb.ChangeSettingRequest(name="directory.password_length", value=value))
    first, second = await history_of(people, "setting", "directory.password_length")
    with pytest.raises(NotNow, match="changed again since"):
        await revert(people, first)
    await revert(people, second)
    assert (await history_of(people, "setting", "directory.password_length"))[-1].after == {
        "directory.password_length": "9"
    }
    assert "password_length = 9" in people.places.settings_file.read_text()
