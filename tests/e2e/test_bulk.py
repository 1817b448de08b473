"""A directory is imported by command while its process dies, and its people send and read mail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.unit.services.directory.test_ready_hashes import BCRYPT, PASSWORD, SHA512_CRYPT

SENDER = f"carl@{HONEST}"
MANY = 3_000


def written(path: Path, lines: list[dict[str, object]]) -> str:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return str(path)


def kill_directory(server: MailfoldServer) -> None:
    report = server.report()
    assert report is not None
    (process,) = [process for process in report.processes if "directory" in process.services]
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)


def test_an_import_survives_the_death_of_the_directory_and_its_people_get_mail(
    server: MailfoldServer, tmp_path: Path
) -> None:
    domain = "bulk.example"
    people = [
        {"kind": "account", "address": f"p{number}@{domain}", "password_hash": SHA512_CRYPT[0]}
        for number in range(MANY)
    ]
    file = written(tmp_path / "people", [{"kind": "domain", "name": domain, "incoming": True}, *people])
    before = server.count("directory", "accounts")
    running = server.command.popen("import", "directory", file, "--json", stdout=subprocess.PIPE)
    until(lambda: server.count("directory", "accounts") > before + 50, "the first accounts", 60)
    kill_directory(server)
    output, errors = running.communicate(timeout=240)
    if running.returncode:  # the import may also end and be repeated
        output = server.command("import", "directory", file, "--json")
    report = json.loads(output)
    assert (report["lines"], report["refused"]) == (MANY + 1, 0), errors
    until(lambda: server.count("directory", "accounts") == before + MANY, "all accounts, once each", 60)

    last = Person("", f"p{MANY - 1}@{domain}", "", PASSWORD)
    sent = compose(SENDER, last.address)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [last.address], sent.data).code == 250
    with server.imap(last) as imap:
        imap.wait_for(sent.message_id)
    server.command("user", "disable", f"p5@{domain}")
    assert server.command.run("revert", "--command", report["id"], "--dry-run").status == 1
    undone = json.loads(server.command.run("revert", "--command", report["id"], "--json", limit=240).output)
    assert {refusal["object"].partition(":")[0] for refusal in undone["refusals"]} == {"user", "domain"} - (
        {"domain"} if undone["left"] == 1 else set()
    )
    assert server.count("directory", "accounts") == before


def test_csv_mistakes_history_and_the_way_back(server: MailfoldServer, tmp_path: Path) -> None:
    domain = "csv.example"
    path = tmp_path / "people.csv"
    path.write_text(
        "kind,name,address,password,password_hash,targets,incoming\n"
        f"alias,,info@{domain},,,ann@{domain} {SENDER},\n"
        f"account,,ann@{domain},,{{BLF-CRYPT}}{BCRYPT},,\n"
        f"account,,bob@{domain},short,,,\n"
        f"domain,{domain},,,,,true\n",
        "utf-8",
    )
    dry = server.command.run("import", "directory", str(path), "--dry-run", "--json")
    assert (dry.status, [mistake["line"] for mistake in json.loads(dry.output)["mistakes"]]) == (1, [4])
    assert domain not in server.command("domain", "list")
    done = server.command.run("import", "directory", str(path))
    assert done.status == 1 and "too short" in done.output
    ann = Person("", f"ann@{domain}", "", PASSWORD)
    sent = compose(SENDER, f"info@{domain}")
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [f"info@{domain}"], sent.data).code == 250
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    until(
        lambda: (
            [change["type"] for change in server.command.json("history", "user", ann.address)]
            == ["user.added", "user.hash_renewed"]
        ),
        "the hash of our own",
    )
    lines = [json.loads(line) for line in server.command("export", "directory").splitlines()]
    assert {"kind": "alias", "address": f"info@{domain}", "targets": [ann.address, SENDER], "disabled": False} in lines
    assert f"account,,{ann.address},{ann.address}," in server.command("export", "directory", "--csv")

    server.command("alias", "targets", f"info@{domain}", SENDER)
    changed = server.command.json("history", "alias", f"info@{domain}")[-1]
    assert changed["before"]["targets"] == f"{ann.address}, {SENDER}"
    server.command("revert", str(changed["number"]))
    assert server.command.json("alias", "show", f"info@{domain}")["targets"] == [ann.address, SENDER]
    again = server.command.run("revert", str(changed["number"]))
    assert again.status == 1 and "changed again since" in again.errors


def test_a_list_of_an_import_gets_mail_comes_back_after_its_removal_and_goes_with_the_import(
    server: MailfoldServer, tmp_path: Path
) -> None:
    domain, everybody = "kinds.example", "all@kinds.example"
    people = [
        {"kind": "account", "address": f"{name}@{domain}", "password_hash": SHA512_CRYPT[0]} for name in ("ann", "bob")
    ]
    lines: list[dict[str, object]] = [
        {"kind": "members", "list": everybody, "members": [f"bob@{domain}", "group:Team, one"]},
        {"kind": "list", "address": everybody, "owners": [f"bob@{domain}"], "members_only": False},
        {"kind": "account", "address": f"team@{domain}", "group": "Team, one", "quota_messages": 500},
        {"kind": "group", "name": "Team, one", "members": [f"ann@{domain}"]},
        *people,
        {"kind": "domain", "name": domain, "incoming": True},
    ]
    report = server.command.json("import", "directory", written(tmp_path / "kinds", lines))
    assert (report["added"], report["refused"]) == (len(lines), 0)
    ann, bob = (Person("", f"{name}@{domain}", "", PASSWORD) for name in ("ann", "bob"))

    def post() -> None:
        mail = compose(SENDER, everybody)
        with server.smtp() as smtp:
            until(lambda: smtp.send(SENDER, [everybody], mail.data).code == 250, "the list is known at RCPT")
        for person in (ann, bob):
            with server.imap(person) as imap:
                imap.wait_for(mail.message_id)

    post()
    exported = server.command("export", "directory", "--csv")
    assert f'members,,,,,,,"[""bob@{domain}"",""group:Team, one""]"' in exported
    server.command("list", "remove", everybody)
    *_, removed = server.command.json("history", "list", everybody)
    assert (removed["type"], removed["before"]["owners"]) == ("list.removed", f"bob@{domain}")
    server.command("revert", str(removed["number"]))
    post()
    members = [change["after"] for change in server.command.json("history", "group", "team, one")]
    assert members[1] == {"members": f"ann@{domain}"}
    tried = server.command.run("revert", "--command", report["id"], "--dry-run", "--json")
    done = server.command.run("revert", "--command", report["id"], "--json")
    kept = [json.loads(outcome.output) for outcome in (tried, done)]
    assert kept[0] == {**kept[1], "dry_run": True}
    reasons = " ".join(refusal["reason"] for refusal in kept[1]["refusals"])
    assert f"{domain} still has" in reasons or "was removed since" in reasons
    server.command("list", "remove", everybody)
