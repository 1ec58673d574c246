"""The command `nlpkit`: thin parsers over functions of the package. Heavy imports wait until a command needs them."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nlpkit import __version__
from nlpkit.errors import ConfigError, NlpkitError, unknown_name

if TYPE_CHECKING:
    from nlpkit.cli.parsing import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 2 for an error of the user's."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        # Keras loads it beside any other backend if it can, which takes seconds and half a gigabyte.
        sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    _open_closed_streams()
    _keep_libraries_quiet()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # help and answers on a terminal that can't show them
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
        # The reader of our output has gone, for example `head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        print("nlpkit: error: there is not enough memory for this", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        how = "; the same command goes on with --resume" if arguments[:1] == ["train"] else ""
        print(f"nlpkit: stopped{how}", file=sys.stderr)
        return 143 if isinstance(stop, _Terminated) else 130
    except OSError as error:
        print(f"nlpkit: error: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return 2


class _Terminated(KeyboardInterrupt):
    """SIGTERM ends a command as Ctrl-C does: what it writes is taken back or left whole."""


_PATIENCE = 1.0  # seconds in which a second signal is taken for the same wish


def _open_closed_streams():
    """Where a standard stream is closed, the next file that is opened would get what libraries print to it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _end_by_signal():
    own = os.getpid()
    first: list[float] = []

    def end(number, frame):
        if os.getpid() != own:
            os._exit(128 + number)  # a forked worker has nothing to tidy up
        if not first:
            if _is_within(frame, lost):
                return  # it is sent again
            first.append(time.monotonic())
            raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if time.monotonic() - first[0] > _PATIENCE:
            os._exit(128 + number)  # what is left over is known by its name

    def lost(unraisable):
        """A signal that came in a callback, such as one of the garbage collector, ends nothing: it is sent again."""
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            return sys.__unraisablehook__(unraisable)
        first.clear()
        number = signal.SIGTERM if isinstance(unraisable.exc_value, _Terminated) else signal.SIGINT
        # At the end of the process nothing waits for it.
        return threading.Thread(target=send, args=(number,), daemon=True).start()

    def send(number):
        while not first:
            time.sleep(0.01)
            os.kill(own, number)

    with contextlib.suppress(ValueError):  # not the main thread: a program of someone's own
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        sys.unraisablehook = lost


def _is_within(frame, function):
    """Whether a frame is that of a function, or of something that it called."""
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None


def _parse(arguments: list[str]) -> Run:
    """The command that a command line asks for; its help and its errors need no framework."""
    from nlpkit.cli import completion
    from nlpkit.cli.commands import parser_of, summaries

    if completion.is_asked():
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
        "--help those of a task as well; nlpkit models lists models that are ready to use.",
    ]
    return "\n".join(lines)


def _keep_libraries_quiet():
    """Keep away what libraries write to standard error when they are loaded, on which no user can act.

    They write to the file descriptor; what Python writes goes on to where standard error was.
    """
    try:
        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = open(own, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)  # noqa: SIM115
    except (OSError, ValueError, AttributeError):
        pass  # standard error is closed or not a file: nothing to keep quiet
