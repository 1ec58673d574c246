"""The engine of many processes or machines: chunks are answered by workers of Ray Data.

Workers read the input themselves, so on a cluster it must lie, like the model, where all of them find it by the same
name. What they give back is written by the process that asked, in order, with the same journal as without Ray.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nlpkit.errors import ConfigError, DataError, MissingPackageError, NlpkitError
from nlpkit.prediction.blocks import Answered, Stages, answer
from nlpkit.prediction.chunks import open_input, read_chunks
from nlpkit.prediction.stream import FileShare

_PATIENCE = 5.0  # seconds
_SETTINGS = b"\x04"  # the type of the first frame that either side of HTTP/2, which Ray speaks, sends
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + bytes(5)
_LEAST, _MOST = 4, 2000  # chunks of a piece of work; pieces of a share


class RayEngine:
    """Answers the chunks of shares by workers of Ray Data, see `nlpkit.prediction.stream.Engine`.

    Args:
        stages: makes the stages, in each worker; it is pickled.
        address: of a cluster; None starts Ray on this machine, or takes what the program has started.
        workers: how many, each with a core of its own; None for as many as there are cores.

    Raises:
        MissingPackageError: without Ray.
        ConfigError: if the number is not positive.
    """

    def __init__(self, stages: Callable[[], Stages], address: str | None = None, workers: int | None = None):
        try:
            import ray.data  # noqa: F401
        except ImportError:
            raise MissingPackageError("ray", "ray") from None
        if workers is not None and workers < 1:
            raise ConfigError(f"workers = {workers!r}: must be at least 1")
        self._stages, self._address, self._workers = stages, address, workers

    def __call__(self, stages: Stages, shares: Sequence[FileShare]) -> Iterator[tuple[int, Answered]]:
        for share in shares:
            if not Path(share.input).is_file():
                raise ConfigError(f"{share.name}: workers of Ray read files; give one, or take the engine local")
        work = [piece for index, share in enumerate(shares) for piece in _pieces(index, share, stages.chunk)]
        if not work:
            return
        import ray

        is_ours = not ray.is_initialized()
        if is_ours:
            self._start(ray)
        try:
            yield from self._answered(ray, work)
        finally:
            if is_ours:
                ray.shutdown()

    def _start(self, ray):
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.ERROR)
        own = {"include_dashboard": False} if self._address is None else {}
        if self._address is not None:
            _check_address(self._address)
        try:
            ray.init(address=self._address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ConfigError(f"address = {self._address!r}: no cluster of Ray answers there ({reason})") from None

    def _answered(self, ray, work):
        from ray import cloudpickle

        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        workers = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        answers = ray.data.from_items(work, override_num_blocks=len(work)).map_batches(
            _Worker,
            fn_constructor_args=(cloudpickle.dumps(self._stages),),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(work))),
            num_cpus=1,
        )
        try:
            for batch in answers.iter_batches(batch_size=None, batch_format="numpy"):
                for index, content in zip(batch["share"], batch["answered"]):
                    yield int(index), pickle.loads(content)
        except ray.exceptions.RayError as error:
            raise _own_error(error) from error


def _check_address(address):
    """Raise a `ConfigError` if nobody answers at an address: Ray itself would wait for minutes."""
    found = re.fullmatch(r"(?:ray://)?\[?([^\[\]/]+?)\]?:(\d+)", address)
    if found is None:
        if address != "auto":
            raise ConfigError(f"address = {address!r}: must be HOST:PORT, or auto for the cluster of this machine")
        return
    try:
        with socket.create_connection((found[1], int(found[2])), timeout=_PATIENCE) as connection:
            connection.sendall(_HELLO)
            answer = connection.recv(9)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"address = {address!r}: no cluster of Ray answers there ({error})") from None
    if answer[3:4] != _SETTINGS:
        raise ConfigError(f"address = {address!r}: what answers there is no cluster of Ray")


class _Worker:
    """A worker of Ray, which answers the chunks of a piece of work."""

    def __init__(self, stages: bytes):
        # Before the model is loaded, which unpickling does.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        self._stages = pickle.loads(stages)()

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        [share], [path], [first], [end] = batch["share"], batch["path"], batch["first"], batch["end"]
        with open_input(str(path)) as source:
            last = None if end < 0 else int(end)
            chunks = read_chunks(source, str(path), self._stages.chunk, self._stages.in_parts, int(first), last)
            for block in answer(self._stages, chunks):
                yield {"share": [int(share)], "answered": [pickle.dumps(block)]}


def _pieces(index, share, chunk):
    """The pieces of work of a share: some chunks each; a gzipped file is read from its beginning, so it is one."""
    path = Path(share.input)
    if path.suffix == ".gz":
        ranges = [(share.first, -1 if share.end is None else share.end)]
    else:
        count = -(-path.stat().st_size // chunk)
        end = count if share.end is None else min(share.end, count)
        step = max(_LEAST, -(-(end - share.first) // _MOST))
        ranges = [(first, min(first + step, end)) for first in range(share.first, end, step)]
    return [{"share": index, "path": str(path.resolve()), "first": first, "end": last} for first, last in ranges]


def _own_error(error):
    """The error of a worker, if it is one of our own, or else that of Ray."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None)  # what Ray wraps, in an error that is of both classes
        if inner is None and isinstance(cause, NlpkitError):
            return cause
        cause = inner or cause.__cause__
    return DataError(f"a worker of Ray failed: {str(error).strip().rpartition(chr(10))[2]}")
