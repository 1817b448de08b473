"""Measures the CPU of one mail by step, beside the budget of the design.

It combines the CPU of each process with samples of its stacks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.figures import Cost, StepCost
from loadtest.imap.session import ImapSession
from loadtest.measure.bench import Meters, Supply
from loadtest.measure.inbound import measure_inbound
from loadtest.meter.stacks import Stack, StackSamples, sampler
from loadtest.smtp.driver import Shape
from loadtest.target import Target
from loadtest.watching import Progress


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a mail: its budget, and the folders whose frames belong to it."""

    name: str
    budget_ms: float
    rooms: tuple[str, ...]


_CHECKS = (
    "shared/protocol/spf/",
    "shared/protocol/dkim/",
    "shared/protocol/dmarc/",
    "shared/protocol/authres/",
    "shared/protocol/dns/",
    "shared/dns/",
    "services/ingress/handlers/checks",
    "services/ingress/domain/",
)
_EVENTS = (
    "shared/eventstore/",
    "shared/events/",
    "shared/bus/",
    "shared/owner/",
    "shared/grpc/",
    "services/ingress/",
    "nats",
)
STEPS = (
    Step("SMTP session", 1.0, ("shared/protocol/smtp/", "shared/protocol/sasl/", "services/ingress/endpoints/")),
    Step("SPF, DKIM, DMARC", 1.8, _CHECKS),
    Step("blob", 0.2, ("shared/blobs/",)),
    Step("events, relay, bus", 1.6, _EVENTS),
    Step("structure scan", 0.4, ("shared/protocol/message/",)),
    Step("classify and learn", 1.5, ("services/classifier/",)),
    Step(
        "route and Sieve",
        0.3,
        ("services/delivery/", "services/outbound/", "shared/routing/", "shared/protocol/sieve/"),
    ),
    Step("store and notify", 0.4, ("services/mailstore/", "services/access/", "shared/protocol/imap/")),
    Step("event log", 0.3, ("services/eventlog/",)),
)
"""The budgets for one mail of 8 KB. A frame belongs to the first step that names its folder."""
REST = Step("loop, sockets, the rest", 0.0, ())


def step_of(stack: Stack) -> Step:
    """The step of the innermost frame that belongs to any."""
    for frame in reversed(stack):
        for step in STEPS:
            if any(f"/{room}" in f"/{frame}" for room in step.rooms):
                return step
    return REST


def by_step(cpu: Cost, samples: Mapping[str, Counter[Stack]]) -> list[StepCost]:
    """The milliseconds of each process, divided among the steps by their share of its samples.

    A process without samples is a step by itself.
    """
    costs: defaultdict[tuple[str, str], float] = defaultdict(float)
    for process, milliseconds in cpu.items():
        seen = samples.get(process) or Counter({(process,): 1})
        for stack, count in seen.items():
            costs[step_of(stack).name, process] += milliseconds * count / seen.total()
    order = [step.name for step in (*STEPS, REST)]
    budget = {step.name: step.budget_ms for step in STEPS}
    by_name = {
        name: {process: round(cost, 3) for (step, process), cost in costs.items() if step == name} for name in order
    }
    return [StepCost(step=name, budget_ms=budget.get(name), cpu_ms=by_name[name]) for name in order]


async def measure_steps(
    target: Target,
    sessions: Mapping[int, ImapSession],
    meters: Meters,
    supply: Supply,
    messages: int,
    progress: Progress,
) -> list[StepCost]:
    """Do two runs with ten connections: one for the CPU, and one with samples of stacks.

    Raises RuntimeError without a sampler or a server to sample.
    """
    program = sampler()
    if program is None or meters.server is None:
        raise RuntimeError("steps needs py-spy and a Mailfold whose processes are known (--start or --data)")
    plain = await measure_inbound(target, sessions, meters, supply.rendered_mails(messages), Shape(), progress)
    watching = StackSamples(program, meters.server.pids())
    watching.start()
    try:
        await measure_inbound(target, sessions, meters, supply.rendered_mails(messages), Shape(), progress)
    finally:
        samples = watching.stop()
    return by_step(plain.settled_cpu_ms_per_message, samples)
