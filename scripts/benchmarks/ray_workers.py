"""How much faster `nlpkit predict --engine ray` is with more workers, start excluded.

    python scripts/benchmarks/ray_workers.py MODEL TEXT [--workers 1 2] [--times 4] [--rounds 1]

The text is answered so many times over, as one file. Each number is the median of runs that take turns, each a process
of its own; from its seconds those of a run over the first line are taken off. All write the same bytes.
"""

import argparse
import hashlib
import statistics
import sys
import tempfile
from pathlib import Path

from workers import measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        content = args.text.read_bytes()
        line, text, out = (Path(folder, name) for name in ("line.txt", "text.txt", "out.txt"))
        line.write_bytes(content.partition(b"\n")[0] + b"\n")
        text.write_bytes(content * args.times)
        engines = {"local": [], **{f"ray, {n}": ["--engine", "ray", "--workers", str(n)] for n in args.workers}}
        seconds, written = {name: {line: [], text: []} for name in engines}, set()
        for _ in range(args.rounds):
            for name, more in engines.items():
                for source in (line, text):
                    files = ["--input", source, "--output", out]
                    command = [sys.executable, "-m", "nlpkit", "predict", args.model, *files, *more]
                    seconds[name][source].append(measured(command)[0])
                written.add(hashlib.sha256(out.read_bytes()).hexdigest())
        assert len(written) == 1, "they answer otherwise"
        size, first = text.stat().st_size / 1e3, None
        print(f"| {size / 1e3:,.0f} MB | start, s | s, start excluded | KB/s | ratio |\n|---|{'---:|' * 4}")
        for name, found in seconds.items():
            start, whole = (statistics.median(found[source]) for source in (line, text))
            work = whole - start
            first = work if first is None and name != "local" else first
            ratio = f"{first / work:.2f}×" if first and name != "local" else ""
            print(f"| {name} | {start:.1f} | {work:.1f} | {size / work:,.0f} | {ratio} |")


if __name__ == "__main__":
    main()
