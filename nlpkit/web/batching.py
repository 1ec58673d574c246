"""Requests that come while a model computes are computed together afterwards."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from nlpkit.errors import ConfigError, NlpkitError
from nlpkit.reports.drawing import draw

_log = logging.getLogger("nlpkit.web")


class PredictRequest(NamedTuple):
    """What a request requests of a model.

    Attributes:
        records: of the task.
        options: of the prediction.
        show: one of `nlpkit.web.requests.SHOWN`.
    """

    records: Sequence[Any]
    options: Any
    show: str


class Reply(NamedTuple):
    """What a model says to a record.

    Attributes:
        answer: plain values.
        problem: what is wrong with the record, or nothing.
        is_error: whether it could not be answered.
        html: what a page shows, if it was asked for.
    """

    answer: dict[str, Any]
    problem: str
    is_error: bool
    html: str


class Overloaded(Exception):
    """As many records wait as may."""


class Batcher:
    """Answers requests to one model, in a thread of its own, in the order in which they came.

    Args:
        model: the trained model.
        batch: records that are computed together at most; a request of more is computed by itself.
        waiting: records that may wait at once.
    """

    def __init__(self, model: Any, batch: int, waiting: int):
        self.model = model
        self.records = 0
        """How many wait now."""
        self._batch, self._most = batch, waiting
        self._queue: collections.deque[tuple[PredictRequest, asyncio.Future]] = collections.deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, f"nlpkit-{model.declaration.name}")

    async def answer(self, request: PredictRequest) -> list[Reply]:
        """A reply to each record.

        Raises:
            Overloaded: if too many records wait.
        """
        if self.records + len(request.records) > self._most:
            raise Overloaded
        done: asyncio.Future = asyncio.get_running_loop().create_future()
        self._queue.append((request, done))
        self.records += len(request.records)
        self._arrived.set()
        try:
            return await done
        finally:
            self.records -= len(request.records)

    async def run(self) -> None:
        """Compute for as long as the task lives that runs this."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._arrived.wait()
                together = self._taken()
                if not together:
                    self._arrived.clear()
                    continue
                requests = [request for request, _ in together]
                found = await loop.run_in_executor(self._thread, self._computed, requests)
                for (_, done), replies in zip(together, found):
                    if done.done():  # nobody waits any more
                        continue
                    if isinstance(replies, Exception):
                        done.set_exception(replies)
                    else:
                        done.set_result(replies)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _taken(self):
        """The requests that are computed next: the first one that is still waited for, and those with its options."""
        together, others, count = [], [], 0
        while self._queue:
            request, done = self._queue.popleft()
            if done.done():
                continue
            first = together[0][0] if together else request
            is_fit = not together or count + len(request.records) <= self._batch
            if is_fit and (request.options, request.show) == (first.options, first.show):
                together.append((request, done))
                count += len(request.records)
            else:
                others.append((request, done))
                if count >= self._batch:
                    break
        self._queue.extendleft(reversed(others))
        return together

    def _computed(self, requests):
        """Replies to several requests with the same options; to each an exception where there is one."""
        try:
            replies = iter(self._replies([record for request in requests for record in request.records], requests[0]))
            return [[next(replies) for _ in request.records] for request in requests]
        except Exception as error:
            if len(requests) > 1:  # one may not spoil the others
                return [self._computed([request])[0] for request in requests]
            if not isinstance(error, NlpkitError):
                _log.exception("a request to a model of the task %s failed", self.model.declaration.name)
            return [error]

    def _replies(self, records, request):
        answers, problems = self.model.answered(records, request.options)
        by_row = {problem.row: problem for problem in problems}
        replies = []
        for row, (record, answer) in enumerate(zip(records, answers, strict=True)):
            problem = by_row.get(row)
            is_error = problem is not None and problem.is_error
            shown = self._shown(record, answer, request.show) if request.show and not is_error else ""
            replies.append(Reply(answer.to_dict(), problem.reason if problem else "", is_error, shown))
        return replies

    def _shown(self, record, answer, show):
        picture = None
        if show == "picture":
            with contextlib.suppress(ConfigError, ImportError):  # without Keras, by which some are made
                picture = self.model.plot(self.model.parse(record), answer)
        return f"<p>{answer.to_html()}</p>" + (draw(picture) if picture is not None else "")
