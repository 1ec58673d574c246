"""Start, speed and memory of `nlpkit predict` by what computes, beside jieba: a line, and a file.

    python scripts/benchmarks/runtimes.py MODEL TEXT [--repeat 5]

MODEL is a segmenter with ONNX files, TEXT a file of plain text. Each number is the median of runs in turn, each run a
process of its own; the two runtimes must write the same bytes.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from workers import measured

LINE = "今天天气真好，我们去公园。\n"
JIEBA = (
    "import jieba, sys; jieba.setLogLevel(60)\n"
    "with open(sys.argv[1], encoding='utf-8') as source, open(sys.argv[2], 'w', encoding='utf-8') as target:\n"
    "    target.writelines(' '.join(jieba.cut(line)) for line in source)"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        line, files = Path(folder, "line.txt"), {}
        line.write_text(LINE, "utf-8")
        names, found = ("onnx", "keras", "jieba"), {}
        for _ in range(args.repeat):
            for name in names:
                for source in (line, Path(args.text)):
                    target = files[name] = Path(folder, f"{name}.txt")
                    found.setdefault((name, source), []).append(measured(command(name, args.model, source, target)))
        assert files["onnx"].read_bytes() == files["keras"].read_bytes(), "the runtimes answer otherwise"
        size = Path(args.text).stat().st_size
        print(f"| | first answer, s | memory, MB | {size / 1e6:.1f} MB, s | KB/s | memory, MB |\n|---|" + "---:|" * 5)
        for name in names:
            (short, little), (long, much) = (
                map(statistics.median, zip(*found[name, source])) for source in (line, Path(args.text))
            )
            print(f"| {name} | {short:.2f} | {little:.0f} | {long:.1f} | {size / 1e3 / long:,.0f} | {much:.0f} |")


def command(name, model, source, target):
    if name == "jieba":
        return [sys.executable, "-c", JIEBA, source, target]
    files = ["--input", source, "--output", target]
    return [sys.executable, "-m", "nlpkit", "predict", model, *files, "--runtime", name]


if __name__ == "__main__":
    main()
