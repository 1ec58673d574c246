"""The command `nlpkit`: thin parsers over functions of the package, with heavy imports deferred to the commands."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from nlpkit import __version__
from nlpkit.errors import ConfigError, NlpkitError, unknown_name

if TYPE_CHECKING:
    from nlpkit.cli.parsing import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status: 0, or 2 for a user's error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        # Keras imports TensorFlow with any backend, if installed, which takes seconds and half a gigabyte.
        sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    _open_closed_streams()
    _keep_libraries_quiet()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that can't show Chinese
    _end_by_signal()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        run = _parse(arguments)
        run()
        return 0
    except NlpkitError as error:
        print(f"nlpkit: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has ended, for example `head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        print("nlpkit: error: there is not enough memory for this", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        hint = "; the same command continues with --resume" if arguments[:1] == ["train"] else ""
        print(f"nlpkit: stopped{hint}", file=sys.stderr)
        return 143 if isinstance(stop, _Terminated) else 130
    except OSError as error:
        print(f"nlpkit: error: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return 2


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: its outputs are removed or complete."""


_PATIENCE = 1.0  # seconds in which a second signal is ignored


def _open_closed_streams() -> None:
    """Open closed standard streams to the null device, lest a file get their descriptor and what libraries print."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _end_by_signal() -> None:
    own = os.getpid()
    first: list[float] = []

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            os._exit(128 + number)  # a forked worker has nothing to clean up
        if not first:
            if _is_within(frame, lost):
                return  # `lost` sends it again
            first.append(time.monotonic())
            raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if time.monotonic() - first[0] > _PATIENCE:
            os._exit(128 + number)  # partial files are recognised by their names

    def lost(unraisable: sys.UnraisableHookArgs) -> None:
        """Repeat a signal that came within a callback, such as one of the garbage collector, where it is ignored."""
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(unraisable)
            return
        first.clear()
        number = signal.SIGTERM if isinstance(unraisable.exc_value, _Terminated) else signal.SIGINT
        # A daemon, so that the end of the process does not wait for it.
        threading.Thread(target=send, args=(number,), daemon=True).start()

    def send(number: int) -> None:
        while not first:
            time.sleep(0.01)
            os.kill(own, number)

    with contextlib.suppress(ValueError):  # not the main thread: within another program
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        sys.unraisablehook = lost


def _is_within(frame: FrameType | None, function: Callable[..., object]) -> bool:
    """Whether a frame is one of a function, or of something that it called."""
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None


def _parse(arguments: list[str]) -> Run:
    """The command of a command line; its help and its errors need no framework."""
    from nlpkit.cli import completion
    from nlpkit.cli.commands import parser_of, summaries

    if completion.is_requested():
        arguments = completion.words_before_cursor()
        if not arguments:
            completion.offer([*summaries()], after=0)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview(summaries()))
        raise SystemExit(0)
    name, *rest = arguments
    if name == "--version":
        print(f"nlpkit {__version__}")
        raise SystemExit(0)
    parse = parser_of(name)
    if parse is None:
        raise ConfigError(unknown_name("command", name, summaries()))
    return parse(f"nlpkit {name}", rest)


def _overview(commands: Mapping[str, str]) -> str:
    lines = [
        "usage: nlpkit COMMAND …",
        "",
        "Light, fast, exact sequence models for Chinese-first NLP on Keras 3.",
        "",
        "commands:",
        *(f"  {name:<10} {summary}" for name, summary in commands.items()),
        "",
        "nlpkit COMMAND --help shows the options of a command; nlpkit train TASK --help and nlpkit predict MODEL",
        "--help include those of the task; nlpkit models lists the bundled models.",
    ]
    return "\n".join(lines)


def _keep_libraries_quiet() -> None:
    """Discard what libraries write to the file descriptor of standard error when they are loaded.

    `sys.stderr` keeps writing to the original target. Once it does, further calls change nothing.
    """
    try:
        if sys.stderr.fileno() != 2:
            return
        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = open(own, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)  # noqa: SIM115
    except (OSError, ValueError, AttributeError):
        pass  # standard error is closed or not a file
