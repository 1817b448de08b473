"""Makes the server's streams and durables what `subjects` declares; done at every (re)connect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError, ServerError

from shared.bus.subjects import DURABLES, STREAMS, Durable, Stream

ACK_POLICY = AckPolicy.EXPLICIT
"""The one ack policy of the house: a message is done when its worker says so, never by being delivered."""

_STREAM_NAME_IN_USE = 10058
_STORAGE_FIXED = "storage type can not be updated"
"""The server's words; the number beside them stands for any failure to make a durable."""
_REQUEST_SECONDS = 3.0


def stream_config(stream: Stream) -> StreamConfig:
    """The server's configuration of a stream."""
    return StreamConfig(
        name=stream.name,
        subjects=[subject.pattern for subject in stream.subjects],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=stream.max_age,
        max_bytes=stream.max_bytes,
        duplicate_window=stream.dedupe_window,
    )


def consumer_config(durable: Durable, ack_wait_seconds: float) -> ConsumerConfig:
    """The server's configuration of a durable; it never gives up by itself (`max_deliver`): the worker counts and
    buries.

    What was acknowledged is gone from the stream, so a server that forgets a durable's state (`mem_storage`) gives out
    again only what was on its way when it stopped. Kept in a file, the state was written ten times a second for each
    durable: a seventh of the server's CPU.
    """
    return ConsumerConfig(
        durable_name=durable.name,
        filter_subject=durable.subject.pattern,
        ack_policy=ACK_POLICY,
        ack_wait=ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=durable.max_ack_pending,
        deliver_policy=DeliverPolicy.ALL,
        mem_storage=True,
    )


async def declare_all(client: Client, ack_wait_seconds: float) -> None:
    """Create or update every stream and durable. Raises what nats-py raises when the server does not answer or
    refuses."""
    jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
    for stream in STREAMS:
        await _declare_stream(jetstream, stream_config(stream))
    for durable in DURABLES:
        await _declare_durable(jetstream, durable.stream.name, consumer_config(durable, ack_wait_seconds))


async def remove_stuck(client: Client, silent_seconds: float) -> None:
    """Remove streams that took messages and confirmed none for so long; those who still have work send it again. A
    younger stream was just made anew by another process. Raises as `declare_all` does."""
    jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
    for stream in STREAMS:
        try:
            created = (await jetstream.stream_info(stream.name)).created
        except NotFoundError:
            continue
        if created is None or datetime.now(UTC) - created > timedelta(seconds=silent_seconds):
            await jetstream.delete_stream(stream.name)


async def _declare_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    """Creating what is there already with the same configuration is no error; with another one, it is updated."""
    try:
        await jetstream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _STREAM_NAME_IN_USE:
            raise
        await jetstream.update_stream(config)


async def _declare_durable(jetstream: JetStreamContext, stream: str, config: ConsumerConfig) -> None:
    """As for a stream. A durable of an earlier release that kept its state in a file is made anew; its messages stay in
    the stream.
    """
    try:
        await jetstream.add_consumer(stream, config)
    except ServerError as error:
        if error.description != _STORAGE_FIXED or config.durable_name is None:
            raise
        await jetstream.delete_consumer(stream, config.durable_name)
        await jetstream.add_consumer(stream, config)
