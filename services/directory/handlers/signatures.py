"""Commands and questions on mail signatures and on the fields of users: bodies of units of work and of reads."""

from __future__ import annotations

from typing import NamedTuple

from services.directory.domain import signatures
from services.directory.domain.signatures import SignatureRequest
from services.directory.domain.state import DirectoryRefused, DomainState
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.protocol.message.mail_signature.template import FilledSignature, MailSignature, filled, placeholders_of

_VERSION = "SELECT text, html FROM mail_signature WHERE id = ?"
_FIELDS = "SELECT name, value FROM user_field WHERE person = ? ORDER BY name"
_SAMPLE = (
    "SELECT person.id, person.name, account.address FROM account JOIN person ON person.id = account.person"
    " WHERE account.domain = ? ORDER BY account.key LIMIT 1"
)


class ShownSignature(NamedTuple):
    """The mail signature of a domain, and its form in the mail of a user there."""

    domain: DomainState
    id: str
    signature: MailSignature
    signs_automatic: bool
    preview: FilledSignature
    missing: tuple[str, ...]
    """Placeholders that have no value in the preview."""


class UserFieldsState(NamedTuple):
    """The fields of a user."""

    user: str
    fields: dict[str, str]


class ChosenVersion(NamedTuple):
    """The mail signature for a mail. Without an id there is none."""

    id: str
    values: dict[str, str]
    signs_automatic: bool


def set_signature(tx: Transaction, name: str, request: SignatureRequest, provenance: Provenance) -> ShownSignature:
    """Give a domain a mail signature, or take it away."""
    domain = _domain(tx, name)
    given = request.signature
    identity = signatures.version_id(given) if given is not None else ""
    written, changed = signatures.set_signature(domain, request, version(tx, identity) is not None)
    append(tx, f"signature:{identity}", written, provenance)
    append(tx, f"domain:{domain.id}", changed, provenance)
    return shown(tx, name)


def set_field(tx: Transaction, name: str, field: str, value: str, provenance: Provenance) -> UserFieldsState:
    """Give a user a field, or take it away."""
    user = load.existing("user", name, load.user_id(tx, name))
    append(tx, f"user:{user}", signatures.set_field(user, field, value, fields_of(tx, user)), provenance)
    return user_fields(tx, name)


def user_fields(reader: Reader, name: str) -> UserFieldsState:
    """The fields of a user."""
    user = load.existing("user", name, load.user(reader, name))
    return UserFieldsState(user.name, fields_of(reader, user.id))


def shown(reader: Reader, name: str) -> ShownSignature:
    """The mail signature of a domain with a preview: the first account of the domain stands for its users."""
    domain = _domain(reader, name)
    identity = domain.values.get("signature", "")
    signature = version(reader, identity) or MailSignature()
    row = reader.first_row(_SAMPLE, (domain.name,))
    user, user_name, address = row or ("", "", f"ann@{domain.name}")
    values = signatures.values_for(signature, user_name or "Ann Example", address, fields_of(reader, user))
    missing = tuple(sorted(placeholders_of(signature) - values.keys()))
    preview = filled(signature, values)
    return ShownSignature(domain, identity, signature, _signs_automatic(domain), preview, missing)


def choose(reader: Reader, name: str, user: str, address: str) -> ChosenVersion:
    """The mail signature of mail that a user sends as an address of a domain, which may be an alias of another one."""
    domain = load.domain(reader, name)
    if domain is not None and domain.alias_of:
        domain = load.domain(reader, domain.alias_of)
    identity = domain.values.get("signature", "") if domain is not None else ""
    signature = version(reader, identity)
    if domain is None or signature is None:
        return ChosenVersion("", {}, False)
    state = load.user(reader, user)
    values = signatures.values_for(signature, state.name if state else "", address, fields_of(reader, user))
    return ChosenVersion(identity, values, _signs_automatic(domain))


def version(reader: Reader, identity: str) -> MailSignature | None:
    """A version by its id."""
    row = reader.first_row(_VERSION, (identity,)) if identity else None
    return None if row is None else MailSignature(*row)


def fields_of(reader: Reader, user: str) -> dict[str, str]:
    """The fields of a user by id."""
    return dict(reader.all(_FIELDS, (user,))) if user else {}


def as_signature(text: str, html: str) -> MailSignature:
    """The texts of an operator as a mail signature. Raises DirectoryRefused."""
    try:
        return MailSignature(text, html)
    except ValueError as error:
        raise DirectoryRefused("invalid", str(error)) from error


def _signs_automatic(domain: DomainState) -> bool:
    return domain.values.get("signature_automatic") == "on"


def _domain(reader: Reader, name: str) -> DomainState:
    return load.existing("domain", name, load.domain(reader, name))
