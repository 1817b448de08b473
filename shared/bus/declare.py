"""Creates the streams and consumers that `subjects` declares, at every (re)connect."""

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
"""The only acknowledgement policy in use: a message is done when its worker says so, and not when it is delivered."""

_STREAM_NAME_IN_USE = 10058
_STORAGE_FIXED = "storage type can not be updated"
"""The server's text. Its error number is used for any failure to create a consumer."""
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
    """The server's configuration of a consumer.

    The server never gives up on a message (`max_deliver`), because the worker counts deliveries.
    Acknowledged messages are deleted from the stream. So a server that forgets a consumer's state (`mem_storage`) only
    delivers messages again that were being processed when it stopped. With its state in a file, each consumer wrote ten
    times a second, which was a seventh of the server's CPU.
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
    """Create or update every stream and consumer.

    Raises the errors of nats-py when the server does not answer or refuses.
    """
    jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
    for stream in STREAMS:
        await _declare_stream(jetstream, stream_config(stream))
    for durable in DURABLES:
        await _declare_durable(jetstream, durable.stream.name, consumer_config(durable, ack_wait_seconds))


async def remove_stuck(client: Client, silent_seconds: float) -> None:
    """Remove streams that have confirmed no message for so long; the senders send their messages again.

    A younger stream was just created again by another process. Raises like `declare_all`.
    """
    jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
    for stream in STREAMS:
        try:
            created = (await jetstream.stream_info(stream.name)).created
        except NotFoundError:
            continue
        if created is None or datetime.now(UTC) - created > timedelta(seconds=silent_seconds):
            await jetstream.delete_stream(stream.name)


async def _declare_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    """Create or update a stream. Creating an existing stream with the same configuration is no error."""
    try:
        await jetstream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _STREAM_NAME_IN_USE:
            raise
        await jetstream.update_stream(config)


async def _declare_durable(jetstream: JetStreamContext, stream: str, config: ConsumerConfig) -> None:
    """Create or update a consumer.

    A consumer of an earlier release with its state in a file is created anew; its messages stay in the stream.
    """
    try:
        await jetstream.add_consumer(stream, config)
    except ServerError as error:
        if error.description != _STORAGE_FIXED or config.durable_name is None:
            raise
        await jetstream.delete_consumer(stream, config.durable_name)
        await jetstream.add_consumer(stream, config)
