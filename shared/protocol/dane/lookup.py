"""Decides whether DANE applies to a host that takes mail, and asks for its TLSA records (RFC 7672 §2.2)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.protocol.dane.records import TlsaRecord, tlsa_name, usable_records
from shared.protocol.dns.evaluation import Evaluation, single_answer
from shared.protocol.dns.question import Answer, Question


class MailHost(msgspec.Struct, frozen=True):
    """A host as its MX and address answers describe it."""

    name: str
    port: int = 25
    is_named_securely: bool = False
    """Whether the answer that names the host as a mail server is validated, or the denial of such an answer is."""
    is_secure: bool = False
    """Whether also one of its address answers is validated, aliases included."""
    target: str = ""
    """The name at the end of its CNAME chain; empty without a chain."""


class DaneUse(StrEnum):
    """What the DNS says about DANE at a host."""

    NONE = "none"
    RECORDS = "records"
    UNUSABLE = "unusable"
    """There are records, and none can be used: TLS is required without authentication (RFC 7672 §2.2)."""
    UNANSWERED = "unanswered"
    """There is neither a validated answer nor a validated denial, so the host must not be used now."""


class DaneHost(msgspec.Struct, frozen=True):
    """What the DNS says about DANE at a host, with a text for people."""

    use: DaneUse
    text: str
    base: str = ""
    """The TLSA base domain: sent as SNI, and the first name to be checked."""
    records: tuple[TlsaRecord, ...] = ()


def dane_at(host: MailHost) -> Evaluation[DaneHost]:
    """Ask whether DANE applies to a host. TLSA is asked for only below names that are signed."""
    if not host.is_named_securely:
        return DaneHost(DaneUse.NONE, "the MX record is not signed")
    if host.is_secure:
        for base in dict.fromkeys(name for name in (host.target, host.name) if name):
            base_result = _at_base(base, single_answer((yield Question(tlsa_name(base, host.port), "TLSA"))))
            if base_result.use is not DaneUse.NONE:
                return base_result
        return base_result
    if not host.target:
        return DaneHost(DaneUse.NONE, "the addresses of the host are not signed")
    # RFC 7672 §2.2.2: an alias that leads to an unsigned name may be signed itself
    alias = single_answer((yield Question(host.name, "CNAME")))
    if alias.status == "temperror":
        return DaneHost(DaneUse.UNANSWERED, f"no answer about the alias {host.name}: {alias.source}")
    if not alias.authenticated:
        return DaneHost(DaneUse.NONE, "the addresses of the host are not signed")
    return _at_base(host.name, single_answer((yield Question(tlsa_name(host.name, host.port), "TLSA"))))


def _at_base(base: str, answer: Answer) -> DaneHost:
    if answer.status == "temperror":
        return DaneHost(DaneUse.UNANSWERED, f"no answer about the TLSA records of {base}: {answer.source}", base)
    if not answer.authenticated:
        return DaneHost(DaneUse.NONE, f"the TLSA answer for {base} is not signed", base)
    if answer.status != "ok":
        return DaneHost(DaneUse.NONE, f"{base} has no TLSA record", base)
    records = usable_records(answer.records)
    text = f"{records.text} at {base}, host signed"
    if not records.usable:
        return DaneHost(DaneUse.UNUSABLE, text, base)
    return DaneHost(DaneUse.RECORDS, text, base, records.usable)
