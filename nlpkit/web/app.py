"""The ASGI application of the server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nlpkit import __version__
from nlpkit.artefacts.bundled import card_of, names
from nlpkit.errors import ConfigError, unknown_name
from nlpkit.runs.benchmark import peak_memory
from nlpkit.web.batching import Batcher, Overloaded
from nlpkit.web.options import ServerOptions
from nlpkit.web.requests import Refusal, read_request

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_log = logging.getLogger("nlpkit.web")


def create_app(models: Mapping[str, Task[Any]], options: ServerOptions | None = None) -> Starlette:
    """Make an ASGI application that answers with trained models.

    ========  =====================  =====================================================================
    method    address                content
    ========  =====================  =====================================================================
    GET       ``/``                  a page for people
    GET       ``/api/models``        models with their names, tasks, summaries, examples, options
    POST      ``/api/models/NAME``   answers, see `nlpkit.web.requests.read_request`
    GET       ``/health``            ``{"status": "ok"}``
    GET       ``/metrics``           counts, times and memory in the format of Prometheus
    ========  =====================  =====================================================================

    Args:
        models: trained models, as returned by `nlpkit.load`, by their public names.
        options: limits of the server.
    """
    return _Service(models, options or ServerOptions()).app


class _Service:
    def __init__(self, models: Mapping[str, Task[Any]], limits: ServerOptions):
        self._limits = limits
        self._batchers = {name: Batcher(model, limits.batch, limits.waiting) for name, model in models.items()}
        self._listed = [_described(name, model) for name, model in models.items()]
        self._metrics = _Metrics(self._batchers)
        self.app = Starlette(
            routes=[
                *(Route(place, _file(*file)) for place, file in _FILES.items()),
                Route("/api/models", self._show_models),
                Route("/api/models/{name}", self._answer, methods=["POST"]),
                Route("/health", self._show_health),
                Route("/metrics", self._show_metrics),
            ],
            exception_handlers=_HANDLERS,
            lifespan=self._run_batchers,
        )

    @contextlib.asynccontextmanager
    async def _run_batchers(self, app: Starlette) -> AsyncIterator[None]:
        """Run the batcher of each model while the application lives."""
        tasks = [asyncio.create_task(batcher.run()) for batcher in self._batchers.values()]
        yield
        for task in tasks:
            task.cancel()

    async def _show_models(self, request: Request) -> Response:
        return JSONResponse({"models": self._listed}, headers=_HEADERS)

    async def _show_health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__}, headers=_HEADERS)

    async def _show_metrics(self, request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4", headers=_HEADERS)

    async def _answer(self, request: Request) -> Response:
        begin, name = time.perf_counter(), request.path_params["name"]
        known = name if name in self._batchers else ""
        status = 500
        try:
            if not known:
                raise Refusal(404, unknown_name("model", name[:100], self._batchers))
            response = await self._answered(request, self._batchers[name])
            status = response.status_code
            return response
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self._metrics.count(known, status, time.perf_counter() - begin)

    async def _answered(self, request: Request, batcher: Batcher) -> Response:
        limits = self._limits
        try:
            async with asyncio.timeout(limits.timeout):
                body = await _body(request, limits.max_bytes)
        except TimeoutError:
            raise Refusal(408, f"the request did not come within {limits.timeout:g} s") from None
        prediction = read_request(body, batcher.model.declaration, limits)
        try:
            async with asyncio.timeout(limits.timeout):
                replies = await batcher.answer(prediction)
        except ConfigError:  # its message may name a folder of this machine
            raise Refusal(400, "this model can't answer with these options here") from None
        except (TimeoutError, Overloaded):
            raise Refusal(503, "there is too much to do; try again in a second") from None
        problems = [
            {"record": row, "severity": "error" if each.is_error else "warning", "reason": each.problem}
            for row, each in enumerate(replies)
            if each.problem
        ]
        if all(each.is_error for each in replies):
            reasons = "; ".join(f"record {each['record']}: {each['reason']}" for each in problems[:3])
            raise Refusal(422, f"none of the records can be answered: {reasons}")
        self._metrics.records.labels(request.path_params["name"]).inc(len(replies))
        content: dict[str, Any] = {"answers": [each.answer for each in replies]}
        if prediction.show:
            content["html"] = [each.html for each in replies]
        if problems:
            content["problems"] = problems
        return JSONResponse(content, headers=_HEADERS)


async def _body(request: Request, most: int) -> bytes:
    """Read the body of a request; refuse one of more than `most` bytes."""
    content_length = request.headers.get("content-length", "")
    reason = f"the body has more than {most:,} bytes"
    if content_length.isdigit() and int(content_length) > most:
        raise Refusal(413, reason)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > most:
                raise Refusal(413, reason)
    except ClientDisconnect:
        raise Refusal(400, "the client hung up") from None
    return b"".join(parts)


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = (_PAGE / name).read_bytes()

    async def give(request: Request) -> Response:
        return Response(content, media_type=f"{media_type}; charset=utf-8", headers=_HEADERS)

    return give


def _described(name: str, model: Task[Any]) -> dict[str, Any]:
    declaration = model.declaration
    card = card_of(name) if name in names() else None
    fields: dict[str, Any] = {
        "name": name,
        "task": declaration.name,
        "summary": card.summary if card else declaration.summary,
        "examples": [card.example] if card else [],
        "options": [
            {"name": each.name, "meaning": each.meaning, "default": each.default, "accepted": each.accepted}
            for each in declaration.prediction.declared()
        ],
    }
    if card:
        fields |= {"licence": card.licence, "limits": card.limits}
    return fields


class _Metrics:
    """Metrics of the server for Prometheus."""

    def __init__(self, batchers: Mapping[str, Batcher]):
        self._registry = CollectorRegistry()
        own = self._registry
        self._requests = Counter("nlpkit_requests", "requests for answers", ["model", "status"], registry=own)
        self._seconds = Histogram("nlpkit_request_seconds", "seconds from request to reply", ["model"], registry=own)
        self.records = Counter("nlpkit_records", "records that were answered", ["model"], registry=own)
        waiting = Gauge("nlpkit_waiting_records", "records that wait for an answer", ["model"], registry=own)
        for name, batcher in batchers.items():
            waiting.labels(name).set_function(functools.partial(getattr, batcher, "records"))
        memory = Gauge("nlpkit_memory_bytes", "resident memory of the process", registry=self._registry)
        memory.set_function(_memory)

    def count(self, model: str, status: int, seconds: float) -> None:
        """Count a finished request; unknown models share an empty name."""
        self._requests.labels(model, str(status)).inc()
        self._seconds.labels(model).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)


def _memory(statm: str = "/proc/self/statm") -> float:
    """Resident memory of this process in bytes; its peak on systems without /proc."""
    try:
        return float(Path(statm).read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return float(peak_memory())


async def _refused(request: Request, refusal: Refusal) -> Response:
    more = {"Retry-After": "1"} if refusal.status == 503 else {}
    if refusal.status in (400, 408, 413):
        more["Connection"] = "close"  # the rest of the body is not read
    return JSONResponse({"error": refusal.reason}, refusal.status, {**_HEADERS, **more})


async def _refused_by_starlette(request: Request, error: HTTPException) -> Response:
    reasons = {404: "there is nothing here; see /api/models", 405: "this address takes another method"}
    reason = reasons.get(error.status_code, "this can't be answered")
    return JSONResponse({"error": reason}, error.status_code, {**_HEADERS, **(error.headers or {})})


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "internal error; see the log of the server"}, 500, _HEADERS)


_HANDLERS: dict[Any, Callable[..., Any]] = {
    Refusal: _refused,
    HTTPException: _refused_by_starlette,
    Exception: _failed,
}
