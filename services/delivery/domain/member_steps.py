"""The steps for members of a list: one for each copy, for each list in the list, and for each dead address."""

from __future__ import annotations

from collections.abc import Mapping, Set

import msgspec

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.list_progress import MOST_LISTS, ListProgress, PostedList, reached_key
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_steps import kept
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.mailing_list.post import NoPost
from shared.routing.known_lists import KnownList, service_address
from shared.routing.resolution import Resolution, ResolutionKind, Target

DEAD: Mapping[ResolutionKind, tuple[str, str]] = {
    ResolutionKind.UNKNOWN: ("5.1.1", "there is no such mailbox here"),
    ResolutionKind.DISABLED: ("5.2.1", "the mailbox is disabled"),
    ResolutionKind.OUTGOING_ONLY: ("5.1.2", "this domain does not receive mail here"),
}
"""How members here are dead, as a bounce would say it."""
_EMPTY_GROUP = "nobody in the group has an account that takes mail"
_BOUNCES = "-bounces"


class MemberSteps:
    """Collects the steps of one decision. An account or address gets one copy from all lists of a mail."""

    def __init__(
        self,
        mail: AcceptedMail,
        progress: ListProgress,
        posted: PostedList,
        known: KnownList,
        left_out: Set[str],
    ) -> None:
        """`left_out` are accounts and addresses that get no copy, because they get the mail directly."""
        self._mail = mail
        self._progress = progress
        self._recipient = Recipient(posted.recipient)
        self._known = known
        self._left_out = left_out
        self._reached: set[str] = set()
        self._lists: set[str] = set()
        self.made: list[Step] = []
        """The steps, not numbered yet."""

    def add(self, member: str, address: str, resolution: Resolution, return_path: str) -> None:
        """Add the steps of a member. `return_path` is for copies that leave this server."""
        dead = DEAD.get(resolution.kind)
        if dead is not None:
            status, reason = dead
            self._append(StepAction.COUNT, address, member, reason=reason, rule=status)
            return
        if not resolution.targets:
            self._append(StepAction.DISCARD, address, member, reason=_EMPTY_GROUP)
        for target in resolution.targets:
            if target.list_id:
                self._add_list(target, member)
            elif not self._is_reached(target):
                self._add_copy(target, member, return_path)

    def numbered(self, first: int) -> tuple[Step, ...]:
        """The steps with indexes from `first` on."""
        return tuple(msgspec.structs.replace(step, index=first + place) for place, step in enumerate(self.made))

    def _add_copy(self, target: Target, member: str, return_path: str) -> None:
        if target.is_remote:
            self._append(StepAction.ENQUEUE, target.address, member, reverse_path=return_path)
            return
        bounces = service_address(self._known.address, _BOUNCES)
        got = AccountTarget(self._recipient, target, self._recipient.address)
        step = kept(got, is_spam=self._mail.is_spam_for(target.account))
        self.made.append(msgspec.structs.replace(step, reverse_path=bounces, list_id=self._known.id, member=member))

    def _add_list(self, target: Target, member: str) -> None:
        """A list in the list is expanded here, once in each mail."""
        if self._progress.has(target.list_id) or target.list_id in self._lists:
            self._append(StepAction.DISCARD, target.address, member, reason=NoPost.LOOP.value)
        elif len(self._progress.posted) + len(self._lists) >= MOST_LISTS:
            self._append(
                StepAction.DISCARD, target.address, member, reason=f"a mail reaches at most {MOST_LISTS} lists"
            )
        else:
            self._lists.add(target.list_id)
            step = Step(self._recipient.address, 0, StepAction.LIST, address=target.address, member=member)
            self.made.append(msgspec.structs.replace(step, list_id=target.list_id))

    def _is_reached(self, target: Target) -> bool:
        """Whether the account or address has its copy; else it is noted that it gets this one."""
        key = reached_key(Step("", 0, "", account=target.account, address=target.address))
        if key in self._left_out or key in self._progress.reached or key in self._reached:
            return True
        self._reached.add(key)
        return False

    def _append(self, action: StepAction, address: str, member: str, **values: str) -> None:
        step = Step(self._recipient.address, 0, action, address=address, list_id=self._known.id, member=member)
        self.made.append(msgspec.structs.replace(step, **values))
