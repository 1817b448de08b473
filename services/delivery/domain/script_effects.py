"""The rules of what leaves the house because of a script."""

from __future__ import annotations

from enum import StrEnum

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import MessageForm, ScriptDecision
from shared.protocol.automatic.fields import field
from shared.protocol.dmarc.evaluate import organisational_domain
from shared.protocol.message.headers import field_lines
from shared.protocol.sieve.actions import DiscardAction, FileIntoAction, RedirectAction
from shared.protocol.sieve.mail.header import SieveHeader

DUPLICATE_SECONDS = 7 * 86_400
"""How long a mail is remembered when the script does not say (RFC 7352 §3.2)."""
REDIRECT, VACATION, NOTIFY, NOTICE, SENT_COPY = "redirect", "vacation", "notify", "notice", "fcc"
"""The rules of steps that are planned here; refusals have `reject` and `ereject`."""
DUPLICATE, DUPLICATE_LAST = "duplicate", "duplicate :last"
MARK = "X-Sieve-Redirected-From"
"""The field that says which account has redirected a message."""
MOST_HOPS = 50
"""Received fields of a message that is still redirected; what so many servers have had goes round."""


class RefusedRedirect(StrEnum):
    """Why a redirect is not done. The values are the ends of keys of texts."""

    LOOP = "loop"
    LIMIT = "limit"
    UNKNOWN = "unknown"
    LIST = "list"


def replaces_keep(decision: ScriptDecision) -> bool:
    """Whether an action that is done replaces the implicit keep."""
    match decision.action:
        case DiscardAction():
            return True
        case FileIntoAction() | RedirectAction() as action:
            return not action.copy
        case _:
            return False


def mark_of(address: str) -> bytes:
    """The field that marks what an account redirects."""
    return field(MARK, [address])


def goes_round(header: SieveHeader, prefix: bytes, address: str) -> bool:
    """Whether this account has redirected the message already, or too many servers have had it."""
    marks = header.raw_values(MARK.lower().encode())
    if any(mark.lower() == address.lower().encode() for mark in marks):
        return True
    before = sum(1 for name, _ in field_lines(prefix) if name.lower() == b"received")
    return before + len(header.raw_values(b"received")) > MOST_HOPS


def prefix_of_redirect(form: MessageForm, accepted: bytes, address: str) -> bytes:
    """The lines on top of a redirected copy: the mark, what the script has added, and of those of acceptance the ones
    that it has left. Return-Path, Delivered-To and the fields of our spam filter are those of another copy."""
    lines = [line for _, line in field_lines(accepted)]
    if form.prefix is not None:
        left = {line for _, line in field_lines(form.prefix)}
        lines = [line for line in lines if line in left]
    return mark_of(address) + form.added + b"".join(lines)


def is_forged(mail: AcceptedMail) -> bool:
    """Whether a domain of the sender says that the mail is not its own: by DMARC, or by SPF where nothing passes."""
    fails_spf = mail.spf is not None and mail.spf.result == "fail"
    return (mail.dmarc is not None and mail.dmarc.result == "fail") or (fails_spf and not mail.is_authenticated)


def may_be_refused(mail: AcceptedMail, account: str) -> bool:
    """Whether the sender may hear of a refusal: not of spam, and not who is not proven (RFC 5429 §2.1).

    A post of a list is not refused by one of its members: the report would count as a bounce of the member.
    """
    may_answer = bool(mail.reverse_path) and not mail.list_address
    return may_answer and _has_proven_sender(mail) and not mail.is_spam_for(account)


def _has_proven_sender(mail: AcceptedMail) -> bool:
    """Whether the envelope sender, who gets reports, has sent the mail.

    SPF proves the sender; DMARC proves the author, whose domain must then be that of the sender. A signature or a seal
    of any other domain says nothing about who would get the report.
    """
    if mail.submitted:
        return True
    if is_forged(mail):
        return False
    return (mail.spf is not None and mail.spf.result == "pass") or _same_domain(mail.proven_author, mail.reverse_path)


def _same_domain(author: str, sender: str) -> bool:
    domains = (address.rpartition("@")[2].lower() for address in (author, sender))
    first, second = (domain and organisational_domain(domain) for domain in domains)
    return bool(first) and first == second


def may_be_answered(mail: AcceptedMail, account: str) -> bool:
    """Whether the sender may get a vacation response; that of spam and of forged mail is somebody else."""
    return bool(mail.reverse_path) and not is_forged(mail) and not mail.is_spam_for(account)
