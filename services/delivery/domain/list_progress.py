"""How far a mail has come with the mailing lists among its recipients, from the recorded decisions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.delivery.domain.plan import StepAction
from shared.events.delivery import DeliveryListExpanded, Step

MOST_LISTS = 20
"""Lists that one mail reaches, with lists in lists."""
MOST_COPIES = 20_000
"""Steps for members that one mail causes, in all lists together."""


class PostedList(msgspec.Struct, frozen=True):
    """A list that gets the mail as a post."""

    recipient: str
    list_id: str
    address: str
    after: str = ""
    """The id of the last member for whom there are steps."""
    parts: int = 0
    ended: bool = False


class ListProgress(msgspec.Struct, frozen=True):
    """The lists of a mail, in the order in which they were reached."""

    posted: tuple[PostedList, ...] = ()
    last: DeliveryListExpanded | None = None
    """The decision whose steps may not be done yet."""
    copies: int = 0
    reached: frozenset[str] = frozenset()
    """The ids of accounts and the addresses elsewhere that have a copy from a list."""
    blobs: tuple[tuple[str, str, int], ...] = ()
    """The messages that lists have made of the mail: the id of the list, the blob and its size."""

    @property
    def next(self) -> PostedList | None:
        """The list of which members are to be decided next."""
        return next((posted for posted in self.posted if not posted.ended), None)

    def has(self, list_id: str) -> bool:
        """Whether the mail has reached this list."""
        return any(posted.list_id == list_id for posted in self.posted)

    def begin(self, steps: Iterable[Step]) -> ListProgress:
        """The progress when the plan with these steps is recorded."""
        return msgspec.structs.replace(self, posted=(*self.posted, *_new_lists(self, steps)))

    def expand(self, part: DeliveryListExpanded) -> ListProgress:
        """The progress when a part is recorded."""
        changed = tuple(_after(posted, part) if posted.list_id == part.list_id else posted for posted in self.posted)
        made = ((part.list_id, part.blob, part.size),) if part.blob and not self.blob_of(part.list_id)[0] else ()
        return ListProgress(
            (*changed, *_new_lists(self, part.steps)),
            part,
            self.copies + len(part.steps),
            self.reached | {reached_key(step) for step in part.steps if step.action in _COPIES},
            (*self.blobs, *made),
        )

    def blob_of(self, list_id: str) -> tuple[str, int]:
        """The message that a list has made of the mail, with its size; empty when it has changed nothing."""
        return next(((blob, size) for made, blob, size in self.blobs if made == list_id), ("", 0))


_COPIES = frozenset({StepAction.STORE, StepAction.ENQUEUE})


def reached_key(step: Step) -> str:
    """What a step for a copy reaches: an account, or an address elsewhere."""
    return step.account or step.address.lower()


def _new_lists(progress: ListProgress, steps: Iterable[Step]) -> list[PostedList]:
    new: dict[str, PostedList] = {}
    for step in steps:
        if step.action == StepAction.LIST and not progress.has(step.list_id):
            new.setdefault(step.list_id, PostedList(step.recipient, step.list_id, step.address))
    return list(new.values())


def _after(posted: PostedList, part: DeliveryListExpanded) -> PostedList:
    return msgspec.structs.replace(posted, after=part.after or posted.after, parts=posted.parts + 1, ended=part.ended)
