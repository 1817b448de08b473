"""A mail to be delivered, and the header lines that delivery adds to each copy.

The mail was received from outside with a verdict, or submitted by a user. The lines are put before the message, the
newest first (RFC 5321 §4.4); the shared blob is never rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.events.delivery import Step
from shared.events.mail import MailReceived, MailSubmitted, Message, Recipient, RecordedCheck
from shared.events.signatures import ChosenSignature
from shared.events.spam import ListVerdict, MailClassified


class AcceptedMail(msgspec.Struct, frozen=True):
    """What delivery needs from a reception."""

    queue_id: str
    reverse_path: str
    recipients: tuple[Recipient, ...]
    message: Message
    ret: str = ""
    envid: str = ""
    spam: bool = False
    spam_headers: bytes = b""
    submitted: bool = False
    account: str = ""
    """The account that submitted the mail."""
    require_tls: bool = False
    """REQUIRETLS of the sender, which also applies to forwarded copies (RFC 8689)."""
    signature: ChosenSignature | None = None
    """The mail signature for copies that go to other servers."""
    user: str = ""
    """The user who submitted the mail."""
    dmarc: RecordedCheck | None = None
    """DMARC of a received mail."""
    arc: RecordedCheck | None = None
    """The verdict on the ARC sets of a received mail that may be sent on."""
    is_authenticated: bool = False
    """Whether a check has passed: a log-in, SPF, DKIM, DMARC or ARC."""
    own_verdicts: Mapping[str, ListVerdict] = {}
    """The verdicts for accounts whose own lists have the sender."""
    score: float | None = None
    """The score of the verdict; None for mail that was not judged."""
    required: float = 0.0
    """The score from which mail is spam."""
    client: str = ""
    """The IP address of the client."""
    spf: RecordedCheck | None = None
    """SPF of a received mail."""
    list_address: str = ""
    """The address of the mailing list of which this is a copy for a member."""
    approved_list: str = ""
    """The id of the list whose moderators have approved this mail as a post."""
    origin: str = ""
    """The queue id of the mail that an approved post was."""

    @property
    def proven_author(self) -> str:
        """The author's address if DMARC proves its domain; empty for others and for submitted mail."""
        check, author = self.dmarc, self.message.author
        if check is None or check.result != "pass":
            return ""
        return author if author.rpartition("@")[2].lower() == check.detail.get("author_domain") else ""

    def is_spam_for(self, account: str) -> bool:
        """Whether a copy for this account is spam."""
        own = self.own_verdicts.get(account)
        return self.spam if own is None else own.spam

    def spam_percent_for(self, account: str) -> int | None:
        """The score for this account as a part of the score from which mail is spam (RFC 5235 §2.1), 0 to 100."""
        own = self.own_verdicts.get(account)
        score = self.score if own is None else own.score
        if score is None:
            return None
        if self.is_spam_for(account):
            return 100
        return max(0, min(99, int(100 * score / self.required))) if self.required > 0 else 0

    def spam_headers_for(self, account: str) -> bytes:
        """The X-Spam-* fields of a copy for this account."""
        own = self.own_verdicts.get(account)
        return self.spam_headers if own is None else own.headers

    def sending_domain(self, recipient: str) -> str:
        """The domain of ours that sends a copy to another server, and signs it.

        It is the author's domain for a submitted mail, and the domain that forwards for a received one.
        """
        address = (self.message.author or self.reverse_path) if self.submitted else recipient
        return address.rpartition("@")[2].lower()


def from_classified(event: MailClassified) -> AcceptedMail:
    """The mail of a `mail.classified` event, with its verdict. Raises ValueError when the event has no reception."""
    if event.reception is None:
        raise ValueError("mail.classified came without its reception")
    verdict = event.verdict
    mail = _mail(event.reception, spam=verdict.spam, spam_headers=event.headers)
    own = {account: listed for listed in verdict.lists for account in listed.accounts}
    return msgspec.structs.replace(mail, own_verdicts=own, score=verdict.score, required=verdict.required)


def from_received(event: MailReceived) -> AcceptedMail:
    """A mail from outside before its verdict."""
    return _mail(event)


def from_submitted(event: MailSubmitted) -> AcceptedMail:
    """The mail of a user's `mail.submitted` event."""
    return _mail(event, submitted=True)


def _mail(
    event: MailReceived | MailSubmitted, *, spam: bool = False, spam_headers: bytes = b"", submitted: bool = False
) -> AcceptedMail:
    checks = {check.name: check for check in event.checks}
    account, signature = (event.account, event.signature) if isinstance(event, MailSubmitted) else ("", None)
    return AcceptedMail(
        event.queue_id,
        event.reverse_path,
        event.recipients,
        event.message,
        event.ret,
        event.envid,
        spam,
        spam_headers,
        submitted,
        account,
        event.require_tls,
        signature,
        event.user if isinstance(event, MailSubmitted) else "",
        checks.get("dmarc"),
        checks.get("arc"),
        any(check.result == "pass" for check in event.checks),
        spf=checks.get("spf"),
        client=event.client.address,
    )


def prefix(mail: AcceptedMail, step: Step, list_fields: bytes = b"") -> bytes:
    """The whole prefix of a local copy: a pure function of events, so a repeat writes the same bytes.

    A copy from a mailing list has the return path of the list, and the fields of the list. What a script adds comes
    below the lines of the delivery itself; a script that deletes some of them leaves those that the step has.
    """
    return_path, delivered_to = _delivery_lines(mail, step)
    if step.prefix:
        return step.added + step.prefix
    others = mail.spam_headers_for(step.account) + list_fields + mail.message.prefix
    return return_path + delivered_to + step.added + others


def seen_prefix(mail: AcceptedMail, address: str, account: str) -> bytes:
    """The lines on top of a copy as the scripts of its account see them."""
    return prefix(mail, Step("", 0, "", account=account, address=address))


def _delivery_lines(mail: AcceptedMail, step: Step) -> tuple[bytes, bytes]:
    return_path = step.reverse_path or mail.reverse_path
    return f"Return-Path: <{return_path}>\r\n".encode(), f"Delivered-To: {step.address}\r\n".encode()


def notice_prefix(step: Step) -> bytes:
    """The prefix of a notification that is stored for a local sender: the null reverse-path."""
    return b"Return-Path: <>\r\n" + f"Delivered-To: {step.address}\r\n".encode()
