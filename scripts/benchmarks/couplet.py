"""Couplets against peers in one run: the same data and vocabulary, and at least nlpkit's wall time for each.

    python scripts/benchmarks/couplet.py --data DATA --epochs 4 --seeds 3

Peers: the plain convolutional tagger (Su 2019) and a BiLSTM tagger, both nlpkit's own with other settings, and an LSTM
encoder-decoder with attention on PyTorch (after wb14123/seq2seq-couplet, at the size of the others). nlpkit is trained
first; what it took with a seed is the budget of its peers with that seed. Of the taggers' epochs as many are done as
fill the budget, rounded up, so that a peer may have more time but not less: a run that a faster machine ended too soon
is done again with an epoch more. Every training and every prediction is a process of its own. Speed is file to file,
start-up included.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from workers import parse, work

PEERS = {
    "nlpkit": {},
    "plain CNN": {"lower_dilations": [], "dilations": [1] * 7},
    "BiLSTM tagger": {"lower_dilations": [], "encoder": "lstm", "layers": 2, "width": 160},
    "LSTM with attention": None,
}
_REPEATED = ("nlpkit", "plain CNN")
_TRIAL = 60  # steps that the time of an epoch is measured on
_COPIES = 40  # of the test lines, to measure the speed on
_SHOWN = ("perplexity", "top1", "bleu", "match", "distinct2")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4, help="of nlpkit")
    parser.add_argument("--seeds", type=int, default=3, help="of nlpkit and the plain CNN; the others get one")
    parser.add_argument("--out", type=Path, help="folder to keep the models in")
    workers = (
        _time_nlpkit, _train_nlpkit, _measure_nlpkit, _predict_nlpkit,
        _train_attention, _measure_attention, _predict_attention,
    )  # fmt: skip
    args = parse(parser, {worker.__name__[1:]: worker for worker in workers})
    with tempfile.TemporaryDirectory() as folder:
        _compare(args, Path(folder))


def _compare(args, folder):
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from train_couplet import select

    data = args.data / "couplet"
    train = select(data / "train.tsv.gz", ["couplet"], folder / "train.tsv")
    uppers = [line.split("\t")[0] for line in (data / "test.tsv").read_text("utf-8").splitlines()]
    (folder / "one.txt").write_text(uppers[0] + "\n", "utf-8")
    (folder / "many.txt").write_text("".join(upper + "\n" for upper in uppers) * _COPIES, "utf-8")
    count = len(train.read_bytes().splitlines())
    print(f"{count:,} couplets, {args.epochs} epochs of nlpkit, {os.cpu_count()} cores; test {len(uppers):,} couplets")
    runs = {name: [] for name in PEERS}
    for seed in range(args.seeds):
        for name, settings in PEERS.items():
            if seed and name not in _REPEATED:
                continue
            out = (args.out or folder) / f"{name.replace(' ', '-')}-{seed}"
            budget = runs["nlpkit"][seed]["seconds"] if name != "nlpkit" else None
            common = {"train": str(train), "out": str(out), "seed": seed}
            run = _train(common, settings, str(data / "valid.tsv"), args.epochs, budget)
            run |= work(f"measure_{_kind(name)}", model=str(out), test=str(data / "test.tsv"))
            print(json.dumps({"peer": name, "seed": seed, **run}), file=sys.stderr)
            runs[name].append(run)
    rows = []
    for name in PEERS:
        files = {"model": str((args.out or folder) / f"{name.replace(' ', '-')}-0"), "out": str(folder / "answers")}
        first = work(f"predict_{_kind(name)}", lines=str(folder / "one.txt"), **files)["process"]
        seconds = work(f"predict_{_kind(name)}", lines=str(folder / "many.txt"), **files)["process"]
        rows.append((name, runs[name], _COPIES * len(uppers) / seconds, first))
        if name == "nlpkit":
            narrow = work("predict_nlpkit", lines=str(folder / "many.txt"), beam_width=1, **files)["process"]
            for beam, taken in (("of 1", narrow), ("as it is by default", seconds)):
                speed = _COPIES * len(uppers) / taken
                print(f"nlpkit with a beam {beam}: {_COPIES * len(uppers):,} lines in {taken:.1f} s, {speed:,.0f}/s")
    _print(rows)


def _kind(name):
    return "attention" if PEERS[name] is None else "nlpkit"


def _train(common, settings, valid, epochs, budget):
    """Train one peer, if that was not done before; what is known of the training is kept beside the model.

    Args:
        budget: seconds; without one it is nlpkit, which has `epochs`.
    """
    note = Path(common["out"]).with_suffix(".json")
    if note.exists():
        return json.loads(note.read_text())
    if settings is None:
        run = work("train_attention", **common, seconds=budget)
    else:
        if budget:
            epochs = math.ceil(budget / work("time_nlpkit", train=common["train"], settings=settings)["epoch"])
        while True:
            run = work("train_nlpkit", **common, valid=valid, settings={**settings, "epochs": epochs})
            if run["seconds"] >= (budget or 0):
                break
            epochs += 1
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(run))
    return run


def _print(rows):
    rules = [key for key in rows[0][1][0]["test"]["answers"]["without"] if key not in _SHOWN and "distinct" not in key]
    print("\n| peer | training, s | parameters | perplexity | top-1 | couplets/s | first answer, s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, runs, speed, first in rows:
        tests = [run["test"] for run in runs]
        print(
            f"| {name} | {statistics.mean(run['seconds'] for run in runs):.0f} | {runs[0]['parameters']:,} | "
            f"{_mean(tests, 'perplexity', 1)} | {_mean(tests, 'top1', 4)} | {speed:,.0f} | {first:.1f} |"
        )
    print("\n| peer | rules | BLEU-4 | match | distinct-2 | " + " | ".join(rules) + " |")
    print("|---|---|---:|---:|---:|" + "---:|" * len(rules))
    for name, runs, *_ in rows:
        for way in runs[0]["test"]["answers"]:
            tests = [run["test"]["answers"][way] for run in runs]
            shares = " | ".join(f"{statistics.mean(test[rule] for test in tests):.4f}" for rule in rules)
            print(
                f"| {name} | {'on' if way == 'with rules' else 'off'} | {_mean(tests, 'bleu', 3)} | "
                f"{_mean(tests, 'match', 4)} | {_mean(tests, 'distinct2', 3)} | {shares} |"
            )


def _mean(rows, key, digits):
    values = [row[key] for row in rows]
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


def _time_nlpkit(train, settings):
    """Seconds that an epoch takes without its evaluation, so that there are rather too many than too few."""
    from nlpkit.tasks.couplet.config import CoupletSettings
    from nlpkit.tasks.couplet.task import CoupletWriter
    from nlpkit.tasks.shared.generation_options import PairReading

    data = CoupletWriter.read(train, PairReading())
    from nlpkit.tasks.task import untrained

    task = untrained(CoupletWriter, CoupletSettings.create(settings), data)
    model = task.network.model
    model.compile("adam", task.loss)
    batches = task.batches(data.examples, 0)
    for step, batch in zip(range(2 * _TRIAL), batches.epoch(0)):
        if step == _TRIAL:
            begin = time.perf_counter()
        model.train_on_batch(*batch)
    return {"epoch": (time.perf_counter() - begin) / _TRIAL * len(batches)}


def _train_nlpkit(train, valid, out, seed, settings):
    import nlpkit

    begin = time.perf_counter()
    nlpkit.train("couplet", train, valid, out=out, settings=settings, seed=seed, force=True)
    after = time.time() - (Path(out) / "history.csv").stat().st_mtime  # the last measuring and the saving
    return {"seconds": time.perf_counter() - begin - after, "epochs": settings["epochs"]}


def _measure_nlpkit(model, test):
    import nlpkit

    predictor = nlpkit.load(model)
    return {"parameters": predictor.network.model.count_params(), "test": predictor.evaluate(test)}


def _predict_nlpkit(model, lines, out, **options):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import nlpkit

    nlpkit.load(model).predict_file(lines, out, **options)
    return {}


# The encoder-decoder on PyTorch.

_WIDTH, _BATCH, _BEAMS = 128, 128, 4


def _attention_network(size):
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(size, _WIDTH, padding_idx=0)
            self.drop = nn.Dropout(0.2)
            self.encoder = nn.LSTM(_WIDTH, _WIDTH, batch_first=True, bidirectional=True)
            self.decoder = nn.LSTM(_WIDTH, 2 * _WIDTH, batch_first=True)
            self.query = nn.Linear(2 * _WIDTH, 2 * _WIDTH, bias=False)
            self.out = nn.Linear(4 * _WIDTH, _WIDTH)
            nn.init.normal_(self.embedding.weight, std=0.05)

        def encode(self, upper):
            states, (hidden, cell) = self.encoder(self.drop(self.embedding(upper)))
            # The last states of both directions, side by side, begin the decoder.
            return states, tuple(torch.cat([x[0], x[1]], dim=-1)[None] for x in (hidden, cell))

        def decode(self, before, states, state):
            x, state = self.decoder(self.drop(self.embedding(before)), state)
            attention = torch.softmax(self.query(x) @ states.transpose(1, 2), dim=-1)
            x = torch.tanh(self.out(torch.cat([x, attention @ states], dim=-1)))
            return self.drop(x) @ self.embedding.weight.T, state

    return Network()


def _train_attention(train, out, seed, seconds):
    import random

    import numpy as np
    import torch

    from nlpkit.tasks.couplet.examples import make_vocabulary, read_couplets, read_pairs

    begin = time.perf_counter()
    torch.manual_seed(seed)
    random.seed(seed)
    couplets = read_couplets(train)[0]
    vocabulary = make_vocabulary(couplets, 2)
    network = _attention_network(len(vocabulary))
    batches = _same_length(read_pairs(couplets, vocabulary), _BATCH, longest=48)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    epochs = 0
    while True:
        random.shuffle(batches)
        for upper, lower in batches:
            done = (time.perf_counter() - begin) / seconds
            if done >= 1:
                break
            optimizer.param_groups[0]["lr"] = 3e-3 * max(0.02, 0.5 + 0.5 * np.cos(np.pi * done))
            states, state = network.encode(upper)
            before = torch.nn.functional.pad(lower[:, :-1], (1, 0))
            logits, _ = network.decode(before, states, state)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), lower.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        else:
            epochs += 1
            continue
        break
    Path(out).mkdir(parents=True, exist_ok=True)
    torch.save({"network": network.state_dict(), "symbols": vocabulary.symbols}, Path(out) / "model.pt")
    return {"seconds": time.perf_counter() - begin, "epochs": epochs}


def _load_attention(model):
    import torch

    from nlpkit.text.vocabulary import CharacterVocabulary

    saved = torch.load(Path(model) / "model.pt", weights_only=True)
    vocabulary = CharacterVocabulary(saved["symbols"])
    network = _attention_network(len(vocabulary))
    network.load_state_dict(saved["network"])
    network.eval()
    return network, vocabulary


def _measure_attention(model, test):
    import numpy as np
    import torch

    from nlpkit.metrics import bleu, distinct
    from nlpkit.tasks.couplet.config import RULES
    from nlpkit.tasks.couplet.examples import CoupletExample, read_couplets, read_pairs
    from nlpkit.tasks.couplet.rules import is_kept

    network, vocabulary = _load_attention(model)
    logs, ranks = [], []
    with torch.no_grad():
        for upper, lower in _same_length(read_pairs(read_couplets(test)[0], vocabulary), 256):
            states, state = network.encode(upper)
            logits, _ = network.decode(torch.nn.functional.pad(lower[:, :-1], (1, 0)), states, state)
            chance = torch.log_softmax(logits, -1)
            own = chance.gather(-1, lower[..., None])
            logs.append(own.flatten())
            ranks.append(torch.where(lower == 1, 9, (chance > own).sum(-1)).flatten())
    right = read_couplets(test)[0]
    found = _answer(network, vocabulary, [couplet.upper for couplet in right])
    pairs = read_pairs([CoupletExample(c.lower, b, 0) for c, b in zip(right, found)], vocabulary)
    scores = {"bleu": bleu([c.lower for c in right], found)}
    scores["match"] = float(((a := pairs.arrays)["characters"] == a["lower"]).mean())
    scores |= {"distinct1": distinct(found, 1), "distinct2": distinct(found, 2)}
    scores |= {rule: float(np.mean([is_kept(rule, c.upper, b) for c, b in zip(right, found)])) for rule in RULES}
    logs, ranks = torch.cat(logs), torch.cat(ranks)
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "test": {
            "perplexity": float(torch.exp(-logs.mean())),
            "top1": float((ranks < 1).float().mean()),
            "answers": {"without": scores},
        },
    }


def _same_length(lines, size, longest=None):
    """Batches of tensors ``(upper, lower)`` of lines of one length."""
    import numpy as np
    import torch

    from nlpkit.datasets.padding import gather_padded

    batches = []
    for length in np.unique(lines.lengths[lines.lengths > 0]):
        rows = np.flatnonzero(lines.lengths == length)
        # As many characters in each batch as there are in `size` lines of mean length.
        count = max(1, round(size * lines.lengths.mean() / length))
        for start in range(0, len(rows) if longest is None or length <= longest else 0, count):
            some = rows[start : start + count]
            batch = gather_padded(lines.arrays, lines.starts[some], lines.lengths[some], int(length))
            batches.append(tuple(torch.from_numpy(batch[k].astype("int64")) for k in ("characters", "lower")))
    return batches


def _answer(network, vocabulary, uppers):
    """Lower lines by a beam; marks answer themselves."""
    import numpy as np
    import torch

    from nlpkit.datasets.padding import batches_by_length, gather_padded
    from nlpkit.tasks.couplet.examples import Lines
    from nlpkit.text.characters import from_code_points

    lines = Lines.read(uppers, vocabulary)
    codes = lines.flat.codes.copy()
    symbols = np.array([0, 0, *map(ord, vocabulary.symbols)], "uint32")
    with torch.no_grad():
        for length in np.unique(lines.lengths[lines.lengths > 0]):
            same = np.flatnonzero(lines.lengths == length)
            for chosen, _ in batches_by_length(lines.lengths[same], 8192):
                rows = same[chosen]
                batch = gather_padded(lines.arrays, lines.starts[rows], lines.lengths[rows], int(length))
                found = _beam(network, torch.from_numpy(batch["characters"].astype("int64"))).numpy()
                codes[lines.places[lines.starts[rows][:, None] + np.arange(length)]] = symbols[found]
    codes = codes[1:]
    codes[lines.flat.starts + lines.flat.lengths - 1] = 0
    return from_code_points(codes).split("\0")[:-1]


def _beam(network, upper):
    import torch

    batch, time_steps = upper.shape
    states, state = network.encode(upper)
    states = states.repeat_interleave(_BEAMS, 0)
    state = tuple(x.repeat_interleave(_BEAMS, 1) for x in state)
    totals = torch.full((batch, _BEAMS), -1e9)
    totals[:, 0] = 0
    history = torch.zeros((batch * _BEAMS, 0), dtype=torch.int64)
    last = torch.zeros((batch * _BEAMS, 1), dtype=torch.int64)
    for _ in range(time_steps):
        logits, state = network.decode(last, states, state)
        logits[..., :2] = -1e9
        scores, ids = torch.log_softmax(logits[:, 0], -1).topk(_BEAMS)
        flat = (totals[..., None] + scores.view(batch, _BEAMS, _BEAMS)).flatten(1)
        totals, chosen = flat.topk(_BEAMS)
        parents = (torch.arange(batch)[:, None] * _BEAMS + chosen // _BEAMS).flatten()
        last = ids.view(batch, -1).gather(1, chosen).view(-1, 1)
        history = torch.cat([history[parents], last], dim=1)
        state = tuple(x[:, parents] for x in state)
    return history.view(batch, _BEAMS, -1)[:, 0]


def _predict_attention(model, lines, out):
    network, vocabulary = _load_attention(model)
    answers = _answer(network, vocabulary, Path(lines).read_text("utf-8").splitlines())
    Path(out).write_text("".join(answer + "\n" for answer in answers), "utf-8")
    return {}


if __name__ == "__main__":
    main()
