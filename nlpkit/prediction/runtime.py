"""The part of a model that computes: its programs, run by onnxruntime or by Keras, and the network behind them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nlpkit.errors import ConfigError
from nlpkit.prediction.programs import Graph, OnnxProgram, Program


class Runtime:
    """Computes the programs of one model. Threads may share it; a forked process may not.

    It begins on Keras and without a network, which is set when a task is built or its weights are read. After
    `use_onnx` onnxruntime computes, and the network is read at its first use.

    Attributes:
        name: ``onnx`` or ``keras``.
        onnx_files: ONNX files of the programs, by name of the program; a trained folder has them beside the network.
        identity: plain values that tell this model from others, such as its hash; empty without a folder.
    """

    def __init__(self) -> None:
        self.name = "keras"
        self.onnx_files: dict[str, bytes] = {}
        self.identity: dict[str, str] = {}
        self._programs: dict[str, Program] = {}
        self._network: Any = None
        self._read_network: Callable[[], Any] | None = None
        self._opener: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        self._making = threading.RLock()
        self._process = os.getpid()

    @property
    def network(self) -> Any:
        """The network for Keras, None before it is built; with onnxruntime, it is read from the folder at first use."""
        with self._making:
            if self._network is None and self._read_network is not None:
                self._network, self._read_network = self._read_network(), None
            return self._network

    @network.setter
    def network(self, network: Any) -> None:
        self._network = network

    @property
    def is_ready(self) -> bool:
        """Whether there is something to compute with: a network, or programs of onnxruntime."""
        return self._network is not None or bool(self._programs)

    def use_onnx(self, threads: int, read_network: Callable[[], Any]) -> None:
        """Let onnxruntime compute the programs in `onnx_files`.

        Args:
            threads: number of threads for one call.
            read_network: reads the network for Keras, for computations without an ONNX file.

        Raises:
            MissingPackageError: without onnxruntime.
            ValueError: if a file is no network for onnxruntime; its second argument is the name of the program.
        """
        programs: dict[str, Program] = {}
        for name, content in self.onnx_files.items():
            try:
                programs[name] = OnnxProgram(content, threads)
            except ValueError as error:
                raise ValueError(str(error), name) from None
        self.name, self._programs, self._read_network = "onnx", programs, read_network

    def program(self, name: str, graph: Callable[[], Graph] | None = None) -> Program:
        """A part of the network as a function of arrays.

        Args:
            name: name of one of the network's ``graphs``.
            graph: makes the graph, if it is none of these.
        """
        with self._making:
            if name not in self._programs:
                network = self.network  # before the import of a framework that may not be installed
                from nlpkit.training.forward import Forward

                self._programs[name] = Forward(*(graph() if graph else network.graphs[name]))
            return self._programs[name]

    @contextlib.contextmanager
    def replaced(self, programs: Mapping[str, Program]) -> Iterator[None]:
        """Compute by other programs within a ``with`` block, such as ones that record their arrays."""
        before = self._programs
        self._programs = {**before, **programs}
        try:
            yield
        finally:
            self._programs = before

    def share(self, other: Runtime) -> None:
        """Compute by the network and the programs of another model with the same settings."""
        self.name, self.onnx_files, self._programs = other.name, other.onnx_files, other._programs
        self._network, self._read_network = other._network, other._read_network

    # Processes.

    def opened_by(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Set the call by which a pickle of the model opens its folder again."""
        self._opener = (function, arguments)

    def reduce(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The value of the model's `__reduce__`: the call that opens it.

        Raises:
            TypeError: if it has no folder.
        """
        if self._opener is None:
            raise TypeError("a model without a folder can't be pickled; nlpkit.train and nlpkit.load give one with")
        return self._opener

    def check_process(self) -> None:
        """Threads of a backend don't survive a fork; the first step in the child would wait for them for ever.

        Raises:
            ConfigError: in a process that was forked after the model was loaded.
        """
        if os.getpid() != self._process:
            raise ConfigError(
                "this model was loaded before the process was forked; load it in the new process by nlpkit.load, or "
                'start processes by "spawn"'
            )
