"""Batching of requests: those that arrive while a model computes are answered together next."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from nlpkit.errors import ConfigError, NlpkitError
from nlpkit.reports.drawing import draw

if TYPE_CHECKING:
    from nlpkit.prediction.answers import Answer
    from nlpkit.tasks.task import Task

_log = logging.getLogger("nlpkit.web")


class PredictRequest(NamedTuple):
    """A request for answers of a model.

    Attributes:
        records: records of the task.
        options: prediction options.
        show: one of `nlpkit.web.requests.SHOWN`.
    """

    records: Sequence[Any]
    options: Any
    show: str


class Reply(NamedTuple):
    """The reply to a record.

    Attributes:
        answer: plain values of the answer.
        problem: problem of the record, or an empty string.
        is_error: whether the record could not be answered.
        html: answer as HTML, if requested.
    """

    answer: dict[str, Any]
    problem: str
    is_error: bool
    html: str


_Waiting = tuple[PredictRequest, "asyncio.Future[list[Reply]]"]


class Overloaded(Exception):
    """The queue is full."""


class Batcher:
    """Answers requests to one model, in a thread of its own, in the order of their arrival.

    Args:
        model: trained model.
        batch: largest number of records in a batch; a larger request is a batch by itself.
        waiting: largest number of waiting records.
    """

    def __init__(self, model: Task[Any], batch: int, waiting: int):
        self.model = model
        self.records = 0
        """Number of waiting records."""
        self._batch, self._waiting = batch, waiting
        self._queue: collections.deque[_Waiting] = collections.deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, f"nlpkit-{model.declaration.name}")

    async def answer(self, request: PredictRequest) -> list[Reply]:
        """Reply to each record.

        Raises:
            Overloaded: if the queue is full.
        """
        if self.records + len(request.records) > self._waiting:
            raise Overloaded
        done: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._queue.append((request, done))
        self.records += len(request.records)
        self._arrived.set()
        try:
            return await done
        finally:
            self.records -= len(request.records)

    async def run(self) -> None:
        """Answer requests until the task is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._arrived.wait()
                batch = self._next_batch()
                if not batch:
                    self._arrived.clear()
                    continue
                requests = [request for request, _ in batch]
                results = await loop.run_in_executor(self._thread, self._compute, requests)
                for (_, done), replies in zip(batch, results):
                    if done.done():  # the request was cancelled
                        continue
                    if isinstance(replies, Exception):
                        done.set_exception(replies)
                    else:
                        done.set_result(replies)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _next_batch(self) -> list[_Waiting]:
        """Take the first request that has not been cancelled, and those with the same options."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        count = 0
        while self._queue:
            request, done = self._queue.popleft()
            if done.done():
                continue
            first = batch[0][0] if batch else request
            is_fit = not batch or count + len(request.records) <= self._batch
            if is_fit and (request.options, request.show) == (first.options, first.show):
                batch.append((request, done))
                count += len(request.records)
            else:
                others.append((request, done))
                if count >= self._batch:
                    break
        self._queue.extendleft(reversed(others))
        return batch

    def _compute(self, requests: Sequence[PredictRequest]) -> list[list[Reply] | Exception]:
        """Replies to each of several requests with the same options, or its exception."""
        try:
            replies = iter(self._replies([record for request in requests for record in request.records], requests[0]))
            return [[next(replies) for _ in request.records] for request in requests]
        except Exception as error:
            if len(requests) > 1:  # one must not fail the others
                return [self._compute([request])[0] for request in requests]
            if not isinstance(error, NlpkitError):
                _log.exception("a request to a model of the task %s failed", self.model.declaration.name)
            return [error]

    def _replies(self, records: Sequence[Any], request: PredictRequest) -> list[Reply]:
        answers, problems = self.model.answered(records, request.options)
        by_row = {problem.row: problem for problem in problems}
        replies = []
        for row, (record, answer) in enumerate(zip(records, answers, strict=True)):
            problem = by_row.get(row)
            is_error = problem is not None and problem.is_error
            shown = self._shown(record, answer, request.show) if request.show and not is_error else ""
            replies.append(Reply(answer.to_dict(), problem.reason if problem else "", is_error, shown))
        return replies

    def _shown(self, record: Any, answer: Answer, show: str) -> str:
        picture = None
        if show == "picture":
            with contextlib.suppress(ConfigError, ImportError):  # some plots need Keras
                picture = self.model.plot(self.model.parse(record), answer)
        return f"<p>{answer.to_html()}</p>" + (draw(picture) if picture is not None else "")
