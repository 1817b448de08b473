"""The plan of a mail, for each way in which a recipient is resolved."""

from __future__ import annotations

import pytest

from services.delivery.domain.account_runs import MOST_REDIRECTS_IN_A_ROW, AccountRun, AccountTarget, PlannedScripts
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import LocalRedirect
from services.delivery.domain.plan import MailPlan, Route, plan
from services.delivery.domain.script_chain import MessageForm
from services.delivery.domain.script_steps import kept
from shared.events.delivery import Step
from shared.events.mail import Message, Recipient
from shared.routing.resolution import Resolution, ResolutionKind, Target

ANN = Target("ann@example.org", "a1", 1000)
BOB = Target("bob@example.org", "a2")
ELSEWHERE = Target("x@example.net")


def mail(*, spam: bool = False) -> AcceptedMail:
    return AcceptedMail("q1", "eve@example.net", (), Message("g0001/b", 10), spam=spam)


def route(address: str, kind: ResolutionKind, *targets: Target, via: str = "") -> Route:
    return Recipient(address), Resolution(kind, targets, via)


def steps(*routes: Route, spam: bool = False) -> tuple[Step, ...]:
    return plan(mail(spam=spam), routes)[0]


def test_an_account_gets_a_copy_within_its_quota() -> None:
    (step,) = steps(route("Ann+tag@example.org", ResolutionKind.ACCOUNTS, ANN))
    assert (step.recipient, step.action, step.account, step.address) == (
        "Ann+tag@example.org",
        "store",
        "a1",
        "ann@example.org",
    )
    assert (step.quota_bytes, step.spam, step.mailbox, step.rule) == (1000, False, "", "implicit keep")


def test_a_later_holder_of_an_address_does_not_get_the_mail_of_the_former_one() -> None:
    resolution = Resolution(ResolutionKind.ACCOUNTS, (ANN,))
    (step,) = steps((Recipient("ann@example.org", account="a9"), resolution))
    assert (step.action, step.rule, step.reason) == (
        "bounce",
        "5.1.1",
        "the mailbox to which this was sent was removed, and its address belongs to somebody else",
    )
    (step,) = steps((Recipient("ann@example.org", account="a1"), resolution))
    assert (step.action, step.account) == ("store", "a1")


def test_an_alias_in_the_place_of_an_account_gets_its_mail() -> None:
    resolution = Resolution(ResolutionKind.ACCOUNTS, (BOB,), "ann@example.org")
    (step,) = steps((Recipient("ann@example.org", account="a1"), resolution))
    assert (step.action, step.account) == ("store", "a2")


def test_an_address_elsewhere_goes_to_outbound_with_the_reverse_path() -> None:
    (step,) = steps(route("x@example.net", ResolutionKind.REMOTE, ELSEWHERE))
    assert step == Step("x@example.net", 0, "enqueue", address="x@example.net", reverse_path="eve@example.net")


@pytest.mark.parametrize(
    ("kind", "status"),
    [(ResolutionKind.UNKNOWN, "5.1.1"), (ResolutionKind.DISABLED, "5.2.1"), (ResolutionKind.OUTGOING_ONLY, "5.1.2")],
)
def test_what_does_not_receive_bounces(kind: ResolutionKind, status: str) -> None:
    (step,) = steps(route("ann@example.org", kind))
    assert (step.action, step.rule, bool(step.reason)) == ("bounce", status, True)


@pytest.mark.parametrize("kind", list(ResolutionKind))
def test_every_kind_of_bounce_names_its_reason(kind: ResolutionKind) -> None:
    done, reported, _ = plan(
        mail(), [route("ann@example.org", kind, *([ANN] if kind is ResolutionKind.ACCOUNTS else []))]
    )
    assert len(done) == 1
    assert reported[0].startswith("ann@example.org → ")


def test_an_alias_leads_to_all_its_targets() -> None:
    done, reported, _ = plan(
        mail(), [route("all@example.org", ResolutionKind.ACCOUNTS, ANN, ELSEWHERE, BOB, via="all@example.org")]
    )
    assert [(step.index, step.action, step.address) for step in done] == [
        (0, "store", "ann@example.org"),
        (1, "enqueue", "x@example.net"),
        (2, "store", "bob@example.org"),
    ]
    assert {step.recipient for step in done} == {"all@example.org"}
    assert reported == (
        "all@example.org → ann@example.org, x@example.net (elsewhere), bob@example.org (through all@example.org)",
    )


def test_an_account_reached_twice_gets_one_copy() -> None:
    done = steps(
        route("all@example.org", ResolutionKind.ACCOUNTS, ANN, BOB),
        route("ann@example.org", ResolutionKind.ACCOUNTS, ANN),
    )
    assert [(step.action, step.recipient, step.index) for step in done] == [
        ("store", "all@example.org", 0),
        ("store", "all@example.org", 1),
        ("discard", "ann@example.org", 2),
    ]


def test_an_address_elsewhere_reached_twice_gets_one_copy() -> None:
    done = steps(
        route("all@example.org", ResolutionKind.ACCOUNTS, ELSEWHERE),
        route("x@example.net", ResolutionKind.REMOTE, ELSEWHERE),
    )
    assert [step.action for step in done] == ["enqueue", "discard"]


def test_spam_is_filed_for_accounts_and_passes_elsewhere() -> None:
    done = steps(route("all@example.org", ResolutionKind.ACCOUNTS, ANN, ELSEWHERE), spam=True)
    assert [(step.action, step.spam) for step in done] == [("store", True), ("enqueue", False)]


def scripted(routes: list[Route], runs: dict[str, AccountRun]) -> MailPlan:
    """The plan when these accounts, by id, have scripts with these results."""
    return plan(mail(), routes, PlannedScripts(lambda account: account in {"a1", "a2", "a3"}, runs))


def target(number: int) -> Target:
    return Target(f"user{number}@example.org", f"a{number}")


def run(number: int, *stored: str, to: tuple[Target, ...] = ()) -> AccountRun:
    """What the scripts of an account decide: copies for mailboxes, and redirects here."""
    step = kept(AccountTarget(Recipient("all@example.org"), target(number), ""), is_spam=False)
    steps = tuple(Step("all@example.org", 0, "store", account=f"a{number}", mailbox=name) for name in stored)
    return AccountRun(steps, step, tuple(LocalRedirect(goal.address, goal, MessageForm(b"X: y\r\n")) for goal in to))


def actions(made: MailPlan) -> list[tuple[str, str, str]]:
    return [(step.action, step.account, step.mailbox) for step in made.steps]


def test_a_plan_names_the_accounts_whose_scripts_must_run_first() -> None:
    routes = [route("all@example.org", ResolutionKind.ACCOUNTS, target(1), target(2), target(9), via="all@example.org")]
    first = scripted(routes, {})
    assert [got.target.account for got in first.needed] == ["a1", "a2"]
    assert [got.address for got in first.needed] == ["all@example.org"] * 2
    whole = scripted(routes, {"a1": run(1, "Work", "Lists"), "a2": run(2, "Two")})
    assert not whole.needed
    assert actions(whole) == [
        ("store", "a1", "Work"),
        ("store", "a1", "Lists"),
        ("store", "a2", "Two"),
        ("store", "a9", ""),
    ]
    assert [step.index for step in whole.steps] == [0, 1, 2, 3]


def test_an_account_to_which_a_script_redirects_runs_its_own_script() -> None:
    routes = [route("user1@example.org", ResolutionKind.ACCOUNTS, target(1))]
    first = scripted(routes, {"a1": run(1, to=(target(2), target(9)))})
    assert [(got.target.account, got.address, got.form.added) for got in first.needed] == [
        ("a2", "user2@example.org", b"X: y\r\n")
    ]
    whole = scripted(routes, {"a1": run(1, to=(target(2), target(9))), "a2": run(2, "Work")})
    assert actions(whole) == [("store", "a2", "Work"), ("store", "a9", "")]
    assert whole.steps[1].added == b"X: y\r\n", "the copy is the message as the script has changed it"


def test_a_redirect_that_leads_back_leaves_the_mail_where_it_is() -> None:
    routes = [route("user1@example.org", ResolutionKind.ACCOUNTS, target(1))]
    runs = {"a1": run(1, to=(target(2),)), "a2": run(2, to=(target(1), target(2)))}
    assert actions(scripted(routes, runs)) == [("store", "a2", "")]
    both = [*routes, route("user2@example.org", ResolutionKind.ACCOUNTS, target(2))]
    assert actions(scripted(both, runs)) == [("store", "a2", ""), ("discard", "", "")]


def test_the_copy_of_a_notification_is_no_copy_of_the_mail() -> None:
    copy = Step("all@example.org", 0, "store", account="a2", mailbox="Sent", rule="fcc", blob="g/n")
    back = run(2, to=(target(1),))
    runs = {"a1": run(1, to=(target(2),)), "a2": AccountRun((copy,), back.kept, back.local)}
    routes = [route("user1@example.org", ResolutionKind.ACCOUNTS, target(1))]
    assert actions(scripted(routes, runs)) == [("store", "a2", "Sent"), ("store", "a2", "")]


def test_a_chain_of_redirects_ends_with_a_copy() -> None:
    def has_scripts(account: str) -> bool:
        return True

    runs = {f"a{number}": run(number, to=(target(number + 1),)) for number in range(1, 50)}
    made = plan(
        mail(), [route("user1@example.org", ResolutionKind.ACCOUNTS, target(1))], PlannedScripts(has_scripts, runs)
    )
    (last,) = made.steps
    assert (last.action, last.account) == ("store", f"a{MOST_REDIRECTS_IN_A_ROW + 1}")
    assert "no further script runs" in last.reason


def test_the_same_events_give_the_same_plan() -> None:
    routes = [
        route("all@example.org", ResolutionKind.ACCOUNTS, ANN, BOB, ELSEWHERE),
        route("gone@example.org", ResolutionKind.UNKNOWN),
    ]
    assert plan(mail(), routes) == plan(mail(), routes)


def test_sub_addresses_of_a_large_alias_make_no_large_plan() -> None:
    """A stranger may name them a thousand times in a mail: steps grow with accounts and recipients, not with their
    product."""
    targets = [Target(f"u{number}@example.org", f"a{number}") for number in range(1000)]
    routes = [
        route(f"all+{number}@example.org", ResolutionKind.ACCOUNTS, *targets, via="all@example.org")
        for number in range(1000)
    ]
    other = [
        route(f"both+{number}@example.org", ResolutionKind.ACCOUNTS, *targets, via=f"b{number}@example.org")
        for number in range(9)
    ]
    done, ways, _ = plan(mail(), [*routes, *other])
    assert [step.action for step in done] == ["store"] * 1000 + ["discard"] * (999 + 9)
    assert {step.recipient for step in done} == {recipient.address for recipient, _ in [*routes, *other]}
    assert max(map(len, ways)) < 500 and ways[0].endswith(", 990 more (through all@example.org)")


def test_an_alias_that_leads_nowhere_bounces_each_time() -> None:
    gone = [route(f"gone+{number}@example.org", ResolutionKind.DISABLED, via="gone@example.org") for number in range(2)]
    assert [step.action for step in steps(*gone)] == ["bounce", "bounce"]
