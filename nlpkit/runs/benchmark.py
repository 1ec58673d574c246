"""Benchmark of a trained model: time to the first answer, latency, throughput and memory.

Each runtime is measured in a process of its own:

    python -m nlpkit.runs.benchmark DIR RUNTIME RECORDS SECONDS
"""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlpkit.artefacts.folder import Folder
from nlpkit.datasets.files import read_lines
from nlpkit.datasets.readers import parse_json
from nlpkit.errors import ConfigError, DataError, unknown_name
from nlpkit.prediction import RUNTIMES
from nlpkit.prediction.jobs import format_by_name
from nlpkit.terminal import say

SIZES = (1, 8, 64, 512)
"""Numbers of records in one call."""
_MOST = 2048  # records read from a file


def benchmark(
    folder: str | Path | Folder,
    data: str | Path | None = None,
    runtimes: Sequence[str] | None = None,
    seconds: float = 3.0,
) -> dict[str, dict[str, float]]:
    """Measure a trained model.

    Args:
        folder: trained folder, or name of a bundled model.
        data: file with a record a line, of which the first 2,048 are used; None uses a few short samples.
        runtimes: names from `nlpkit.prediction.RUNTIMES`; None measures ``onnx`` and ``keras``, as far as they are
            available.
        seconds: duration of each measurement.

    Returns:
        For each runtime: ``first_answer``, seconds from the start of a process to its first answer; ``p50`` and
        ``p99``, milliseconds for an answer to one record; ``records/s at N`` for each of `SIZES`; ``KB/s`` of UTF-8 at
        the last of these; ``memory``, the peak in MB.

    Raises:
        ConfigError: if a runtime is unknown or the folder has no files for it.
        DataError: if the file can't be read, or is empty.
        ArtefactError: if the folder holds no model.
    """
    folder = Folder.open(folder)
    has_onnx = bool(folder.programs)
    if not 0 < seconds < math.inf:
        raise ConfigError(f"seconds = {seconds!r}: must be above 0 and finite")
    for name in runtimes or ():
        if name not in RUNTIMES[1:]:
            raise ConfigError(unknown_name("runtime", name, RUNTIMES[1:]))
        if name == "onnx" and not has_onnx:
            raise ConfigError(f"{folder}: has no ONNX files; train it with --set onnx=on, or take the runtime keras")
    records = [] if data is None else _records(data)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "records.json")
        path.write_text(json.dumps(records), "utf-8")
        if runtimes:
            return {name: _measured(folder, name, path, seconds) for name in runtimes}
        found: dict[str, dict[str, float]] = {}
        problems = []
        for name in ["onnx", "keras"] if has_onnx else ["keras"]:
            try:
                found[name] = _measured(folder, name, path, seconds)
            except ConfigError as error:  # such as a package that is not installed
                problems.append(error)
        if not found:
            raise problems[0]
        for problem in problems:
            say(f"nlpkit: {problem}")
        return found


def _records(data: str | Path) -> list[Any]:
    lines = [line for _, line in itertools.islice(read_lines(data), _MOST)]
    is_json = format_by_name(data) == "jsonl"
    records = [parse_json(line, data, i) if is_json else line for i, line in enumerate(lines, 1) if line.strip()]
    if not records:
        raise DataError("is empty", data)
    return records


def _measured(folder: Folder, runtime: str, records: Path, seconds: float) -> dict[str, float]:
    begin = time.time()
    command = [sys.executable, "-m", "nlpkit.runs.benchmark", str(folder), runtime, str(records), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        reason = re.sub(r"^nlpkit\.errors\.\w+: ", "", reason)
        raise ConfigError(f"{folder}: can't be measured by {runtime}: {reason}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return {"first_answer": figures.pop("answered at") - begin, **figures}


def peak_memory(platform: str = sys.platform) -> int:
    """Peak memory of this process in bytes."""
    import resource

    unit = 1 if platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _main(folder: str, runtime: str, path: str, seconds: str) -> None:
    import warnings

    import nlpkit

    warnings.simplefilter("ignore", nlpkit.errors.DataWarning)
    given = json.loads(Path(path).read_text("utf-8"))
    model: Any = nlpkit.load(folder, runtime=runtime)
    records = given or model.samples()
    model.predict([records[0]])
    figures: dict[str, float] = {"answered at": time.time()}
    many = [records[i % len(records)] for i in range(max(SIZES))]
    model.predict(many)  # compiled programs, warm caches
    taken: list[float] = []
    end = time.perf_counter() + float(seconds)
    while (begin := time.perf_counter()) < end or len(taken) < 20:
        model.predict([many[len(taken) % len(many)]])
        taken.append(time.perf_counter() - begin)
    taken.sort()
    figures["p50"], figures["p99"] = (1000 * taken[int(share * len(taken))] for share in (0.5, 0.99))
    for size in SIZES:
        count, begin = 0, time.perf_counter()
        while count == 0 or time.perf_counter() - begin < float(seconds):
            first = count % len(many) if size < len(many) else 0
            model.predict(many[first : first + size])
            count += size
        figures[f"records/s at {size}"] = count / (time.perf_counter() - begin)
    kilobytes = sum(len(str(record).encode("utf-8", "replace")) for record in many) / 1000
    figures["KB/s"] = figures[f"records/s at {SIZES[-1]}"] * kilobytes / len(many)
    figures["memory"] = peak_memory() / 1e6
    print(json.dumps(figures))


if __name__ == "__main__":
    _main(*sys.argv[1:])
