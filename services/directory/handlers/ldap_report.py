"""What a reading of a directory elsewhere is about to change, and what it brought."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.adapters.ldap_directory import LdapReading
from services.directory.domain.ldap_groups import GroupChanges, LinkedGroup, group_changes, roster
from services.directory.domain.ldap_people import LdapChanges, LinkedUser, changes, is_doubtful
from services.directory.ldap_settings import LdapSettings

_MOST_SKIPPED = 100


class LdapReport(msgspec.Struct, frozen=True):
    """What a reading of the directory elsewhere brought."""

    at: int = 0
    """UTC microseconds since the epoch; 0: there was none yet."""
    people: int = 0
    users: int = 0
    """Users here who were people there before."""
    added: int = 0
    missing: int = 0
    """Users whose person has gone since the reading before."""
    disabled: int = 0
    back: int = 0
    groups: int = 0
    groups_added: int = 0
    groups_missing: int = 0
    """Groups that have gone since the reading before."""
    joined: int = 0
    """Users who became members of groups, and below those who are no longer members."""
    left: int = 0
    skipped: tuple[str, ...] = ()
    """Sentences about people and groups that could not be followed, at most a hundred."""
    problem: str = ""
    """Why nothing was changed."""

    def with_skipped(self, texts: Sequence[str]) -> LdapReport:
        """The report with sentences about what could not be followed."""
        return msgspec.structs.replace(self, skipped=tuple(texts[:_MOST_SKIPPED]))


class Comparison(msgspec.Struct, frozen=True):
    """A reading, compared with the users and groups here."""

    reading: LdapReading
    users: Sequence[LinkedUser]
    people: LdapChanges
    groups: GroupChanges | None
    """None: groups are not followed."""

    def doubt(self, settings: LdapSettings) -> str:
        """Why the reading is doubtful: unusually many are missing at once. Empty when it is not."""
        percent, texts = settings.most_missing_percent, list[str]()
        gone = len(self.people.missing) + self.people.disabled_there
        if is_doubtful(gone, len(self.users), percent):
            texts.append(f"{gone} of {len(self.users)} users are missing or disabled")
        if self.groups is not None and self.groups.is_doubtful(percent):
            texts.append(f"{len(self.groups.missing)} groups and {self.groups.leaving} of their members are missing")
        if not texts:
            return ""
        text = f"{' and '.join(texts)} in {settings.url}: nothing was changed"
        return f"{text}; `mailfold ldap sync --accept-missing` if that is right"

    def report(self, now: int) -> LdapReport:
        """What would change."""
        people, groups = self.people, self.groups
        report = LdapReport(
            now,
            len(self.reading.people),
            len(self.users),
            len(people.new),
            len(people.missing),
            len(people.due) + people.disabled_there,
            len(people.back),
        )
        if groups is None:
            return report
        return msgspec.structs.replace(
            report,
            groups=len(self.reading.groups or ()),
            groups_added=len(groups.new),
            groups_missing=len(groups.missing),
            joined=groups.joining,
            left=len(groups.memberships) - groups.joining,
        )

    def doubtful_report(self, now: int, problem: str) -> LdapReport:
        """What is missing, when nothing is changed because of a doubt."""
        report = self.report(now)
        return msgspec.structs.replace(
            report, added=0, disabled=0, back=0, groups_added=0, joined=0, left=0, problem=problem
        )


def compare(
    reading: LdapReading, users: Sequence[LinkedUser], groups: Sequence[LinkedGroup], now: int, days: int
) -> Comparison:
    """Compare a reading with what is here; with very many people this takes a second, so it runs in a thread."""
    people = changes(reading.people, users, now, days)
    if reading.groups is None:
        return Comparison(reading, users, people, None)
    members = roster(users, {person.entry for person in reading.people}, now, days)
    return Comparison(reading, users, people, group_changes(reading.groups, groups, members, now, days))
