"""Thunderbird: its own check of an account, and reading, flagging, filing and deleting mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts.required import needs
from tests.parts.thunderbird import Thunderbird

needs(Thunderbird)
SENDER = f"carl@{HONEST}"
_VERIFY = """
const [user, password, imap, smtp] = arguments;
const { AccountConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/AccountConfig.sys.mjs");
const { ConfigVerifier } = ChromeUtils.importESModule("resource:///modules/accountcreation/ConfigVerifier.sys.mjs");
const config = new AccountConfig();
Object.assign(config.incoming, {type: "imap", hostname: "localhost", port: imap, socketType: Ci.nsMsgSocketType.SSL,
  auth: Ci.nsMsgAuthMethod.passwordCleartext, username: user, password});
Object.assign(config.outgoing, {type: "smtp", hostname: "localhost", port: smtp, socketType: Ci.nsMsgSocketType.SSL,
  auth: Ci.nsMsgAuthMethod.passwordCleartext, username: user, password});
config.identity.emailAddress = user;
const verified = await new ConfigVerifier(null, new AbortController().signal).verifyConfig(config);
return verified.incoming.hostname;
"""
_ADD = """
const [user, password, imap] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.createIncomingServer(user, "localhost", "imap");
server.port = imap;
server.socketType = Ci.nsMsgSocketType.SSL;
server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
server.password = password;
const identity = MailServices.accounts.createIdentity();
identity.email = user;
const account = MailServices.accounts.createAccount();
account.incomingServer = server;
account.addIdentity(identity);
"""
_FOLDERS = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.accounts.find(account => account.incomingServer.type == "imap").incomingServer;
const root = server.rootFolder;
const folder = name => root.descendants.find(entry => entry.name.toLowerCase() == name.toLowerCase());
const updated = entry => { entry.updateFolder(null); };
"""
_MARK = (
    _FOLDERS
    + """
const box = folder('INBOX'), all = [...(box?.messages ?? [])];
if (all.length < 2) return false;
box.markMessagesFlagged([all[0]], true);
box.markMessagesRead([all[1]], true);
return true;
"""
)
_FILE = (
    _FOLDERS
    + """
const all = [...(folder('INBOX')?.messages ?? [])], target = folder('Archive');
if (!target || all.length < 3) return false;
try {
  MailServices.copy.copyMessages(folder('INBOX'), [all[2]], target, true, null, null, false);
} catch (error) {
  return false;  // the folders are being updated
}
return true;
"""
)


@pytest.fixture
def thunderbird(server: MailfoldServer) -> Iterator[Thunderbird]:
    """The program, with an authority that it trusts."""
    with Thunderbird() as running:
        running.trust(server.authority)
        yield running


def test_its_own_check_of_an_account(server: MailfoldServer, ann: Person, thunderbird: Thunderbird) -> None:
    ports = server.port(IMAPS), server.port(SUBMISSIONS)
    assert thunderbird.run(_VERIFY, ann.address, ann.password, *ports) == "localhost"
    with pytest.raises(AssertionError):
        thunderbird.run(_VERIFY, ann.address, "a wrong password", *ports)


def test_it_reads_flags_and_files(server: MailfoldServer, ann: Person, thunderbird: Thunderbird) -> None:
    with server.imap(ann) as imap:
        for number in range(5):
            imap.append("INBOX", compose(SENDER, ann.address, subject=f"number {number}").data)
    thunderbird.run(_ADD, ann.address, ann.password, server.port(IMAPS))

    def total(name: str) -> int:
        update = f"{_FOLDERS} server.performExpand(null); const box = folder('{name}'); if (!box) return -1;"
        return int(thunderbird.run(update + " updated(box); return box.getTotalMessages(false);"))

    until(lambda: total("INBOX") == 5, "five messages in Thunderbird")
    until(lambda: total("Archive") == 0, "the other mailboxes in Thunderbird")
    # The folders may be away for a moment while they are updated.
    subjects = _FOLDERS + "return [...(folder('INBOX')?.messages ?? [])].map(entry => entry.mime2DecodedSubject);"
    right = [f"number {number}" for number in range(5)]
    until(lambda: sorted(thunderbird.run(subjects)) == right, "the subjects in Thunderbird")
    until(lambda: bool(thunderbird.run(_MARK)), "a message that is flagged, and another that is read")
    with server.imap(ann) as imap:
        imap.select()
        until(lambda: len(imap.uids("FLAGGED")) == 1 and len(imap.uids("SEEN")) == 1, "the flags on the server")
        until(lambda: bool(thunderbird.run(_FILE)), "a message that Thunderbird files")
        until(lambda: imap.count("Archive") == 1 and imap.count("INBOX") == 4, "the message in Archive")
