"""One example of every stored event, each with every field set: what the golden files beside this module must give,
byte for byte.
"""

from __future__ import annotations

from shared.events import deadletters, delivery, directory, mail, mailbox, outbound, spam
from shared.eventstore.event import Event

_CHECK = mail.RecordedCheck(
    "spf",
    "pass",
    {"mechanism": "ip4:192.0.2.0/24", "lookups": 2},
    (mail.DnsAnswer("example.net", "TXT", "NOERROR", ("v=spf1 ip4:192.0.2.0/24 -all",)),),
)
_CLIENT = mail.Client("192.0.2.7", 4711, "mx.example.net", "ESMTPS", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "smtp")
_MESSAGE = mail.Message(
    "g0001/00ff",
    1200,
    b"Received: from x\r\n\t\xe4\r\n",
    "first@example.net",
    "Grüße & <Dank>",
    "bob@example.net",
    ("older@example.org", "oldest@example.org"),
    True,
    True,
)
_RECIPIENTS = (
    mail.Recipient("ann@example.org", "SUCCESS,FAILURE", "rfc822;ann@example.org"),
    mail.Recipient("cat@example.org"),
)
_OUTCOMES = (mail.Outcome("ann@example.org", "delivered", "INBOX"), mail.Outcome("cat@example.org", "bounced"))
_REFUSAL = mail.Refusal(
    "A1B2C3D4E5",
    1_700_000_000_000_000,
    "rcpt",
    550,
    "5.1.1",
    "no such recipient",
    "no account, alias or catch-all",
    "eve@example.com",
    "nobody@example.org",
    (_CHECK,),
)
_STEP = delivery.Step(
    "ann@example.org",
    0,
    "store",
    "a0001",
    "ann+lists@example.org",
    "Lists",
    True,
    ("\\Seen", "$Junk"),
    b"Return-Path: <>\r\n",
    "g0001/01",
    99,
    "spam",
    1024,
    "dsn@example.org",
    "bob@example.net",
    "keep",
)
_MAILBOX = mailbox.NewMailbox("m0001", "Entwürfe", 1_700_000_000, "\\Drafts", False)
_ENTRY = mailbox.NewEntry(
    "e0001",
    7,
    "g0001/00ff",
    1300,
    1_700_000_000_000_000,
    "x0001",
    "t0001",
    ("\\Seen", "work"),
    b"Delivered-To: ann\r\n",
    "first@example.net",
    "Grüße",
)
_VERDICT = spam.RecordedVerdict(
    True,
    7.25,
    5.0,
    (spam.Test("BAYES_99", 3.5, "very likely spam"), spam.Test("HTML_ONLY", 0.5)),
    (spam.Word("viagra", 4.25), spam.Word("hello", -0.5)),
    0.99,
    0.75,
    120,
    340,
    "g7:3=18",
    "a0001",
    7,
    12,
)

EXAMPLES: tuple[Event, ...] = (
    deadletters.DeadLetterBuried(
        "l0001", "mail.received", "q0001", "StoreUnavailable('disk full')", 8, b"\x00payload\xff"
    ),
    deadletters.DeadLetterFailedAgain("l0001", "q0001", "InternalError('KeyError in mailstore')", 8),
    deadletters.DeadLetterResolved("l0001", "q0001", "a later try was done"),
    deadletters.DeadLetterRetried("l0001", "q0001"),
    delivery.DeliveryBounced("q0001", "ann@example.org", 0, "mailbox full", "5.2.2", (_STEP,)),
    delivery.DeliveryPlanned(
        "q0001",
        (_STEP, delivery.Step("cat@example.org", 1, "enqueue")),
        ("ann@example.org → ann@example.org (account)",),
    ),
    delivery.DeliverySettled("q0001", _OUTCOMES),
    directory.AccountAdded("a0001", "ann@example.org", "u0001", 1_000_000_000),
    directory.AccountChanged("a0001", True, 2_000_000_000),
    directory.AccountRemoved("a0001", "ann@example.org"),
    directory.AliasAdded("info@example.org", ("ann@example.org", "bob@example.net")),
    directory.AliasRemoved("info@example.org"),
    directory.AliasSwitched("info@example.org", True),
    directory.DomainAdded("d0001", "xn--mnchen-3ya.example", True),
    directory.DomainChanged("d0001", True, False),
    directory.DomainRemoved("d0001", "example.org"),
    directory.LoginRefused("ann@example.org", "imap", "192.0.2.7", "password", 12),
    directory.LoginSucceeded("u0001", "a0001", "imap", 3),
    directory.SettingChanged("ingress.max_recipients", "100", "50"),
    directory.UserAdded("u0001", "Ann", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
    directory.UserPasswordChanged("u0001", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaB"),
    directory.UserRemoved("u0001", "Ann"),
    directory.UserSwitched("u0001", True),
    mail.MailHeld("q0001", "delivery: no answer"),
    mail.MailReceived("q0001", "bob@example.net", _RECIPIENTS, _MESSAGE, _CLIENT, "HDRS", "env+2B1", (_CHECK,)),
    mail.MailRefused("s0001", _CLIENT, (_REFUSAL,), 40),
    mail.MailResumed("q0001"),
    mail.MailSettled("q0001", _OUTCOMES),
    mail.MailSubmitted("q0001", "", _RECIPIENTS, _MESSAGE, _CLIENT, "u0001", "a0001", "FULL", "env", (_CHECK,)),
    mailbox.AccountOpened("a0001", (mailbox.NewMailbox("m0000", "INBOX", 1), _MAILBOX)),
    mailbox.FlagsChanged("a0001", "m0001", ((1, 4), (7, 7)), "add", ("\\Flagged",)),
    mailbox.MailboxCreated("a0001", _MAILBOX),
    mailbox.MailboxDeleted("a0001", "m0001", "Entwürfe"),
    mailbox.MailboxRenamed("a0001", (("m0001", "Alt/Entwürfe"),), (("m0001", 1_700_000_001),), True),
    mailbox.MailboxSubscribed("a0001", "Alt/Entwürfe", True),
    mailbox.MessageAppended("a0001", "m0001", (_ENTRY,)),
    mailbox.MessageDelivered("a0001", "m0001", "q0001", "ann@example.org", 0, _ENTRY, True),
    mailbox.MessagesCopied("a0001", "m0001", "m0002", ((1, 4),), 12, "e0002", ("g0001/0a",)),
    mailbox.MessagesExpunged("a0001", "m0001", ((1, 4), (6, 9))),
    mailbox.MessagesMoved("a0001", "m0001", "m0002", ((1, 4),), 12, ("g0001/0a",)),
    outbound.OutboundQueued(
        "e0009",
        "q0001",
        "ann@example.org",
        1,
        "g0001/00ff",
        b"Received: from y\r\n",
        1200,
        "bob@example.net",
        "ann@elsewhere.example",
        "NEVER",
        "rfc822;ann@example.org",
        "HDRS",
        "env",
        True,
        True,
        "first@example.net",
    ),
    spam.LessonForgotten("a0001", "x0001", "spam", (b"\x01\x02", b"\x03"), 2),
    spam.LessonLearned("a0001", "x0001", "spam", "none", (b"\x01\x02", b"\x03"), 2, "q0001", "e0001"),
    spam.MailClassified(
        "q0001", _VERDICT, b"X-Spam-Score: 7.25\r\n", mail.MailReceived("q0001", "", _RECIPIENTS, _MESSAGE, _CLIENT)
    ),
)
