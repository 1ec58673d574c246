"""Peak memory and speed of `nlpkit predict` over longer and longer files, and over one line of 50 MB.

    python scripts/benchmarks/streams.py MODEL TEXT [--rounds 3]

MODEL is a trained folder, TEXT a file of plain text, plain or .gz, which is repeated until it is long enough: to 2, 20
and 200 MB, and to 10,000, 100,000 and a million lines, for which it is cut after stops, into lines of 100 characters at
most. Each number is the median of the rounds.
"""

import argparse
import itertools
import re
import statistics
import sys
import tempfile
from pathlib import Path

from workers import measured

from nlpkit.datasets.files import open_bytes

MB = 1_000_000
PIECE = re.compile(r".{1,99}[。！？；，]|.{1,100}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with open_bytes(args.text) as file:
        text = file.read(200 * MB)
    print("| input | lines | MB | peak memory, MB | s | lines/s | KB/s |\n|---|" + "---:|" * 6)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.txt"), Path(folder, "out.txt")
        for name, content in inputs(text):
            source.write_bytes(content)
            command = [sys.executable, "-m", "nlpkit", "predict", args.model, "--input", source, "--output", target]
            found = zip(*(measured(command) for _ in range(args.rounds)))
            seconds, memory = map(statistics.median, found)
            lines, size = content.count(b"\n"), len(content) / MB
            print(
                f"| {name} | {lines:,} | {size:.1f} | {memory:,.0f} | {seconds:.1f} | {lines / seconds:,.0f} "
                f"| {1000 * size / seconds:,.0f} |",
                flush=True,
            )


def inputs(text):
    """Names and contents of the files."""
    for size, name in ((2, "2 MB"), (20, "20 MB"), (200, "200 MB"), (50, "one line of 50 MB")):
        content = (text * (size * MB // len(text) + 1))[: size * MB]
        content = content[: content.rfind(b"\n") + 1]
        yield name, content.replace(b"\n", b"") + b"\n" if "line" in name else content
    pieces = [f"{piece}\n" for line in text.decode().splitlines() for piece in PIECE.findall(line)]
    for count in (10_000, 100_000, 1_000_000):
        yield f"{count:,} lines", "".join(itertools.islice(itertools.cycle(pieces), count)).encode()


if __name__ == "__main__":
    main()
