"""Envelope and environment of a mail for the scripts of an account (RFC 5228 §2.7, RFC 5183, RFC 6009)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.mail import AcceptedMail
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.scripts.owner import ScriptOwner

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def envelope_of(mail: AcceptedMail, got: AccountTarget) -> SieveEnvelope:
    """The envelope of a copy: its recipient is the address that was given, with the tag of a sub-address."""
    recipient = got.recipient
    return SieveEnvelope(
        mail.reverse_path,
        got.address,
        notify=tuple(part for part in recipient.notify.upper().split(",") if part),
        orcpt=recipient.orcpt,
        ret=mail.ret,
        envid=mail.envid,
    )


def environment_of(
    mail: AcceptedMail, got: AccountTarget, owner: ScriptOwner, now: int, host: str, *, is_judged: bool
) -> SieveEnvironment:
    """The circumstances. `now` is in UTC microseconds, the one instant of the run (RFC 5260 §5)."""
    account = got.target.account
    return SieveEnvironment(
        now=_EPOCH + timedelta(microseconds=now),
        zone=owner.zone,
        addresses=_addresses(mail, got, owner),
        items=_items(mail, got, host),
        spam_percent=mail.spam_percent_for(account),
        separators=owner.separators,
        is_judged=is_judged,
    )


def _addresses(mail: AcceptedMail, got: AccountTarget, owner: ScriptOwner) -> tuple[str, ...]:
    """All addresses of the owner; the recipient is one too, as with a catch-all, but not the address of a list."""
    led = () if mail.list_address else (got.recipient.address, got.address)
    return tuple(dict.fromkeys((*owner.addresses, got.target.address, *led)))


def _items(mail: AcceptedMail, got: AccountTarget, host: str) -> dict[str, str]:
    """RFC 5183 §4.1."""
    items = {
        "domain": got.target.address.rpartition("@")[2],
        "host": host,
        "location": "MDA",
        "name": "Mailfold",
        "phase": "during",
    }
    return {**items, "remote-ip": mail.client} if mail.client else items
