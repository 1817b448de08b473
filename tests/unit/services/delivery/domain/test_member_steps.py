"""The steps for members of a list."""

from __future__ import annotations

import pytest

from services.delivery.domain.list_progress import MOST_LISTS, ListProgress, PostedList
from services.delivery.domain.list_rules import must_rewrite_author, refused
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.member_steps import MemberSteps
from shared.events.delivery import DeliveryListExpanded, Step
from shared.events.mail import Message, Recipient, RecordedCheck
from shared.protocol.mailing_list.post import NoPost
from shared.routing.known_lists import KnownList
from shared.routing.resolution import Resolution, ResolutionKind, Target

DEVS = KnownList("i1", "devs@example.org", ("ann@example.org",))
POSTED = PostedList("devs@example.org", "i1", "devs@example.org")
BEGUN = ListProgress((POSTED,))
MAIL = AcceptedMail("q1", "carl@far.example", (Recipient("devs@example.org"),), Message("g0001/b", 10))
ANN = Target("ann@example.org", "a1")
BOB = Target("bob@example.net")


def accounts(*targets: Target) -> Resolution:
    return Resolution(ResolutionKind.ACCOUNTS, targets)


def steps_of(
    *members: tuple[str, Resolution], progress: ListProgress = BEGUN, left_out: frozenset[str] = frozenset()
) -> list[tuple[str, str, str]]:
    steps = MemberSteps(MAIL, progress, POSTED, DEVS, left_out)
    for number, (address, resolution) in enumerate(members):
        steps.add(f"n{number}", address, resolution, f"devs=n{number}=x@example.org")
    return [(step.action, step.address, step.reverse_path) for step in steps.numbered(7)]


def test_copies_here_have_the_bounces_address_and_copies_elsewhere_one_for_each_member() -> None:
    remote = Resolution(ResolutionKind.REMOTE, (BOB,))
    assert steps_of(("ann@example.org", accounts(ANN)), ("bob@example.net", remote)) == [
        ("store", "ann@example.org", "devs-bounces@example.org"),
        ("enqueue", "bob@example.net", "devs=n1=x@example.org"),
    ]


def test_an_account_or_address_gets_one_copy() -> None:
    alias = accounts(ANN, Target("BOB@example.net"))
    found = steps_of(("ann@example.org", accounts(ANN)), ("b@example.org", alias), ("bob@example.net", accounts(BOB)))
    assert [step[:2] for step in found] == [("store", "ann@example.org"), ("enqueue", "BOB@example.net")]
    part = DeliveryListExpanded(
        "q1", "devs@example.org", "i1", "devs@example.org", 0, (Step("", 0, "store", account="a1"),), b""
    )
    assert steps_of(("ann@example.org", accounts(ANN)), progress=BEGUN.expand(part)) == []
    assert steps_of(("ann@example.org", accounts(ANN)), left_out=frozenset({"a1"})) == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ResolutionKind.UNKNOWN, "5.1.1"),
        (ResolutionKind.DISABLED, "5.2.1"),
        (ResolutionKind.OUTGOING_ONLY, "5.1.2"),
    ],
)
def test_a_dead_member_is_counted(kind: ResolutionKind, status: str) -> None:
    steps = MemberSteps(MAIL, BEGUN, POSTED, DEVS, frozenset())
    steps.add("n1", "eve@example.org", Resolution(kind), "")
    (step,) = steps.numbered(0)
    assert (step.action, step.member, step.list_id, step.rule) == ("count", "n1", "i1", status)


def test_a_list_in_a_list_is_expanded_once() -> None:
    inner, itself = Target("in@example.org", list_id="i2"), Target("devs@example.org", list_id="i1")
    found = steps_of(*(("x@example.org", accounts(target)) for target in (inner, itself, inner)))
    assert [step[:2] for step in found] == [
        ("list", "in@example.org"),
        ("discard", "devs@example.org"),
        ("discard", "in@example.org"),
    ]


def test_a_mail_reaches_a_bounded_number_of_lists() -> None:
    targets = [Target(f"l{number}@example.org", list_id=f"x{number}") for number in range(MOST_LISTS + 5)]
    found = steps_of(*((target.address, accounts(target)) for target in targets))
    assert [step[0] for step in found] == ["list"] * (MOST_LISTS - 1) + ["discard"] * 6


def test_the_progress_goes_from_list_to_list() -> None:
    step = Step("devs@example.org", 0, "list", address="in@example.org", list_id="i2")
    first = DeliveryListExpanded("q1", "devs@example.org", "i1", "devs@example.org", 0, (step,), b"", "n5", False)
    progress = ListProgress().begin([msg_step("i1"), msg_step("i1")]).expand(first)
    assert [(posted.list_id, posted.after, posted.ended) for posted in progress.posted] == [
        ("i1", "n5", False),
        ("i2", "", False),
    ]
    last = DeliveryListExpanded("q1", "", "i1", "devs@example.org", 1, (), b"", "n9", True, "g0001/c", 5)
    progress = progress.expand(last)
    assert progress.next is not None and (progress.next.list_id, progress.copies) == ("i2", 1)
    assert (progress.blob_of("i1"), progress.blob_of("i2")) == (("g0001/c", 5), ("", 0))


def msg_step(list_id: str) -> Step:
    return Step("devs@example.org", 0, "list", address="devs@example.org", list_id=list_id)


@pytest.mark.parametrize(
    ("mail", "action"),
    [
        (AcceptedMail("q1", "ann@example.org", (), Message("b", 1), submitted=True), "bounce"),
        (AcceptedMail("q1", "", (), Message("b", 1), submitted=True), "discard"),
        (MAIL, "discard"),
    ],
)
def test_only_our_users_are_told_of_a_refusal(mail: AcceptedMail, action: str) -> None:
    step = refused(mail, msg_step("i1"), NoPost.LOOP)
    assert (step.action, step.rule, step.reason) == (action, "5.4.6", NoPost.LOOP.value)


@pytest.mark.parametrize(
    ("author", "policy", "submitted", "expected"),
    [
        ("carl@far.example", "reject", False, True),
        ("carl@far.example", "quarantine", False, True),
        ("carl@far.example", "none", False, False),
        ("carl@far.example", "", False, False),
        ("ann@example.org", "reject", False, False),
        ("ann@mail.example.org", "reject", False, False),
        ("ann@other.example", "", True, True),
        ("ann@example.org", "", True, False),
        ("", "reject", False, False),
    ],
)
def test_from_is_rewritten_where_the_policy_demands_it(
    author: str, policy: str, submitted: bool, expected: bool
) -> None:
    dmarc = RecordedCheck("dmarc", "pass", {"policy": policy}) if policy else None
    mail = AcceptedMail("q1", "x@y.example", (), Message("b", 1, author=author), submitted=submitted, dmarc=dmarc)
    switched_on = KnownList("i1", "devs@example.org", (), rewrite_author=True)
    assert must_rewrite_author(mail, switched_on) is expected
    assert not must_rewrite_author(mail, DEVS)
