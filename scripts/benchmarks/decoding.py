"""How long a beam search over titles takes, side by side with other ways to do it, all in one run.

    python scripts/benchmarks/decoding.py [--rounds 3] [--without-rerun]

Beam 5, 64 texts of 256 characters at once, a vocabulary of 6,000, titles of 16, 32 and 64 characters whose end is
disabled; from ids to ids, encoders included; random weights, since speed does not depend on them. Each peer runs in a
process of its own, with two threads, of which nlpkit, as on its command line, gives one to each half of the texts;
rounds take turns. Peers:

- `nlpkit`: the title model with its default sizes;
- `nlpkit, no copying`: the same without copying and prior;
- `re-run`: the same model, of which the whole network, encoder included, is run again for each character, batched over
  texts and beams, as the well-known small Keras solution does;
- `PyTorch`: a hand-written encoder-decoder of the same sizes (two bidirectional layers of GRU, a GRU cell, four heads
  of attention, tied output) whose keys, values and states are kept, with a batched beam search; with a
  pointer-generator switch, as most people write it (scatter_add into the extended vocabulary), and without;
- `CTranslate2`: a Transformer of 2 + 2 layers of 128 numbers, float32 and int8, if ctranslate2 is installed. It has
  another network, and its end is disabled by its own option.
"""

import argparse
import functools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH, TIME, BEAMS, SIZE = 64, 256, 5, 6000
LENGTHS = (16, 32, 64)
ENVIRONMENT = {"OMP_NUM_THREADS": "2", "TF_CPP_MIN_LOG_LEVEL": "3"}
PEERS = (
    "nlpkit", "nlpkit, no copying", "PyTorch", "PyTorch, no copying", "CTranslate2", "CTranslate2, int8", "re-run",
)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-rerun", action="store_true", help="leave out the peer that takes minutes")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        print(json.dumps(measure(args.peer, 1 if args.peer == "re-run" else 2)))
        return
    found = {peer: {} for peer in PEERS if not (peer == "re-run" and args.without_rerun)}
    for round_ in range(args.rounds):
        for peer, best in found.items():
            if peer == "re-run" and round_:
                continue
            result = subprocess.run(
                [sys.executable, __file__, "--peer", peer], capture_output=True, text=True,
                env={**os.environ, **ENVIRONMENT, **({"TF_NUM_INTRAOP_THREADS": "1"} if "nlpkit" in peer else {})},
            )  # fmt: skip
            if result.returncode:
                print(f"{peer}: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            for length, seconds in json.loads(result.stdout.splitlines()[-1]).items():
                best[length] = min(best.get(length, math.inf), seconds)
    print(
        "| peer | " + " | ".join(f"{length}, s" for length in LENGTHS) + " | titles/s at 64 | 64 / 32 | times nlpkit |"
    )
    print("|---|" + "---:|" * (len(LENGTHS) + 3))
    for peer, seconds in found.items():
        if seconds:
            row = [seconds[str(length)] for length in LENGTHS]
            own = found["nlpkit" if "no copying" not in peer else "nlpkit, no copying"].get(str(LENGTHS[-1]), math.nan)
            shown = " | ".join(f"{each:.3f}" for each in row)
            print(f"| {peer} | {shown} | {BATCH / row[-1]:.0f} | {row[-1] / row[-2]:.2f} | {row[-1] / own:.2f} |")


def measure(peer, repeats):
    """Seconds by length; the first search of each length, which may compile, does not count."""
    kind, _, more = peer.partition(", ")
    search = {"nlpkit": nlpkit_search, "re-run": rerun, "PyTorch": torch_search, "CTranslate2": translate}[kind](more)
    seconds = {}
    for length in LENGTHS:
        times, run = [], search(length)
        for attempt in range(repeats + 1):
            begin = time.perf_counter()
            shape = run()
            if attempt or peer == "re-run":
                times.append(time.perf_counter() - begin)
            assert shape == (BATCH, BEAMS, length), shape
        seconds[length] = min(times)
    return seconds


def nlpkit_task(more):
    import keras

    from nlpkit.tasks.title.config import TitleSettings
    from nlpkit.tasks.title.examples import END
    from nlpkit.tasks.title.task import TitleWriter
    from nlpkit.text.vocabulary import CharacterVocabulary

    keras.utils.set_random_seed(0)
    settings = TitleSettings.create({"copy": False, "prior": False} if more else {})
    task = TitleWriter(settings, vocabulary=CharacterVocabulary([END, *map(chr, range(0x4E00, 0x4E00 + SIZE - 3))]))
    task.network = task.build_network()
    codes = np.random.default_rng(0).integers(0x4E00, 0x4E00 + SIZE - 3, (BATCH, TIME))
    return task, ["".join(map(chr, row)) for row in codes]


def nlpkit_search(more):
    task, texts = nlpkit_task(more)

    def search(length):
        options = {"beam_width": BEAMS, "n_best": BEAMS, "min_length": length, "max_length": length}
        prepared = task.prepare(task.declaration.prediction.create(options))
        encoded, _ = task.encode([task.parse(text) for text in texts], prepared)
        return lambda: task.run(encoded)[0].shape

    return search


def rerun(_):
    """The search of a network that keeps nothing: for each character it reads everything again."""
    import keras
    from keras import ops

    from nlpkit.tasks.title.examples import END_ID, Texts
    from nlpkit.training.forward import Forward

    task, texts = nlpkit_task("")
    network = task.network

    inputs = {**network.read_inputs, "previous": network.model.input["previous"]}
    logits, pointed, states = (x[:, -1:] for x in network.parts)
    p = network.switch(logits, pointed, inputs["source"], states)[:, 0]
    p = ops.where(ops.arange(SIZE) <= END_ID, 0.0, p)
    forward = Forward(keras.Model(inputs, ops.top_k(p, BEAMS)))
    read = Texts(texts, task.vocabulary, task.settings).padded(np.repeat(np.arange(BATCH), BEAMS), TIME)

    def search(length):
        ids, totals = np.zeros((BATCH, BEAMS, 0), "int32"), np.full((BATCH, BEAMS), -np.inf)
        totals[:, 0] = 0
        for t in range(length):
            previous = np.pad(ids.reshape(BATCH * BEAMS, t), [[0, 0], [1, 0]]).astype("int32")
            chances, symbols = forward({**read, "previous": previous})
            scores = (totals[..., None] + np.log(chances).reshape(BATCH, BEAMS, BEAMS)).reshape(BATCH, -1)
            best = np.argsort(-scores, axis=1)[:, :BEAMS]
            totals = np.take_along_axis(scores, best, 1)
            symbols = np.take_along_axis(symbols.reshape(BATCH, -1), best, 1)
            ids = np.concatenate([np.take_along_axis(ids, best[..., None] // BEAMS, 1), symbols[..., None]], axis=2)
        return ids.shape

    return lambda length: functools.partial(search, length)


def torch_search(more):
    import torch
    from torch import nn

    torch.set_num_threads(2)
    torch.manual_seed(0)
    copies, width, dim, heads = not more, 256, 128, 4

    class Peer(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.widen = nn.Embedding(SIZE, dim), nn.Linear(dim, width)
            self.encoder = nn.GRU(width, width // 2, 2, bidirectional=True, batch_first=True)
            self.start, self.cell = nn.Linear(width, width), nn.GRUCell(dim, width)
            self.enter, self.leave = nn.LayerNorm(dim), nn.LayerNorm(width)
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
            self.output, self.bias = nn.Linear(2 * width, dim), nn.Parameter(torch.zeros(SIZE))
            self.copy_query, self.copy_key = nn.Linear(2 * width, dim), nn.Linear(width, dim)
            self.gate = nn.Linear(2 * width, 1)

        def split(self, x):
            return x.view(*x.shape[:2], heads, -1).transpose(1, 2)

        @torch.inference_mode()
        def search(self, source, steps):
            x, _ = self.encoder(self.widen(self.embedding(source)))
            state = torch.tanh(self.start(x.amax(1))).repeat_interleave(BEAMS, 0)
            keys = self.split(self.key(x)).transpose(-1, -2).contiguous()
            values = self.split(self.value(x)).contiguous()
            copy_keys = self.copy_key(x).transpose(1, 2).contiguous()
            places = source[:, None].expand(-1, BEAMS, -1)
            table, rows = self.embedding.weight.T.contiguous(), torch.arange(BATCH)[:, None] * BEAMS
            ids, totals = torch.zeros(BATCH, BEAMS, 0, dtype=torch.long), torch.full((BATCH, BEAMS), -1e9)
            totals[:, 0], last = 0, torch.zeros(BATCH * BEAMS, dtype=torch.long)
            for _ in range(steps):
                state = self.cell(self.enter(self.embedding(last)), state)
                q = self.leave(state)
                queries = self.query(q).view(BATCH, BEAMS, heads, -1).transpose(1, 2) * (width // heads) ** -0.5
                seen = ((queries @ keys).softmax(-1) @ values).transpose(1, 2).reshape(BATCH * BEAMS, -1)
                both = torch.cat([q, seen], -1)
                logits = torch.addmm(self.bias, torch.tanh(self.output(both)), table)
                if copies:
                    gate = torch.sigmoid(self.gate(both)).view(BATCH, BEAMS, 1)
                    pointed = (self.copy_query(both).view(BATCH, BEAMS, -1) * dim**-0.5 @ copy_keys).softmax(-1)
                    p = logits.softmax(-1).view(BATCH, BEAMS, -1) * (1 - gate)
                    scores = p.scatter_add_(2, places, pointed * gate).clamp_min_(1e-30).log_()
                else:
                    scores = logits.log_softmax(-1).view(BATCH, BEAMS, -1)
                scores[..., 2] = -math.inf  # the end
                totals, best = (totals[..., None] + scores).view(BATCH, -1).topk(BEAMS)
                parents, symbols = best // SIZE, best % SIZE
                state, last = state[(rows + parents).view(-1)], symbols.view(-1)
                ids = torch.cat([ids.gather(1, parents[..., None].expand(-1, -1, ids.shape[2])), symbols[..., None]], 2)
            return ids

    peer, source = Peer().eval(), torch.randint(3, SIZE, (BATCH, TIME))
    return lambda length: lambda: tuple(peer.search(source, length).shape)


def translate(more):
    import ctranslate2
    from ctranslate2.specs import TransformerSpec

    rng, dim, layers = np.random.default_rng(0), 128, 2
    spec = TransformerSpec.from_config(layers, 4, pre_norm=True)
    tokens = ["<blank>", "<unk>", "<s>", "</s>", *(f"c{i}" for i in range(SIZE - 4))]
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    fill(spec, rng, dim)
    with tempfile.TemporaryDirectory() as folder:
        spec.validate()
        spec.optimize(quantization="int8" if more else None)
        path = Path(folder) / "model"
        path.mkdir()
        spec.save(str(path))
        translator = ctranslate2.Translator(
            str(path), compute_type="int8" if more else "float32", inter_threads=2, intra_threads=1
        )
    texts = [[tokens[i] for i in row] for row in rng.integers(4, SIZE, (BATCH, TIME))]

    def search(length):
        found = translator.translate_batch(
            texts, beam_size=BEAMS, num_hypotheses=BEAMS, max_decoding_length=length, min_decoding_length=length,
            max_batch_size=BATCH // 2,
        )  # fmt: skip
        return (len(found), len(found[0].hypotheses), len(found[0].hypotheses[0]))

    return lambda length: functools.partial(search, length)


def fill(spec, rng, dim):
    """Random weights for a Transformer, at all the places that its specification has."""

    def normal(*shape):
        return rng.normal(0, 0.05, shape).astype("float32")

    def linear(layer, size_in, size_out):
        layer.weight, layer.bias = normal(size_out, size_in), normal(size_out)

    def norm(layer):
        layer.gamma, layer.beta = np.ones(dim, "float32"), np.zeros(dim, "float32")

    def attention(layer, is_self):
        norm(layer.layer_norm)
        sizes = (3 * dim, dim) if is_self else (dim, 2 * dim, dim)
        for part, size in zip(layer.linear, sizes, strict=True):
            linear(part, dim, size)

    def feed_forward(layer):
        norm(layer.layer_norm)
        linear(layer.linear_0, dim, 4 * dim)
        linear(layer.linear_1, 4 * dim, dim)

    for side in (spec.encoder, spec.decoder):
        for embeddings in side.embeddings if isinstance(side.embeddings, list) else [side.embeddings]:
            embeddings.weight = normal(SIZE, dim)
        norm(side.layer_norm)
        for layer in side.layer:
            attention(layer.self_attention, True)
            if side is spec.decoder:
                attention(layer.attention, False)
            feed_forward(layer.ffn)
    linear(spec.decoder.projection, dim, SIZE)


if __name__ == "__main__":
    main()
