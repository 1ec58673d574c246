"""The runtime of a model: its programs, run by onnxruntime or by Keras, and its network."""

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

    It starts on Keras and without a network, which is set when a task is built or its weights are read. After
    `use_onnx`, onnxruntime computes, and the network is read at first use.

    Attributes:
        name: ``onnx`` or ``keras``.
        onnx_files: contents of the ONNX files by name of the program.
        identity: plain values that identify the model, such as its hash; empty without a folder.
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
        """The Keras network; None before it is built. With onnxruntime, it is read from the folder at first use."""
        with self._making:
            if self._network is None and self._read_network is not None:
                self._network, self._read_network = self._read_network(), None
            return self._network

    @network.setter
    def network(self, network: Any) -> None:
        self._network = network

    @property
    def is_ready(self) -> bool:
        """Whether it has a network, or programs of onnxruntime."""
        return self._network is not None or bool(self._programs)

    def use_onnx(self, threads: int, read_network: Callable[[], Any]) -> None:
        """Use onnxruntime for the programs in `onnx_files`.

        Args:
            threads: number of threads for one call.
            read_network: reads the Keras network, for programs without an ONNX file.

        Raises:
            MissingPackageError: without onnxruntime.
            ValueError: if onnxruntime can't read a file; its second argument is the name of the program.
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
            graph: function that makes the graph, if the network does not name it.
        """
        with self._making:
            if name not in self._programs:
                network = self.network  # before the import of a framework that may not be installed
                from nlpkit.training.forward import Forward

                self._programs[name] = Forward(*(graph() if graph else network.graphs[name]))
            return self._programs[name]

    @contextlib.contextmanager
    def replaced(self, programs: Mapping[str, Program]) -> Iterator[None]:
        """Use other programs within a ``with`` block, such as ones that record their arrays."""
        before = self._programs
        self._programs = {**before, **programs}
        try:
            yield
        finally:
            self._programs = before

    def share(self, other: Runtime) -> None:
        """Use the network and the programs of another model with the same settings."""
        self.name, self.onnx_files, self._programs = other.name, other.onnx_files, other._programs
        self._network, self._read_network = other._network, other._read_network

    # Processes.

    def opened_by(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Set the call by which an unpickled model opens its folder again."""
        self._opener = (function, arguments)

    def reduce(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Value of the model's `__reduce__`: the call that opens it.

        Raises:
            TypeError: if the model has no folder.
        """
        if self._opener is None:
            raise TypeError("a model without a folder can't be pickled; nlpkit.train and nlpkit.load give one with")
        return self._opener

    def check_process(self) -> None:
        """Refuse a forked process: without the threads of the backend, its first step would never end.

        Raises:
            ConfigError: in a process that was forked after the model was loaded.
        """
        if os.getpid() != self._process:
            raise ConfigError(
                "this model was loaded before the process was forked; load it in the new process by nlpkit.load, or "
                'start processes by "spawn"'
            )
