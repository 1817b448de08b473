"""Serves the Classifier contract."""

from __future__ import annotations

from typing import Any

from services.classifier.handlers.teacher import Teacher
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.classifier.v1 import classifier_pb2 as pb
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierServicer


class ClassifierEndpoint(ClassifierServicer):
    """Reports what the model has learned, and rebuilds the model."""

    def __init__(self, store: EventStore, teacher: Teacher) -> None:
        self._store = store
        self._teacher = teacher

    async def Learning(self, request: pb.LearningRequest, context: Any) -> pb.LearningReply:
        model = self._teacher.model
        row = await self._store.read(lambda reader: reader.first_row("SELECT count(*) FROM lesson"))
        return pb.LearningReply(
            spam_seen=model.spam_seen,
            ham_seen=model.ham_seen,
            facts=row[0] if row else 0,
            active=model.is_ready,
            ready=True,
        )

    async def RebuildModel(self, request: pb.RebuildModelRequest, context: Any) -> pb.LearningReply:
        await self._teacher.rebuild()
        return await self.Learning(pb.LearningRequest(), context)
