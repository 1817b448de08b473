"""Turns entries of a directory elsewhere into people and groups; sizes and counts of what they have are bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.directory.domain.ldap_groups import VALUE_LIMIT, GroupEntry
from services.directory.domain.ldap_names import comparable, is_below, without_unique_part
from services.directory.domain.ldap_people import LdapPerson
from services.directory.ldap_settings import LdapSettings

_TEXT_LIMIT = 1_000
_MOST_ADDRESSES = 100
_MOST_MEMBERS = 2_000_000
"""Members that all groups of a reading may name together."""
Attributes = Mapping[str, Any]


class PeopleByName(msgspec.Struct, frozen=True):
    """Who is where in a reading."""

    people: dict[str, str]
    """Identities by comparable distinguished names."""
    names: dict[str, str]
    """Identities by the names of people."""


class RawGroup(msgspec.Struct, frozen=True):
    """A group before the groups in it are known by identity."""

    entry: str
    name: str
    addresses: tuple[str, ...]
    people: frozenset[str]
    other: tuple[str, ...]
    """Comparable distinguished names that are not those of people."""
    problem: str


def person_fields(settings: LdapSettings) -> list[str]:
    """The attributes that are asked for people."""
    fields = settings.id_attribute, settings.name_attribute, settings.mail_attribute
    further = settings.display_name_attribute, settings.language_attribute, settings.password_time_attribute
    return [*fields, *filter(None, further)]


def group_fields(settings: LdapSettings) -> list[str]:
    """The attributes that are asked for groups."""
    fields = settings.id_attribute, settings.group_name_attribute, settings.group_mail_attribute
    return [*filter(None, (*fields, settings.group_member_uid_attribute)), *settings.group_member_attributes]


def person_of(attributes: Attributes, settings: LdapSettings, disabled: frozenset[str]) -> LdapPerson | None:
    """A person with an identity and a name; None for another entry."""
    entry, name = identity_of(attributes, settings), _first(attributes, settings.name_attribute)
    if not entry or not name:
        return None
    return LdapPerson(
        entry,
        name,
        _addresses(attributes, settings.mail_attribute),
        _first(attributes, settings.display_name_attribute),
        _first(attributes, settings.language_attribute),
        entry in disabled,
        _first(attributes, settings.password_time_attribute),
    )


def group_of(attributes: Attributes, settings: LdapSettings, places: PeopleByName) -> RawGroup | None:
    """A group with an identity and a name; None for another entry."""
    entry, name = identity_of(attributes, settings), _first(attributes, settings.group_name_attribute)
    if not entry or not name:
        return None
    values = [value for field in settings.group_member_attributes for value in _values(attributes, field)]
    uids = _values(attributes, settings.group_member_uid_attribute)
    is_part = any(";range=" in key.lower() for key in attributes)  # Active Directory leaves out the rest
    addresses = _addresses(attributes, settings.group_mail_attribute)
    if is_part or len(values) + len(uids) > VALUE_LIMIT:
        return RawGroup(entry, name, addresses, frozenset(), (), f"it names more than {VALUE_LIMIT} members")
    dns = [comparable(without_unique_part(value.decode("utf-8", "replace"))) for value in values]
    people = {places.people[dn] for dn in dns if dn in places.people}
    people.update(places.names[text] for text in map(_text, uids) if text in places.names)
    return RawGroup(entry, name, addresses, frozenset(people), tuple({*dns} - places.people.keys()), "")


def linked_groups(
    raw: Sequence[RawGroup], dns: Mapping[str, str], bases: Sequence[str]
) -> tuple[Sequence[GroupEntry], frozenset[str]]:
    """The groups with the groups in them, and the names of those in no entry that was read, below the bases.

    `dns` has the identities of groups by their comparable distinguished names.
    """
    groups = [
        GroupEntry(
            group.entry,
            group.name,
            group.addresses,
            group.people,
            tuple(dns[dn] for dn in group.other if dn in dns),
            group.problem,
        )
        for group in raw
    ]
    unknown = {dn for group in raw for dn in group.other if dn not in dns and any(is_below(dn, base) for base in bases)}
    return groups, frozenset(unknown)


def are_too_many(raw: Sequence[RawGroup]) -> bool:
    """Whether the groups name more members than a reading may have."""
    return sum(len(group.people) + len(group.other) for group in raw) > _MOST_MEMBERS


def identity_of(attributes: Attributes, settings: LdapSettings) -> str:
    """The identity as a text: as it is in ASCII, else its octets as `\\xx`, as filters write them (RFC 4515 §3)."""
    values = _values(attributes, settings.id_attribute)
    if len(values) != 1 or not 0 < len(values[0]) <= _TEXT_LIMIT:
        return ""
    value = values[0]
    is_text = value.isascii() and value.decode("ascii").isprintable()
    return value.decode("ascii").lower() if is_text else "".join(f"\\{octet:02x}" for octet in value)


def _values(attributes: Attributes, name: str) -> Sequence[bytes]:
    """The values of an attribute, whose name has no case (RFC 4512 §2.5)."""
    lowered = name.lower()
    return next((value or () for key, value in attributes.items() if key.lower() == lowered and key != "dn"), ())


def _first(attributes: Attributes, name: str) -> str:
    return next(filter(None, map(_text, _values(attributes, name))), "")


def _addresses(attributes: Attributes, name: str) -> tuple[str, ...]:
    return tuple(text for text in map(_text, _values(attributes, name)[:_MOST_ADDRESSES]) if text)


def _text(value: bytes) -> str:
    text = value[: 4 * _TEXT_LIMIT + 1].decode("utf-8", "replace").strip()
    return text if len(text) <= _TEXT_LIMIT else ""
