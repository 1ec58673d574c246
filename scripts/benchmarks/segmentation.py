"""Word segmentation from file to file, beside everything that cuts Chinese text offline.

    pip install "nlpkit[bench]"
    python scripts/benchmarks/segmentation.py --data DATA [--models NAME=DIR …] [--megabytes 20] [--rounds 3]
        [--pkuseg DIR] [--skip-crfsuite]

DATA (or the variable NLPKIT_BENCH_DATA) holds `tagging/sxu-seg/train.txt` and `test.txt`, and
`word2vec/corpus.txt.gz`, whose first lines are the plain text. The models are folders that
`scripts/train_tagging.py` wrote; pkuseg reads the folder of a model, such as the one in the source of its package
0.0.25.
Every peer reads a file of lines and writes a file of words separated by spaces, as one process, start-up included; the
processes take turns, and each time is the median of the rounds. Those that are slow get a tenth of the text. The
CRFsuite is trained here first (about two minutes); F1 is measured on the test file. The models of nlpkit and the
CRFsuite
are trained on the training part of the same data, the other peers are not. A peer that is not installed is left out.
"""

import argparse
import gzip
import importlib.util
import os
import statistics
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import crfsuite_peer
from workers import measured

from nlpkit.metrics import segmentation_scores

SLOW = ("pkuseg", "thulac", "jiagu", "wapic")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pkuseg", metavar="DIR", help="a model of pkuseg")
    parser.add_argument("--skip-crfsuite", action="store_true")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(*args.worker)
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as folder:
        measure(args, Path(folder))
    return 0


def measure(args, folder):
    """Print the table."""
    sxu = args.data / "tagging" / "sxu-seg"
    gold = [line.split() for line in (sxu / "test.txt").read_text("utf-8").splitlines() if line.strip()]
    known = set((sxu / "train.txt").read_text("utf-8").split())
    files = {name: folder / f"{name}.txt" for name in ("test", "line", "text", "tenth")}
    files["test"].write_text("".join("".join(words) + "\n" for words in gold), "utf-8")
    files["line"].write_text("今天天气真好，我们去公园散步吧。\n", "utf-8")
    for name, most in (("text", args.megabytes * 1e6), ("tenth", args.megabytes * 1e5)):
        size = 0
        with gzip.open(args.data / "word2vec" / "corpus.txt.gz") as source, open(files[name], "wb") as target:
            while size < most:
                size += target.write(source.readline())
    peers = {
        name: ([sys.executable, __file__, "--worker", name, str(args.pkuseg or "-"), "{}", "{}"], size_of(package))
        for name, (package, _) in PEERS.items()
        if importlib.util.find_spec(_module(package)) and (name != "pkuseg" or args.pkuseg)
    }
    if not args.skip_crfsuite:
        path = folder / "crfsuite.model"
        crfsuite_peer.train(labelled(sxu / "train.txt"), path)
        worker = [sys.executable, __file__, "--worker", "CRFsuite", str(path), "{}", "{}"]
        peers["CRFsuite, character templates"] = worker, path.stat().st_size
    for model in args.models:
        name, _, path = model.partition("=")
        command = [sys.executable, "-m", "nlpkit", "predict", path, "--input", "{}", "--output", "{}"]
        own = [each for each in Path(path).iterdir() if each.is_file() and each.suffix not in (".html", ".csv")]
        peers[f"nlpkit, {name}"] = command, sum(each.stat().st_size for each in own)

    found = {name: {"text": [], "line": []} for name in peers}
    for _ in range(args.rounds):
        for name, (command, _) in peers.items():
            text = files["tenth" if name in SLOW else "text"]
            for kind, source in (("text", text), ("line", files["line"])):
                found[name][kind].append(measured(with_files(command, source, folder / "out.txt")))
    print(f"{args.megabytes:g} MB of text, {args.rounds} rounds, {os.cpu_count()} cores\n")
    print("| peer | KB/s | ratio | first answer, s | memory, MB | size, MB | test F1 | OOV recall |")
    print(f"|---|{'---:|' * 7}")
    base = None
    for name, (command, size) in peers.items():
        text = files["tenth" if name in SLOW else "text"].stat().st_size / 1000
        rate = text / statistics.median(seconds for seconds, _ in found[name]["text"])
        line = statistics.median(seconds for seconds, _ in found[name]["line"])
        memory = max(memory for _, memory in found[name]["text"])
        base = base or rate
        measured(with_files(command, files["test"], folder / "out.txt"))
        words = [line.split() for line in (folder / "out.txt").read_text("utf-8").splitlines()]
        scores = segmentation_scores(gold, words, known)
        print(
            f"| {name} | {rate:,.0f} | {rate / base:.2f}× | {line:.2f} | {memory:,.0f} | {size / 1e6:.1f} "
            f"| {scores['f1']:.4f} | {scores['oov_recall']:.4f} |",
            flush=True,
        )


def with_files(command, source, target):
    """A command in which these files stand."""
    names = iter((source, target))
    return [str(next(names) if part == "{}" else part) for part in command]


def size_of(package):
    """Bytes of an installed package."""
    return sum(file.locate().stat().st_size for file in metadata.files(package) or () if file.locate().is_file())


def _module(package):
    return {"wapic-cws-model": "wapic_model"}.get(package, package.replace("-", "_"))


def work(name, model, source, target):
    """Cut a file, in a process of its own."""
    if name == "CRFsuite":
        return crfsuite_peer.tag_file(model, source, target, spaced)
    cut = PEERS[name][1](model)
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(" ".join(cut(line.rstrip("\n"))) + "\n")
    return 0


def _jieba(_):
    import jieba

    return jieba.cut


def _rjieba(_):
    import rjieba

    return rjieba.cut


def _jieba_next(_):
    import jieba_next

    return jieba_next.cut


def _wapic(_):
    import wapic

    return wapic.Segmenter().segment


def _pkuseg(model):
    import spacy_pkuseg

    return spacy_pkuseg.pkuseg(model_name=model).cut


def _jiagu(_):
    import jiagu

    return jiagu.seg


def _thulac(_):
    import thulac

    segmenter = thulac.thulac(seg_only=True)
    return lambda line: segmenter.cut(line, text=True).split(" ")


PEERS = {
    "jieba": ("jieba", _jieba),
    "rjieba": ("rjieba", _rjieba),
    "jieba-next": ("jieba-next", _jieba_next),
    "wapic": ("wapic-cws-model", _wapic),
    "pkuseg": ("spacy-pkuseg", _pkuseg),
    "jiagu": ("jiagu", _jiagu),
    "thulac": ("thulac", _thulac),
}
"""By name: the package whose size counts, and what gives a function from a line to words."""


def templates(text):
    """Ten character templates: unigrams and bigrams in a window of two to each side, and the character's class."""
    padded = f"  {text}  "
    features = []
    for i in range(2, len(padded) - 2):
        a, b, c, d, e = padded[i - 2 : i + 3]
        kind = "digit" if c.isdigit() else "letter" if c.isascii() and c.isalpha() else "other"
        features.append(
            [
                f"a={a}",
                f"b={b}",
                f"c={c}",
                f"d={d}",
                f"e={e}",
                f"ab={a}{b}",
                f"bc={b}{c}",
                f"cd={c}{d}",
                f"de={d}{e}",
                kind,
            ]
        )
    return features


def labelled(source):
    """Features and tags of the characters of each line of words."""
    for line in source.read_text("utf-8").splitlines():
        words = line.split()
        if words:
            tags = [tag for w in words for tag in ("S" if len(w) == 1 else "B" + "M" * (len(w) - 2) + "E")]
            yield templates("".join(words)), tags


def spaced(text, tag):
    """A line of words, by a function from features to tags."""
    tags = tag(templates(text)) if text else []
    return "".join(c + (" " if tag in "ES" else "") for c, tag in zip(text, tags)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
