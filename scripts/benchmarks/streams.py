"""Peak memory and speed of `nlpkit predict` over files of 2, 20 and 200 MB, and over one line of 50 MB.

    python scripts/benchmarks/streams.py MODEL TEXT

MODEL is a trained folder, TEXT a file of plain text, plain or .gz, which is repeated until it is long enough.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nlpkit.datasets.files import open_bytes

MB = 1_000_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    args = parser.parse_args()
    with open_bytes(args.text) as file:
        text = file.read(200 * MB)
    print("| input | peak memory, MB | s | KB/s |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.txt"), Path(folder, "out.txt")
        for size, name in ((2, "2 MB"), (20, "20 MB"), (200, "200 MB"), (50, "one line of 50 MB")):
            content = (text * (size * MB // len(text) + 1))[: size * MB]
            content = content[: content.rfind(b"\n") + 1]
            source.write_bytes(content if "line" not in name else content.replace(b"\n", b""))
            begin = time.monotonic()
            peak = peak_of(["predict", args.model, "--input", source, "--output", target])
            seconds = time.monotonic() - begin
            print(f"| {name} | {peak:,.0f} | {seconds:.1f} | {size * MB / 1000 / seconds:,.0f} |", flush=True)


def peak_of(command):
    """Peak memory of a command of nlpkit in MB, of a process that is alone with what waits for it."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    whole = [sys.executable, "-c", program, sys.executable, "-m", "nlpkit", *command]
    found = subprocess.run(whole, check=True, capture_output=True, text=True)
    return int(found.stdout) * 1024 / MB


if __name__ == "__main__":
    main()
