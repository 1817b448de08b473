"""The resolver of a process: it asks each question once, and caches the answer."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from shared.background import begin, spawn
from shared.clock import Clock, SystemClock
from shared.dns.cache import AnswerCache
from shared.dns.lookup import Lookup
from shared.dns.run import Run, Used
from shared.dns.server import NameServer
from shared.dns.settings import ResolverSettings, server_addresses
from shared.protocol.dns.evaluation import Evaluation
from shared.protocol.dns.names import is_askable
from shared.protocol.dns.question import Answer, Question

Result = TypeVar("Result")
_BURST = 200


class Resolver:
    """Asks the configured name servers. Each process has one for its event loop and must call `close()` at the end."""

    def __init__(self, settings: ResolverSettings | None = None, clock: Clock | None = None) -> None:
        """Create the resolver. Raises ValueError when the configured addresses are invalid."""
        self._settings = settings or ResolverSettings()
        self._clock: Clock = clock or SystemClock()
        self._servers = [
            NameServer(address, self._settings, self._clock) for address in server_addresses(self._settings.addresses)
        ]
        self._cache = AnswerCache(self._settings)
        self._gate = asyncio.Semaphore(_BURST)
        self._connections = asyncio.Semaphore(self._settings.connections)
        self._in_flight: dict[Question, asyncio.Task[Answer]] = {}
        self.asked = 0
        """Number of questions put to the resolver."""
        self.cache_hits = 0
        self.joined = 0
        """Number of questions that waited for an equal question in flight."""
        self.queries = 0
        """Number of datagrams sent, including repeats."""
        self.tcp_queries = 0
        self.timeouts = 0
        """Number of questions that no name server answered in time."""
        self.refused = 0
        """Number of questions not asked, because too many were in flight or every name server was down."""

    @property
    def cached_answers(self) -> int:
        """Number of cached answers."""
        return len(self._cache)

    @property
    def cached_octets(self) -> int:
        """Octets of memory for the cached answers."""
        return self._cache.octets

    @property
    def strangers(self) -> int:
        """Number of datagrams that were no response to an open question; a high number shows that ids are guessed."""
        return sum(server.strangers() for server in self._servers)

    def cached(self, question: Question) -> Answer | None:
        """The cached answer, without waiting."""
        answer = self._cache.get(question, self._clock.monotonic())
        if answer is not None:
            self.asked += 1
            self.cache_hits += 1
        return answer

    async def ask(self, question: Question) -> Answer:
        """The answer to one question. Never raises; without an answer the status is temperror."""
        return self.cached(question) or await self._ask_servers(question)

    def prefetch(self, questions: tuple[Question, ...]) -> None:
        """Begin to ask questions whose answers will be needed soon, without waiting."""
        for question in questions:
            if self._cache.get(question, self._clock.monotonic()) is None and self._can_be_asked(question):
                self._task(question)

    async def drive(self, evaluation: Evaluation[Result]) -> tuple[Result, Used]:
        """Run an evaluation; returns its result and the answers it used.

        Questions after `evaluation_timeout` get temperror at once.
        """
        run = self._with_answers_at_hand(evaluation)
        return run.outcome or await self._finish(run)

    def begin(self, evaluation: Evaluation[Result]) -> asyncio.Future[tuple[Result, Used]]:
        """Like `drive`, but begun at once.

        When every answer is cached, the evaluation has ended when this returns; otherwise a task continues it.
        """
        run = self._with_answers_at_hand(evaluation)
        if run.outcome is None:
            return begin(self._finish(run))
        done: asyncio.Future[tuple[Result, Used]] = asyncio.get_running_loop().create_future()
        done.set_result(run.outcome)
        return done

    async def close(self) -> None:
        """Cancel all questions and close the sockets."""
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._servers:
            server.close()

    def _with_answers_at_hand(self, evaluation: Evaluation[Result]) -> Run[Result]:
        """Run an evaluation as far as cached answers allow, without waiting."""
        run = Run(evaluation)
        while run.outcome is None and (answers := self._at_hand(run.questions)) is not None:
            run.answer(answers)
        return run

    def _at_hand(self, questions: tuple[Question, ...]) -> tuple[Answer, ...] | None:
        now = self._clock.monotonic()
        answers = tuple(answer for question in questions if (answer := self._cache.get(question, now)) is not None)
        if len(answers) < len(questions):
            return None
        self.asked += len(answers)
        self.cache_hits += len(answers)
        return answers

    async def _finish(self, run: Run[Result]) -> tuple[Result, Used]:
        deadline = self._clock.monotonic() + self._settings.evaluation_timeout
        try:
            while run.outcome is None:
                run.answer(await self._ask_all(run.questions, deadline))
            return run.outcome
        finally:
            run.close()

    async def _ask_all(self, questions: tuple[Question, ...], deadline: float) -> tuple[Answer, ...]:
        cached_answers = [self.cached(question) for question in questions]
        missing = [question for question, answer in zip(questions, cached_answers, strict=True) if answer is None]
        if not missing:
            return tuple(answer for answer in cached_answers if answer is not None)
        late = iter(await self._ask_missing(missing, deadline))
        return tuple(answer if answer is not None else next(late) for answer in cached_answers)

    async def _ask_missing(self, questions: list[Question], deadline: float) -> list[Answer]:
        if self._clock.monotonic() >= deadline:
            return [Answer("temperror", source="out of time for this evaluation")] * len(questions)
        if len(questions) == 1:
            return [await self._ask_servers(questions[0])]
        return await asyncio.gather(*map(self._ask_servers, questions))

    async def _ask_servers(self, question: Question) -> Answer:
        self.asked += 1
        if not is_askable(question.name):
            return Answer("nxdomain", source="not a name that can be asked for")
        task = self._in_flight.get(question)
        if task is not None:
            self.joined += 1
        elif self._can_be_asked(question):
            task = self._task(question)
        else:
            self.refused += 1
            return Answer("temperror", source="name servers are down, or too many questions wait")
        return await asyncio.shield(task)  # one cancelled caller must not cancel the question for the others

    def _can_be_asked(self, question: Question) -> bool:
        if (
            question in self._in_flight
            or len(self._in_flight) >= self._settings.max_in_flight
            or not is_askable(question.name)
        ):
            return False
        return any(server.is_worth_asking() for server in self._servers)

    def _task(self, question: Question) -> asyncio.Task[Answer]:
        task = self._in_flight[question] = spawn(self._look_up(question), "dns-question")
        return task

    async def _look_up(self, question: Question) -> Answer:
        lookup = Lookup(question, self._servers, self._settings, self._gate, self._connections)
        try:
            answer = await lookup.run()
        finally:
            del self._in_flight[question]
            self.queries += lookup.queries
            self.tcp_queries += lookup.tcp_queries
            self.timeouts += lookup.timed_out
        self._cache.put(question, answer, self._clock.monotonic())
        return answer
