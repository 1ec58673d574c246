"""How often a prediction that is killed at a random moment, and started again until it ends, writes the same bytes.

    python scripts/benchmarks/kills.py MODEL TEXT [--kills 50] [--engine local] [--seed 0]

Each trial starts `nlpkit predict`, sends SIGKILL after a random time within what a whole run takes, starts it again,
and so on until it ends by itself; then the output is compared with that of a run that was not disturbed.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args, more = parser.parse_known_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, out = Path(folder, "whole.txt"), Path(folder, "out.txt")
        command = [sys.executable, "-m", "nlpkit", "predict", args.model, "--input", args.text, *more, "--output"]
        begin = time.monotonic()
        subprocess.run([*command, whole], check=True, capture_output=True)
        taken = time.monotonic() - begin
        kills = resumed = ended = same = 0
        while kills < args.kills:
            process = subprocess.Popen([*command, out], stderr=subprocess.PIPE)
            try:
                said = process.communicate(timeout=chance.random() * taken)[1].decode()
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
            assert process.returncode == 0, said
            ended += 1
            resumed += "going on" in said
            same += out.read_bytes() == whole.read_bytes()
            left = sorted(path.name for path in Path(folder).iterdir())
            assert left == ["out.txt", "whole.txt"], left
            out.unlink()
        subprocess.run([*command, out], check=True, capture_output=True)
        ended, same = ended + 1, same + (out.read_bytes() == whole.read_bytes())
    print(f"| kills | runs that ended | of them after a kill | with the same bytes |\n|{'---:|' * 4}")
    print(f"| {kills} | {ended} | {resumed} | {same} |")


if __name__ == "__main__":
    main()
