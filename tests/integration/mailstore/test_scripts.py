"""Scripts in the mailstore: only those that can be compiled, in places at once, with a history that comes back."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.closing import ERASED
from services.mailstore.handlers.erasure import closure, erase_page, forget_page
from shared.events.closing import AccountClosed, AccountReopened
from shared.events.scripts import SERVER
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import AlreadyExists, Invalid, LimitReached, NotFound, NotNow
from shared.protocol.sieve import compiler
from shared.scripts import storable
from tests.integration.mailstore.counted import ACCOUNT
from tests.integration.mailstore.scripted import ScriptedMailstore, scripted_mailstore, smaller

KEEP = "keep;\n"
FILE = 'require "fileinto";\n# für alle\nfileinto "Spam";\n'
BY = Provenance(Actor("system"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ScriptedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with scripted_mailstore(database) as opened:
        yield opened
        assert not await opened.differences()


async def test_what_was_put_comes_back_with_its_comments(mailstore: ScriptedMailstore) -> None:
    reply = await mailstore.put("main", FILE)
    assert reply.changed
    assert (list(reply.script.requires), reply.script.size) == (["fileinto"], len(FILE.encode()))
    script = (await mailstore.call("GetScript", name="main")).script
    assert script.source == FILE
    assert script.digest == reply.script.digest
    assert not script.places


async def test_the_same_content_again_changes_nothing(mailstore: ScriptedMailstore) -> None:
    first, stamp = await mailstore.put("main", FILE, activate=True), await mailstore.stamp()
    again = await mailstore.put("main", FILE, activate=True)
    assert (first.changed, again.changed) == (True, False)
    assert again.script.change == first.script.change
    assert await mailstore.stamp() == stamp


async def test_an_invalid_script_is_never_stored_and_destroys_nothing(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP, activate=True)
    with pytest.raises(Invalid, match=r"line 1, column 1: there is no command fil\nline 2, column 1") as refused:
        await mailstore.put("main", "fil;\nfileinto;\n")
    assert refused.value.reason == "SCRIPT"
    assert (await mailstore.call("GetScript", place="active")).script.source == KEEP
    with pytest.raises(Invalid):
        await mailstore.put("new", "if {")
    assert await mailstore.names() == {"main": ["active"]}


async def test_a_check_reports_every_error_and_stores_nothing(mailstore: ScriptedMailstore) -> None:
    wrong = await mailstore.call("CheckScript", owner="", source=b"fil;\nkeep 1;\n\xff")
    assert [(note.line, note.column) for note in wrong.errors] == [(3, 1)]
    wrong = await mailstore.call("CheckScript", owner="", source=b"fil;\nkeep 1;\n#\0")
    assert [(note.line, note.column) for note in wrong.errors] == [(3, 2)]
    wrong = await mailstore.call("CheckScript", owner="", source=b"fil;\nkeep 1;\n")
    assert [(note.line, note.column) for note in wrong.errors] == [(1, 1), (2, 6)]
    right = await mailstore.call("CheckScript", owner="", source=b'require ["vacation"]; vacation "away";')
    assert (list(right.requires), right.serves_imap_events, list(right.errors)) == (["vacation"], False, [])
    assert await mailstore.names() == {}


async def test_a_mailbox_name_in_modified_utf_7_is_stored_with_a_warning(mailstore: ScriptedMailstore) -> None:
    reply = await mailstore.put("main", 'require "fileinto"; fileinto "Caf&AOk-";')
    assert ["modified UTF-7" in note.text for note in reply.warnings] == [True]


async def test_under_the_active_name_a_script_works_at_once(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP, activate=True)
    second = await mailstore.put("main", FILE)
    assert list(second.script.places) == ["active"]
    places = (await mailstore.call("ListPlaces")).places
    assert [(place.name, place.digest, list(place.requires)) for place in places] == [
        ("main", second.script.digest, ["fileinto"])
    ]


async def test_the_active_one_is_not_deleted_and_renamed_it_stays_in_its_place(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP, activate=True)
    with pytest.raises(NotNow) as refused:
        await mailstore.call("DeleteScript", name="main")
    assert refused.value.reason == "ACTIVE"
    await mailstore.call("RenameScript", name="main", new_name='at "work" ☂')
    assert await mailstore.names() == {'at "work" ☂': ["active"]}
    assert (await mailstore.call("GetScript", place="active")).script.source == KEEP
    await mailstore.call("ActivateScript", name="")
    await mailstore.call("DeleteScript", name='at "work" ☂')
    assert await mailstore.names() == {}
    assert not (await mailstore.call("ListPlaces")).places


async def test_another_takes_the_place(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP, activate=True)
    await mailstore.put("other", FILE)
    reply = await mailstore.call("ActivateScript", name="other")
    assert list(reply.script.places) == ["active"]
    assert await mailstore.names() == {"main": [], "other": ["active"]}


async def test_names_are_refused_that_exist_or_do_not(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP)
    await mailstore.put("other", KEEP)
    with pytest.raises(AlreadyExists):
        await mailstore.call("RenameScript", name="main", new_name="other")
    for method, fields in (
        ("RenameScript", {"name": "gone", "new_name": "x"}),
        ("DeleteScript", {"name": "gone"}),
        ("ActivateScript", {"name": "gone"}),
        ("GetScript", {"name": "gone"}),
        ("GetScript", {"place": "active"}),
    ):
        with pytest.raises(NotFound, match="there is no"):
            await mailstore.call(method, **fields)


async def test_a_repeated_command_has_the_first_reply(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", KEEP)
    renamed = [await mailstore.call("RenameScript", "c-1", name="main", new_name="new") for _ in range(2)]
    assert [reply.script.name for reply in renamed] == ["new", "new"]
    deleted = [await mailstore.call("DeleteScript", "c-2", name="new") for _ in range(2)]
    assert [(reply.changed, reply.HasField("script")) for reply in deleted] == [(True, False)] * 2


async def test_the_scripts_of_the_server_have_places_before_and_after(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("spam", FILE, owner=SERVER, activate=True, place="before")
    await mailstore.put("spam", FILE, owner=SERVER, activate=True, place="after")
    assert await mailstore.names(SERVER) == {"spam": ["after", "before"]}
    for owner, place in ((SERVER, "active"), (SERVER, ""), (ACCOUNT, "before")):
        with pytest.raises(Invalid):
            await mailstore.call("ActivateScript", owner=owner, name="spam", place=place)


async def test_the_history_says_who_changed_what_and_brings_it_back(mailstore: ScriptedMailstore) -> None:
    first = await mailstore.put("main", KEEP, activate=True)
    await mailstore.put("main", FILE)
    await mailstore.call("RenameScript", name="main", new_name="new")
    await mailstore.put("other", KEEP)
    changes = (await mailstore.call("ListScriptChanges", name="new")).changes
    assert [(change.type, change.name, change.detail, change.source) for change in changes] == [
        ("renamed", "main", "new", ""),
        ("put", "main", "", FILE),
        ("activated", "main", "active", ""),
        ("put", "main", "", KEEP),
    ]
    assert {change.actor for change in changes} == {"operator root"}
    reverted = await mailstore.call("RevertScript", name="new", change=first.script.change)
    assert (reverted.script.name, list(reverted.script.places)) == ("new", ["active"])
    assert (await mailstore.call("GetScript", place="active")).script.source == KEEP
    assert (await mailstore.call("GetScript", change=changes[1].id)).script.source == FILE
    newest = (await mailstore.call("ListScriptChanges")).changes[0]
    assert (newest.type, newest.name, newest.detail) == ("put", "new", first.script.change)


async def test_a_deleted_script_comes_back_from_its_history(mailstore: ScriptedMailstore) -> None:
    put = await mailstore.put("main", KEEP)
    await mailstore.call("DeleteScript", name="main")
    back = await mailstore.call("RevertScript", change=put.script.change)
    assert back.script.name == "main"


async def test_a_change_of_another_owner_or_of_nothing_is_not_found(mailstore: ScriptedMailstore) -> None:
    put = await mailstore.put("main", KEEP)
    activated = (await mailstore.call("ActivateScript", name="main")).script
    newest = (await mailstore.call("ListScriptChanges", limit=1)).changes[0].id
    assert activated.change == put.script.change
    for owner, change in (
        (SERVER, put.script.change),
        ("a-bob", put.script.change),
        (ACCOUNT, newest),
        (ACCOUNT, "mailstore.99.1"),
        (ACCOUNT, "../etc"),
        (ACCOUNT, f"{put.script.change}9"),
    ):
        for method in ("GetScript", "RevertScript"):
            with pytest.raises(NotFound):
                await mailstore.call(method, owner=owner, change=change)


async def test_changes_come_in_pages(mailstore: ScriptedMailstore) -> None:
    for number in range(7):
        await mailstore.put("main", f"# {number}\nkeep;")
    pages: list[list[str]] = []
    before = ""
    while not pages or before:
        page = await mailstore.call("ListScriptChanges", name="main", limit=3, before=before)
        pages.append([change.source for change in page.changes])
        before = page.next
    assert pages == [[f"# {number}\nkeep;" for number in numbers] for numbers in ((6, 5, 4), (3, 2, 1), (0,))]


async def test_places_of_all_owners_come_in_pages(mailstore: ScriptedMailstore) -> None:
    for number in range(5):
        await mailstore.put("main", KEEP, owner=f"a-{number}", activate=True)
    for place in ("before", "after"):
        await mailstore.put("spam", KEEP, owner=SERVER, activate=True, place=place)
    listed: list[tuple[str, str]] = []
    after = ""
    while True:
        page = await mailstore.call("ListPlaces", owner="", after=after, limit=1)
        assert 1 <= len(page.places) <= 2
        listed += [(place.owner, place.place) for place in page.places]
        after = page.next
        if not after:
            break
    assert listed == [*((f"a-{number}", "active") for number in range(5)), (SERVER, "after"), (SERVER, "before")]


async def test_the_stamp_changes_with_every_change(mailstore: ScriptedMailstore) -> None:
    stamps = [await mailstore.stamp()]
    for act in (
        partial(mailstore.put, "main", KEEP),
        partial(mailstore.put, "main", FILE),
        partial(mailstore.call, "ActivateScript", name="main"),
        partial(mailstore.call, "RenameScript", name="main", new_name="new"),
        partial(mailstore.call, "ActivateScript", name=""),
        partial(mailstore.call, "DeleteScript", name="new"),
        partial(mailstore.put, "main", KEEP, owner="a-bob"),
        partial(mailstore.put, "main", KEEP, owner=SERVER),
    ):
        await act()
        stamps.append(await mailstore.stamp())
    assert len(set(stamps)) == len(stamps)


async def test_the_stamp_of_a_restored_backup_is_another_one(tmp_path: Path) -> None:
    database, backup = tmp_path / "mailstore.sqlite", tmp_path / "backup.sqlite"
    async with scripted_mailstore(database) as mailstore:
        await mailstore.put("main", KEEP)
        stamps = [await mailstore.stamp()]
    shutil.copy(database, backup)
    for name in ("first", "second"):
        async with scripted_mailstore(database) as mailstore:
            await mailstore.put(name, FILE)
            stamps.append(await mailstore.stamp())
        shutil.copy(backup, database)
    async with scripted_mailstore(database) as mailstore:
        assert await mailstore.stamp() == stamps[0]
    assert len(set(stamps)) == 3


async def test_an_archived_account_keeps_its_scripts_and_an_erased_one_does_not(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", FILE, activate=True)
    await mailstore.put("main", KEEP, owner="a-bob", activate=True)
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, erase=False)], BY))
    with pytest.raises(NotFound, match="the account was removed"):
        await mailstore.put("main", KEEP)
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountReopened(ACCOUNT)], BY))
    assert await mailstore.names() == {"main": ["active"]}
    stamp = await mailstore.stamp()
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, erase=True)], BY))
    while (await mailstore.store.read(lambda reader: closure(reader, ACCOUNT))).state != ERASED:
        await mailstore.store.write(partial(erase_page, account=ACCOUNT))
    head = await mailstore.store.read(lambda reader: reader.first_row("SELECT version FROM closed_account"))
    assert head is not None
    while await mailstore.store.write(partial(forget_page, account=ACCOUNT, before=head[0])):
        assert not await mailstore.differences()
    assert await mailstore.names() == {}
    assert not (await mailstore.call("ListScriptChanges")).changes
    assert await mailstore.names("a-bob") == {"main": ["active"]}
    assert await mailstore.stamp() != stamp
    kept = await mailstore.store.read(
        lambda reader: reader.all("SELECT data FROM event WHERE stream = ? AND type LIKE 'script.%'", (ACCOUNT,))
    )
    assert not kept


async def test_only_accounts_that_exist_have_scripts(mailstore: ScriptedMailstore) -> None:
    with pytest.raises(NotFound, match="no such account"):
        await mailstore.put("main", KEEP, owner="a-nobody")
    with pytest.raises(Invalid, match="whose scripts"):
        await mailstore.put("main", KEEP, owner="")


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "a\0b", "a\x85b", "a\u2028b", "\x1b[31m"])
async def test_names_with_controls_are_refused(tmp_path: Path, name: str) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        for act in (
            partial(mailstore.put, name, KEEP),
            partial(mailstore.call, "RenameScript", name="main", new_name=name),
        ):
            with pytest.raises(Invalid, match="the name of a script has"):
                await act()


@pytest.mark.parametrize("name", ["x" * 128, "../../etc/passwd", 'a"b\\', "☂" * 128, " ", "a%'; DROP"])
async def test_names_are_data(tmp_path: Path, name: str) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        await mailstore.put(name, KEEP, activate=True)
        assert await mailstore.names() == {name: ["active"]}


async def test_every_number_has_a_bound(tmp_path: Path) -> None:
    limits = smaller(scripts=3, script_octets=100, changes_a_day=6, changed_octets_a_day=150)
    async with scripted_mailstore(tmp_path / "mailstore.sqlite", limits) as mailstore:
        with pytest.raises(LimitReached, match="has 101 octets, and may have 100") as refused:
            await mailstore.put("main", "#" * 101)
        assert refused.value.reason == "MAXSIZE"
        for number in range(3):
            await mailstore.put(f"s{number}", KEEP)
        with pytest.raises(LimitReached, match="there are 3 scripts already") as refused:
            await mailstore.put("s3", KEEP)
        assert refused.value.reason == "MAXSCRIPTS"
        await mailstore.put("s0", "#" * 99 + "\n")
        with pytest.raises(LimitReached, match=r"octets were stored in 24 hours.* try again later"):
            await mailstore.put("s1", "#" * 98 + "\n")
        await mailstore.call("ActivateScript", name="s1")
        await mailstore.call("ActivateScript", name="s2")
        with pytest.raises(LimitReached, match="scripts were changed 6 times in 24 hours"):
            await mailstore.call("DeleteScript", name="s0")


async def test_an_extension_that_is_switched_off_is_not_offered(tmp_path: Path) -> None:
    async with scripted_mailstore(
        tmp_path / "mailstore.sqlite", smaller(disabled_extensions=("fileinto",))
    ) as mailstore:
        with pytest.raises(Invalid, match='the extension "fileinto" is switched off here'):
            await mailstore.put("main", FILE)
        listed = await mailstore.call("ListScripts")
        assert "fileinto" not in listed.extensions
        assert "vacation" in listed.extensions
        assert (listed.most_scripts, listed.most_octets) == (64, 262_144)


async def test_a_long_script_is_compiled_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off_loop: list[bool] = []

    def noted(*arguments: Any) -> Any:
        off_loop.append(threading.current_thread() is not threading.main_thread())
        return compiled(*arguments)

    compiled = compiler.compile_script
    monkeypatch.setattr(storable, "compile_script", noted)
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        await mailstore.put("short", KEEP)
        await mailstore.put("long", "keep;\n" * 1000)
    assert off_loop == [False, True]


async def test_only_a_first_page_of_all_places_has_the_stamp(mailstore: ScriptedMailstore) -> None:
    """It looks at all owners, so neither further pages nor a question about one owner pay for it."""
    await mailstore.put("main", FILE, activate=True)
    assert await mailstore.stamp()
    assert not (await mailstore.call("ListPlaces", limit=1)).stamp
    assert not (await mailstore.call("ListPlaces", owner="", after="a", limit=1)).stamp


async def test_a_change_is_announced_before_it_is_answered(mailstore: ScriptedMailstore) -> None:
    await mailstore.put("main", "keep;", activate=True)
    await mailstore.put("main", "keep;", activate=True)
    assert mailstore.announced == [ACCOUNT], "what changes nothing is not announced"
    await mailstore.call("ActivateScript", name="")
    await mailstore.call("DeleteScript", name="main")
    assert mailstore.announced == 3 * [ACCOUNT]
