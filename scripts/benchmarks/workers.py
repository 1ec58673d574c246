"""What the benchmarks share that run each peer in a process of its own."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def parse(parser: argparse.ArgumentParser, workers: dict) -> argparse.Namespace:
    """The options, `--data` among them; a process that `work` started does its work instead, and ends.

    Args:
        workers: functions by name, which take and return what JSON can say.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--worker", choices=workers, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print("\n" + json.dumps(workers[args.worker](**json.loads(sys.stdin.read()))))
        raise SystemExit
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    return args


def work(worker: str, **arguments) -> dict:
    """What a worker returns; and as `process` and `peak` the seconds and the memory of its process, see `run`."""
    written, seconds, peak = run([sys.executable, sys.argv[0], "--worker", worker], json.dumps(arguments))
    return {**json.loads(written.splitlines()[-1]), "process": seconds, "peak": peak}


def seconds_of(command: list, source: Path, target: Path) -> float:
    """Seconds of one process from file to file, which stand as ``{}`` in the command."""
    files = iter((source, target))
    return run([next(files) if part == "{}" else part for part in command])[1]


def run(command: list, given: str = "") -> tuple[str, float, float]:
    """Run a command: what it writes to standard output, its seconds, start-up included, and its peak memory, in GB."""
    command = [str(part) for part in command]
    with contextlib.ExitStack() as stack:
        source, out, errors = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(3))
        source.write(given)
        source.seek(0)
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdin=source, stdout=out, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        seconds, process.returncode = time.perf_counter() - begin, os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read()[-3000:]}")
        out.seek(0)
        return out.read(), seconds, used.ru_maxrss / 1e6


def measured(arguments):
    """Seconds that a process takes, and its peak memory in MB. A small process starts it: of a large one it would take
    over the peak."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return time.monotonic() - begin, int(done.stdout.split()[-1]) * 1024 / 1e6
