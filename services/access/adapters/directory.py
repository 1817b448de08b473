"""The directory, as log-ins use it."""

from __future__ import annotations

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.owner.log_ins import LogInQuestions


class DirectoryClient(LogInQuestions):
    """Asks about log-ins, and repeats a question while the directory is being started again."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        super().__init__(channel, patience.call)
