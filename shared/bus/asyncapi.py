"""Generates the AsyncAPI document of the bus with FastStream: `python -m shared.bus.asyncapi > docs/asyncapi.json`.

FastStream is imported only here, and its broker never connects. In the services it would cost 16 MB and ten times the
CPU for each message.
"""

from __future__ import annotations

import sys

import orjson
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.specification import AsyncAPI

from shared.bus.subjects import DURABLES, Durable

ACK_POLICY = AckPolicy.MANUAL
"""The acknowledgement policy of our workers, which acknowledge by themselves. FastStream's default would end a message
at its first error."""


def document() -> str:
    """The document as JSON; equal declarations give equal text."""
    broker = NatsBroker("nats://127.0.0.1:4222", logger=None, apply_types=False)
    for durable in DURABLES:
        _describe(broker, durable)
    about = (__doc__ or "").splitlines()[0]
    specification = AsyncAPI(broker, title="Mailfold bus", version="1", description=about).to_specification()
    return (
        orjson.dumps(orjson.loads(specification.to_json()), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
        + "\n"
    )


def _describe(broker: NatsBroker, durable: Durable) -> None:
    """Declare a publisher and a subscriber for the event of a durable consumer."""
    subject, stream = durable.subject, JStream(durable.stream.name, declare=False)
    broker.publisher(
        subject.pattern,
        stream=stream,
        title=f"{subject.area}.{subject.name}",
        description=subject.meaning,
        schema=bytes,
    )

    async def work(payload: bytes) -> None:
        """Represents the service's own worker in the document."""

    subscriber = broker.subscriber(
        subject.pattern,
        durable=durable.name,
        stream=stream,
        pull_sub=PullSub(),
        ack_policy=ACK_POLICY,
        title=durable.name,
        description=subject.meaning,
    )
    subscriber(work)


if __name__ == "__main__":
    sys.stdout.write(document())
