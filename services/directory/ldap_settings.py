"""Settings of a directory elsewhere that has the people and groups (LDAP, RFC 4511)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.settings import Section


class LdapSettings(Section, frozen=True):
    """A directory elsewhere whose people and groups are users and groups here. Mailfold only reads it."""

    url: Annotated[
        str,
        Meta(
            description="Such as ldaps://ldap.example.org or ldap://ldap.example.org:389; empty: no such directory.",
            pattern=r"^(ldaps?://[^/\s]+)?$",
        ),
    ] = ""
    tls: Annotated[
        Literal["required", "none"],
        Meta(description="required: ldap:// is encrypted with StartTLS, and certificates are checked. none: in clear."),
    ] = "required"
    ca_file: Annotated[
        str, Meta(description="File with the authorities that its certificate may come from; empty: the system's.")
    ] = ""
    bind_dn: Annotated[str, Meta(description="The name with which Mailfold reads it; empty: without a log-in.")] = ""
    bind_password: Annotated[str, Meta(description="The password of that name.", extra={"secret": True})] = ""
    base: Annotated[str, Meta(description="Below this entry the people are, such as ou=people,dc=example,dc=org.")] = ""
    person_filter: Annotated[str, Meta(description="Which entries are people (RFC 4515).", pattern=r"^\(.+\)$")] = (
        "(objectClass=inetOrgPerson)"
    )
    id_attribute: Annotated[
        str, Meta(description="Identifies a person for ever: entryUUID, or objectGUID in Active Directory.")
    ] = "entryUUID"
    name_attribute: Annotated[str, Meta(description="The name of the user here.")] = "uid"
    mail_attribute: Annotated[
        str, Meta(description="Addresses; each in a domain of this server becomes an account of the user.")
    ] = "mail"
    display_name_attribute: Annotated[
        str, Meta(description="The display name of the user here; empty: names there are not followed.")
    ] = "displayName"
    language_attribute: Annotated[
        str, Meta(description="The language of the user here, such as preferredLanguage; empty: not followed.")
    ] = ""
    disabled_filter: Annotated[
        str,
        Meta(
            description="Which people are disabled there, such as (nsAccountLock=TRUE); empty: none is.",
            pattern=r"^(\(.+\))?$",
        ),
    ] = ""
    password_time_attribute: Annotated[
        str,
        Meta(
            description="When a password there was changed, such as pwdChangedTime or pwdLastSet: a new value ends the "
            "user's sessions; empty: not followed."
        ),
    ] = ""
    group_base: Annotated[
        str,
        Meta(
            description="Below this entry the groups are, such as ou=groups,dc=example,dc=org; empty: groups are not "
            "followed."
        ),
    ] = ""
    group_filter: Annotated[str, Meta(description="Which entries are groups (RFC 4515).", pattern=r"^\(.+\)$")] = (
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
    )
    group_name_attribute: Annotated[str, Meta(description="The name of the group here.")] = "cn"
    group_mail_attribute: Annotated[
        str,
        Meta(
            description="Addresses of groups; each in a domain of this server becomes an account of the group. Empty: "
            "none does."
        ),
    ] = "mail"
    group_member_attributes: Annotated[
        tuple[str, ...],
        Meta(description="What names the members of a group, people or groups, by their entries (DN).", max_length=10),
    ] = ("member", "uniqueMember")
    group_member_uid_attribute: Annotated[
        str, Meta(description="What names the members of a group by their names (ldap.name_attribute).")
    ] = "memberUid"
    sync_seconds: Annotated[
        int, Meta(description="Seconds between two readings of all people and groups.", ge=5, le=86_400)
    ] = 600
    remember_seconds: Annotated[
        int,
        Meta(
            description="Seconds for which a log-in is remembered in memory, so that it is not checked there again. "
            "For so long a former password still opens an account, and the directory may be away; 0: never.",
            ge=0,
            le=3_600,
        ),
    ] = 60
    timeout: Annotated[float, Meta(description="Seconds for a connection and for each answer.", ge=1, le=120)] = 10.0
    most_people: Annotated[
        int, Meta(description="People at most; a search with more changes nothing.", ge=1, le=1_000_000)
    ] = 200_000
    most_groups: Annotated[
        int, Meta(description="Groups at most; a search with more changes nothing.", ge=1, le=100_000)
    ] = 10_000
    disable_after_days: Annotated[
        int,
        Meta(
            description="Days after which a user is disabled who is missing there, and a group is emptied.",
            ge=0,
            le=3650,
        ),
    ] = 7
    most_missing_percent: Annotated[
        int,
        Meta(
            description="When more of the users, groups or members are missing at once, nothing changes until "
            "`mailfold ldap sync --accept-missing`; five may always be missing.",
            ge=0,
            le=100,
        ),
    ] = 5
