"""Characters to words or entities without nlpkit. Unlike here, nlpkit keeps runs of letters and digits whole, and ends
words at white space.

python example.py 今天天气真好，我们去公园。
"""

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from network import load

FOLDER = Path(__file__).parent
text = sys.argv[1] if len(sys.argv) > 1 else "今天天气真好，我们去公园。"
if not text:
    sys.exit("give a text, not an empty one")
half = [(c == "　" and " ") or (chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c) for c in text]  # of full-width signs
normal = "".join(c.lower() if len(c.lower()) == 1 and ord(c) < 0x10000 else c for c in half)


def symbols(name: str) -> list[str]:
    return [line.replace("\\s", " ") for line in (FOLDER / name).read_text("utf-8").split("\n")[:-1]]


def ids_of(name: str, found: Sequence[str]) -> np.ndarray:
    ids = {symbol: i for i, symbol in enumerate(symbols(name), 2)}  # 0 is padding, 1 is unknown
    return np.array([ids.get(symbol, 1) for symbol in found], "int32")


arrays = {"characters": ids_of("vocab.txt", normal)[None]}
if (FOLDER / "bigrams.txt").exists():  # pairs of each character with its left and its right neighbour
    pairs = ids_of("bigrams.txt", [a + b for a, b in zip(f"\0{normal}", f"{normal}\0")])
    arrays["bigrams"] = np.stack([pairs[:-1], pairs[1:]], axis=-1)[None]
if (FOLDER / "lexicon.txt.gz").exists():  # beginnings, middles and ends of words of 2, 3, 4 and more characters
    lines = gzip.decompress((FOLDER / "lexicon.txt.gz").read_bytes()).decode().split("\n")
    levels = {word: int(level) for word, level in (line.rsplit("\t", 1) for line in lines if "\t" in line)}
    flags = arrays["lexicon"] = np.zeros((1, len(text), 12), "uint8")
    for size in range(2, 7):
        for begin in range(len(text) - size + 1):
            for place in range(size):
                part = 3 * min(size - 2, 3) + (0 if place == 0 else 2 if place == size - 1 else 1)
                cell = (0, begin + place, part)
                flags[cell] = max(flags[cell], levels.get(normal[begin : begin + size], 0))

packed = load(FOLDER, "potentials")(arrays)[0][0]
tags = packed.shape[-1] - 1  # after the scores of the characters: transitions, scores of the first and last tag
emissions, shared = packed[: -tags - 2, :tags], packed[-tags - 2 :, :tags]
scores, before = emissions[0] + shared[tags], []
for emission in emissions[1:]:
    total = scores[:, None] + shared[:tags]
    before.append(total.argmax(axis=0))
    scores = total.max(axis=0) + emission
path = [int((scores + shared[tags + 1]).argmax())]
for row in reversed(before):
    path.append(int(row[path[-1]]))
labels = symbols("labels.txt")
print(json.dumps([*zip(text, (labels[i] for i in reversed(path)))], ensure_ascii=False))
