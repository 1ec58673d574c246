"""A server of trained models on this machine."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlpkit.artefacts.bundled import names
from nlpkit.artefacts.folder import Folder
from nlpkit.errors import ConfigError, MissingPackageError
from nlpkit.terminal import say
from nlpkit.web.options import ServerOptions

_PACKAGES = ("starlette", "uvicorn", "prometheus_client")


def serve(
    folders: Sequence[str | Path | Folder] = (), options: ServerOptions | None = None, runtime: str = "auto"
) -> None:
    """Answer requests with trained models until SIGINT or SIGTERM.

    Args:
        folders: trained folders and names of bundled models; by default all bundled models.
        options: address and limits of the server.
        runtime: runtime of the models, see `nlpkit.load`.

    Raises:
        MissingPackageError: without the extra ``web``.
        ConfigError: if two folders have the same name, or the address can't be used.
        ArtefactError: if a folder holds no model.
    """
    opened = open_folders(folders)
    chosen = options or ServerOptions()
    listening = _listening(chosen)
    from nlpkit.artefacts.load import load
    from nlpkit.web.app import create_app

    models = {name: load(folder, runtime=runtime) for name, folder in opened.items()}
    for model in models.values():
        model.answered(model.samples()[:1], model.declaration.prediction())  # the first answer takes longest
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"nlpkit: {', '.join(models)} at http://{shown}:{port}, Ctrl-C stops")
    _run(create_app(models, chosen), listening, chosen)


def open_folders(folders: Sequence[str | Path | Folder]) -> dict[str, Folder]:
    """Open the folders to serve, keyed by their public names, without loading them. Raises as `serve`."""
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingPackageError(package.replace("_", "-"), "web")
    found: dict[str, Folder] = {}
    for each in folders or names():
        folder = Folder.open(each)
        name = folder.path.resolve().name
        if name in found:
            raise ConfigError(f"{each}: another model is served as {name}; rename one of the folders")
        found[name] = folder
    return found


def _listening(options: ServerOptions) -> socket.socket:
    """Open a listening socket at the address."""
    listening = None
    try:
        family, _, _, _, place = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # without it, answers wait for an ACK
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(2048)
    except OSError as error:
        if listening is not None:
            listening.close()
        hint = "; another program listens there, take another --port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"{options.host}:{options.port}: {error.strerror or error}{hint}") from None
    return listening


def _run(app: Any, listening: socket.socket, options: ServerOptions) -> None:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """Closes a connection on which no complete request arrives within the timeout."""

        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_watching()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def _watch(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_watching()  # the application has its own limit
            elif self._deadline is None:
                self._deadline = self.loop.call_later(options.timeout, self.transport.close)

        def _stop_watching(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    config = uvicorn.Config(
        app, http=Protocol, ws="none", loop="asyncio", log_level="warning", access_log=False, server_header=False,
        limit_concurrency=options.connections, timeout_keep_alive=int(options.timeout) + 1, timeout_graceful_shutdown=5,
    )  # fmt: skip
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn repeats the signal that ended it
        say("nlpkit: stopped")
