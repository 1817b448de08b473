"""The threads of messages: ORDEREDSUBJECT, REFERENCES (RFC 5256 §3) and REFS (draft-ietf-morg-inthread).

Nothing recurses, so a chain of any length is an ordinary thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from shared.long_sort import long_sorted
from shared.protocol.imap.thread_links import Date, Node, ThreadLinks


class ThreadedMessage(NamedTuple):
    """What threading needs of a message."""

    number: int
    """The sequence number or UID that the answer names."""
    message_id: str
    references: tuple[str, ...]
    """The ids of References, else the first of In-Reply-To, the oldest first."""
    sent: int
    """The sent date, or the internal date where there is none, in any unit."""
    subject: str = ""
    """The base subject with folded case."""
    is_reply: bool = False


class ThreadForest(NamedTuple):
    """The threads of a mailbox: nodes, of which some are messages that are not in the mailbox."""

    roots: Sequence[Node]
    children: Sequence[Sequence[Node]]
    numbers: Sequence[int]
    """The numbers of the first nodes; the other nodes are dummies."""

    def number(self, node: Node) -> int | None:
        """The number that the answer names; None for a dummy."""
        return self.numbers[node] if node < len(self.numbers) else None


def by_ordered_subject(messages: Sequence[ThreadedMessage]) -> ThreadForest:
    """The threads of equal base subjects: the first message is the parent of the others (§3, ORDEREDSUBJECT)."""
    order = long_sorted(range(len(messages)), key=lambda node: (messages[node].sent, messages[node].number))
    children: list[list[Node]] = [[] for _ in messages]
    first: dict[str, Node] = {}
    for node in order:
        root = first.setdefault(messages[node].subject, node)
        if root != node:
            children[root].append(node)
    return ThreadForest(list(first.values()), children, [message.number for message in messages])


def by_references(messages: Sequence[ThreadedMessage]) -> ThreadForest:
    """The threads by references and by base subjects, ordered by the date of the first message (§3, REFERENCES)."""
    links = _linked(messages)
    dates = _dates(messages, links, _FIRST)
    _merge_by_subject(messages, links, long_sorted(links.roots(), key=dates.__getitem__), dates)
    dates = _dates(messages, links, _FIRST)
    return _forest(messages, links, dates, dates)


def by_refs(messages: Sequence[ThreadedMessage]) -> ThreadForest:
    """The threads by references alone, ordered by the date of their newest message."""
    links = _linked(messages)
    return _forest(messages, links, _dates(messages, links, _FIRST), _dates(messages, links, _NEWEST))


def _linked(messages: Sequence[ThreadedMessage]) -> ThreadLinks:
    """The links of steps 1 to 3, without dummies that say nothing."""
    links = ThreadLinks(len(messages))
    nodes: dict[str, Node] = {}
    for node, message in enumerate(messages):
        if message.message_id:
            nodes.setdefault(message.message_id, node)  # of several with one id, only the first is referred to
    for node, message in enumerate(messages):
        last = _link_references(links, nodes, message.references)
        if last is not None:
            links.relink(last, node)
        elif links.parent[node] is not None and not message.references:
            links.cut(node)
    links.prune()
    return links


def _link_references(links: ThreadLinks, nodes: dict[str, Node], references: Iterable[str]) -> Node | None:
    """Link the ids of References with one another (step 1A); returns the node of the last one."""
    parent: Node | None = None
    for reference in references:
        node = nodes.get(reference)
        if node is None:
            node = nodes[reference] = links.new_dummy()
        if parent is not None:
            links.link_if_free(parent, node)
        parent = node
    return parent


_Choose = Callable[[Date, Date], Date]
_FIRST: _Choose = min
_NEWEST: _Choose = max


def _dates(messages: Sequence[ThreadedMessage], links: ThreadLinks, choose: _Choose) -> list[Date]:
    """The sort key of each node: its own date and for a dummy that of its first child; or the newest below it."""
    dates: list[Date | None] = [(message.sent, message.number) for message in messages]
    dates.extend([None] * (links.size - len(messages)))
    for node in links.upwards():
        parent, date = links.parent[node], dates[node]
        if parent is None or date is None or (choose is _FIRST and not links.is_dummy(parent)):
            continue
        known = dates[parent]
        dates[parent] = date if known is None else choose(known, date)
    return [date or (0, 0) for date in dates]


def _merge_by_subject(
    messages: Sequence[ThreadedMessage], links: ThreadLinks, roots: Sequence[Node], dates: Sequence[Date]
) -> None:
    """Merge threads whose subjects are equal (step 5)."""
    speakers = {root: _speaker(links, root, dates) for root in roots}
    table: dict[str, Node] = {}
    for root in roots:
        subject = messages[speakers[root]].subject
        if subject and (subject not in table or _is_better(messages, links, speakers, table[subject], root)):
            table[subject] = root
    for root in roots:
        subject = messages[speakers[root]].subject
        kept = table.get(subject, root)
        if kept == root or links.parent[root] is not None:  # it may have been merged as the one in the table
            continue
        table[subject] = _merged(links, kept, root, _is_answer(messages, speakers, kept, root))
        speakers.setdefault(table[subject], speakers[kept])


def _speaker(links: ThreadLinks, root: Node, dates: Sequence[Date]) -> Node:
    """The message whose subject is the subject of a thread: the root, or the first child of a dummy."""
    return min(links.children[root], key=dates.__getitem__) if links.is_dummy(root) else root


def _is_better(
    messages: Sequence[ThreadedMessage], links: ThreadLinks, speakers: dict[Node, Node], kept: Node, other: Node
) -> bool:
    """Whether another root stands for a subject rather than the one in the table (step 5B)."""
    if links.is_dummy(other) and not links.is_dummy(kept):
        return True
    return messages[speakers[kept]].is_reply and not messages[speakers[other]].is_reply


def _is_answer(messages: Sequence[ThreadedMessage], speakers: dict[Node, Node], kept: Node, other: Node) -> bool:
    return messages[speakers[other]].is_reply and not messages[speakers[kept]].is_reply


def _merged(links: ThreadLinks, kept: Node, other: Node, is_answer: bool) -> Node:
    """The root of both threads (step 5C)."""
    if links.is_dummy(kept) and links.is_dummy(other):
        links.give_children(other, kept)
        return kept
    if links.is_dummy(kept) or is_answer:
        links.adopt(kept, other)
        return kept
    both = links.new_dummy()
    links.adopt(both, kept)
    links.adopt(both, other)
    return both


def _forest(
    messages: Sequence[ThreadedMessage], links: ThreadLinks, dates: Sequence[Date], root_dates: Sequence[Date]
) -> ThreadForest:
    links.order_children(dates.__getitem__)
    roots = long_sorted(links.roots(), key=root_dates.__getitem__)
    return ThreadForest(roots, links.children, [message.number for message in messages])
