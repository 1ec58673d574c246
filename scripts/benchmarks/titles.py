"""Titles from file to file, and beside joeynmt.

    python scripts/benchmarks/titles.py file --model DIR --data DATA [--repeat 10]
    python scripts/benchmarks/titles.py joeynmt --data DATA --python PYTHON [--epochs 8]

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `title/`.

- `file`: the test texts of `csl`, repeated, through `nlpkit predict` at beam 5, start-up included; and one text.
- `joeynmt`: nlpkit and joeynmt 2.3 (GRU with Luong attention, of the sizes of nlpkit's default, over characters) are
  trained on `csl` from nothing, at the same time, a core each, as long as nlpkit takes for its epochs; then one after
  the other they write titles for the test texts at beam 5. PYTHON is an interpreter that has joeynmt (`pip install
  --no-deps joeynmt==2.3.0`, and what it imports).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nlpkit.datasets.files import read_lines
from nlpkit.metrics import clge_scores
from nlpkit.tasks.title.examples import read_titles


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["file", "joeynmt"])
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--model", help="folder of a model of titles")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--python", help="an interpreter that has joeynmt")
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    needed = {"file": "model", "joeynmt": "python"}[args.part]
    if getattr(args, needed) is None:
        parser.error(f"give --{needed}")
    {"file": from_file_to_file, "joeynmt": beside_joeynmt}[args.part](args)


def from_file_to_file(args):
    texts = [example.text for example in read_titles(args.data / "title" / "csl" / "test.jsonl")[0]]
    with tempfile.TemporaryDirectory() as folder:
        for lines in (texts[:1], texts * args.repeat):
            predicted(args.model, lines, Path(folder))


def predicted(model, texts, folder):
    """Titles by `nlpkit predict`; how long it took is printed."""
    (folder / "in.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
    command = ["predict", str(model), "--input", str(folder / "in.txt"), "--output", str(folder / "out.txt")]
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "nlpkit", *command], check=True, capture_output=True)
    told("nlpkit", len(texts), time.perf_counter() - begin)
    return [line for _, line in read_lines(folder / "out.txt")]


def told(name, count, seconds):
    print(f"{name}: {count:,} titles in {seconds:.1f} s, {count / seconds:,.0f} a second", flush=True)


def beside_joeynmt(args):
    """Both are trained at once, a core each, until nlpkit is done; then each by itself writes titles on all cores."""
    data = args.data / "title" / "csl"
    sets = {name: read_titles(data / f"{name}.jsonl")[0] for name in ("train", "valid", "test")}
    texts, right = ([getattr(example, name) for example in sets["test"]] for name in ("text", "title"))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, examples in {**sets, "valid": sets["valid"][:200]}.items():
            cut = [example.text[:256] for example in examples]
            (folder / f"{name}.text").write_text("".join(f"{text}\n" for text in cut), "utf-8")
            (folder / f"{name}.title").write_text("".join(f"{each.title}\n" for each in examples), "utf-8")
        (folder / "config.yaml").write_text(json.dumps(joeynmt_config(folder)), "utf-8")
        joeynmt, model = [args.python, "-m", "joeynmt"], folder / "nlpkit"
        files = ["--train", data / "train.jsonl", "--valid", data / "valid.jsonl", "--out", model]
        begin = time.perf_counter()
        other = started([*joeynmt, "train", folder / "config.yaml", "--skip-test"])
        own = started([sys.executable, "-m", "nlpkit", "train", "title", *files, "--set", f"epochs={args.epochs}"])
        failed, ended = own.wait(), other.poll() is not None
        other.kill()
        other.wait()
        if failed or ended:
            raise SystemExit(f"{'nlpkit' if failed else 'joeynmt'} could not be trained")
        print(f"trained for {time.perf_counter() - begin:.0f} s", flush=True)
        print("nlpkit", clge_scores(right, predicted(model, texts, folder)))
        begin = time.perf_counter()
        with open(folder / "test.text", "rb") as source, open(folder / "out.txt", "wb") as target:
            command = [*joeynmt, "translate", str(folder / "config.yaml")]
            subprocess.run(command, stdin=source, stdout=target, stderr=subprocess.DEVNULL, check=True)
        told("joeynmt", len(right), time.perf_counter() - begin)
        written = [line for _, line in read_lines(folder / "out.txt")][-len(right) :]
        print("joeynmt", clge_scores(right, written))


def started(command):
    """A training on one core."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*map(str, command)], env={**os.environ, **one}, **quiet)


def joeynmt_config(folder):
    side = {"level": "char", "lowercase": False, "max_length": 300, "voc_min_freq": 2}
    embeddings = {"embedding_dim": 128, "scale": False, "dropout": 0.3}
    recurrent = {"type": "recurrent", "rnn_type": "gru", "embeddings": embeddings, "dropout": 0.3}
    return {
        "name": "csl", "model_dir": str(folder / "model"), "use_cuda": False,
        "data": {
            **{part: str(folder / name) for part, name in (("train", "train"), ("dev", "valid"), ("test", "test"))},
            "dataset_type": "plain", "src": {"lang": "text", **side}, "trg": {"lang": "title", **side},
        },
        "testing": {"beam_size": 5, "beam_alpha": 1.0, "batch_size": 64, "batch_type": "sentence",
                    "max_output_length": 64, "eval_metrics": ["bleu"]},
        "training": {
            "random_seed": 0, "optimizer": "adam", "learning_rate": 0.001, "clip_grad_norm": 1.0, "batch_size": 32,
            "batch_type": "sentence", "scheduling": "exponential", "decrease_factor": 0.95, "patience": 5,
            "epochs": 1000, "validation_freq": 60, "logging_freq": 60, "keep_best_ckpts": 1, "overwrite": True,
            "early_stopping_metric": "ppl", "print_valid_sents": [0],
        },
        "model": {
            "initializer": "xavier_uniform", "tied_embeddings": False, "tied_softmax": False,
            "encoder": {**recurrent, "hidden_size": 128, "bidirectional": True, "num_layers": 2},
            "decoder": {**recurrent, "hidden_size": 256, "num_layers": 1, "attention": "luong", "input_feeding": True,
                        "hidden_dropout": 0.3, "init_hidden": "bridge"},
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
