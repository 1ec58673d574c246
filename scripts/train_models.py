"""Trains the models that come with nlpkit, `data/models/`, and writes their cards.

    python scripts/train_models.py NAME --data DATA [--out DIR]

DATA (or the variable NLPKIT_BENCH_DATA) holds `tagging/ud-gsd/`, `word2vec/`, `couplet/` and `title/`; only what may be
handed on in a model is read for training. DIR is `data/models` by default. `zh-vectors` needs `zh-words` to be there.
The figures of a card are of files that training does not see; nothing was chosen by them.
"""

import argparse
import gzip
import itertools
import json
import os
import random
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from dictionary_words import with_dictionary

import nlpkit
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.artefacts.saving import save_folder
from nlpkit.datasets import read_conll

GSD = {
    "name": "UD Chinese GSDSimp",
    "repository": "UniversalDependencies/UD_Chinese-GSDSimp",
    "licence": "CC BY-SA 4.0",
    "attribution": "Universal Dependencies, the authors of UD_Chinese-GSDSimp and UD_Chinese-GSD",
}
NEWS = {
    "name": "xin-wen-lian-bo, news broadcasts and their titles",
    "repository": "DuckBurnIncense/xin-wen-lian-bo",
    "licence": "MIT",
    "attribution": "DuckBurnIncense",
}
TEXTS = {
    "name": "running text of `word2vec/`: news, technical articles, modern prose, translated articles",
    "repository": "DuckBurnIncense/xin-wen-lian-bo, LCTT/TranslateProject, NiuTrans/Classical-Modern, freeCodeCamp",
    "licence": "MIT, Apache-2.0, CC BY-SA, CC BY",
    "attribution": "the contributors of these repositories",
}
VERSE = {
    "name": "chinese-poetry, regulated poems of Tang and Song",
    "repository": "chinese-poetry/chinese-poetry",
    "licence": "MIT",
    "attribution": "the contributors of chinese-poetry",
}
JIEBA = {
    "name": "the dictionary of jieba",
    "repository": "fxsjy/jieba",
    "licence": "MIT",
    "attribution": "Sun Junyi",
}


def zh_words(data, out):
    """A segmenter with parts of speech, of words as a dictionary has them. A first model learns from the treebank and
    labels plain text; the second one learns from both, and has so seen more words and pairs of characters."""
    treebank = data / "tagging" / "ud-gsd"
    settings = {"lexicon": "jieba", "batch_size": 16, "epochs": 8}
    with tempfile.TemporaryDirectory() as folder:
        train, valid, both = (Path(folder, f"{name}.conll") for name in ("train", "valid", "both"))
        sentences = [with_dictionary(each.tokens, each.labels) for each in read_conll(treebank / "train.conll")]
        random.Random(0).shuffle(sentences)
        held_out = len(sentences) // 20
        valid.write_text(conll(sentences[:held_out]), "utf-8")
        train.write_text(conll(sentences[held_out:]), "utf-8")
        first = nlpkit.train(
            "tagging", train, valid, out=Path(folder, "first"), settings={**settings, "onnx": "off"}, unit="character"
        )
        labelled = label(first, plain_sentences(data / "word2vec" / "corpus.txt.gz", SENTENCES))
        both.write_text(conll(sentences[held_out:] * 3 + labelled), "utf-8")
        settings |= {"batch_size": 64, "epochs": 4, "width": 96, "bigram_dim": 16, "max_bigrams": 50_000}
        model = nlpkit.train("tagging", both, valid, out=out, settings=settings, unit="character")
        test = Path(folder, "test.conll")
        rows = [with_dictionary(each.tokens, each.labels) for each in read_conll(treebank / "valid.conll")]
        test.write_text(conll(rows), "utf-8")
        found = [model.evaluate(path, unit="character") for path in (treebank / "valid.conll", test)]
    names = ("ud-gsd valid as it is", "ud-gsd valid, dictionary words joined")
    return {
        f"{name}, F1 of {what}": scores[key]
        for name, scores in zip(names, found)
        for what, key in (("words", "word_f1"), ("words with their part of speech", "f1"))
    }


SENTENCES = 60_000
"""Of plain text, that the first model of `zh_words` labels."""


def plain_sentences(path, count):
    """Sentences of plain text, one of a paragraph, most of whose characters are Chinese."""
    draw = random.Random(0)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        paragraphs = [line.strip() for line in file]
    draw.shuffle(paragraphs)
    found = []
    for paragraph in paragraphs:
        sentences = [each.strip() for each in re.findall(r"[^。！？；]+[。！？；]?[”」』]?", paragraph)]
        sentences = [
            each for each in sentences
            if 8 <= len(each) <= 90 and len(re.findall("[\u4e00-\u9fff]", each)) >= 0.7 * len(each)
        ]  # fmt: skip
        found += [draw.choice(sentences)] if sentences else []
        if len(found) == count:
            break
    return found


def label(model, sentences):
    """Sentences as a model labels them, and the dictionary parts them."""
    found = []
    for begin in range(0, len(sentences), 512):
        for answer in model.predict(sentences[begin : begin + 512]):
            tokens = [token for token in answer.tokens if token.text.strip()]
            found.append(with_dictionary([each.text for each in tokens], [each.label for each in tokens], parts=True))
    return found


def conll(sentences):
    """Words and labels as a file has them."""
    return "".join("".join(f"{word}\t{kind}\n" for word, kind in sentence) + "\n" for sentence in sentences)


def zh_vectors(data, out):
    """Vectors of the commonest words of plain text, cut by `zh-words`."""
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder, "cut.txt")
        segmenter = nlpkit.load("zh-words", nlpkit.Tagger)
        with gzip.open(data / "word2vec" / "corpus.txt.gz", "rt", encoding="utf-8") as lines, open(cut, "w") as target:
            while batch := [line.rstrip("\n") for line in itertools.islice(lines, 4096)]:
                for answer in segmenter.predict(batch):
                    target.write(" ".join(token.text for token in answer.tokens) + "\n")
        settings = {"epochs": 3, "max_vocabulary": 30_000, "vector_size": 80}
        model = nlpkit.train("word2vec", cut, out=out, settings=settings, cut="spaces")
    similar = model.evaluate(data / "word2vec" / "wordsim-240.txt")
    return {"wordsim-240, Spearman": similar["spearman"]}


def zh_verse(data, out):
    """Lower lines, learnt from the parallel lines of regulated poems."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder, "verse.tsv")
        with gzip.open(data / "couplet" / "train.tsv.gz", "rt", encoding="utf-8") as lines:
            pairs.write_text("".join(line for line in lines if line.rstrip("\n").endswith("\tverse")), "utf-8")
        model = nlpkit.train("couplet", pairs, out=out, settings={"epochs": 4})
    held_out = model.metrics["valid"]
    return {f"held-out verse, {name}": held_out[name] for name in ("perplexity", "top1")}


def zh_title(data, out):
    """Titles of news."""
    settings = {"epochs": 4, "dropout": 0.2, "ema_momentum": 0.995}
    folder = data / "title" / "news"
    model = nlpkit.train("title", folder / "train.jsonl.gz", out=out, settings=settings)
    seen = model.evaluate(folder / "valid.jsonl")
    return {"news valid, ROUGE-L": seen["rouge_l"], "news valid, ROUGE-L of the first sentence": seen["lead"]}


MODELS = {
    "zh-words": (
        zh_words,
        {
            "summary": "words and their universal parts of speech, of simplified Chinese",
            "licence": "CC BY-SA 4.0",
            "limits": "words are those of a dictionary (图书馆 is one, where the treebank has two), numbers and their "
            "measure words are two; slang and names that neither treebank nor dictionary has may be cut wrongly; not "
            "for traditional characters or classical texts",
            "example": "今天天气真好，我们去北京大学散步。",
        },
        (GSD, TEXTS, JIEBA),
        ("known-words.txt",),
    ),
    "zh-vectors": (
        zh_vectors,
        {
            "summary": "vectors of the 30,000 commonest words, 80 numbers each, for the words that zh-words finds",
            "licence": "CC BY-SA 4.0",
            "limits": "from 32 million characters of news, technical and literary text: words of other fields are "
            "rare; and what the texts associate, such as professions and sexes, the vectors do as well",
            "example": "苹果",
        },
        (TEXTS, GSD, JIEBA),
        ("contexts.onnx",),
    ),
    "zh-verse": (
        zh_verse,
        {
            "summary": "answers a line of verse with one that is parallel to it, as regulated poems have them",
            "licence": "MIT",
            "limits": "learnt from lines of five and seven characters of old poems: longer or modern lines are "
            "answered in the same style",
            "example": "白日依山尽",
        },
        (VERSE,),
        ("draw.onnx",),
    ),
    "zh-title": (
        zh_title,
        {
            "summary": "titles of news",
            "licence": "MIT",
            "limits": "learnt from the news of one broadcast: of other texts it writes titles in that style, and may "
            "take over names and numbers wrongly; read what it writes",
            "example": "记者从国家统计局获悉，今年前三季度，全国粮食生产形势较好，秋粮收获已过八成。各地抓紧抢收晚稻，"
            "同时做好冬小麦播种工作，农业部门派出技术人员到田间指导。",
        },
        (NEWS,),
        ("draw.onnx",),
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    train, card, sources, left_out = MODELS[args.name]
    with tempfile.TemporaryDirectory() as folder:
        trained = Path(folder, args.name)
        figures = train(args.data, trained)
        pack(trained, args.out / args.name, left_out)
    write_card(args.out / args.name / "card.toml", card, figures, sources)


def pack(trained, target, left_out):
    """The files of a trained folder that prediction and further training need, and its metrics.

    Programs that are left out would double the size, as would tables of contexts, which training alone reads: further
    training begins with zeros, as training does.
    """
    task = load_artefact(Folder.open(trained))
    for name in left_out:
        del task.runtime.onnx_files[name.removesuffix(".onnx")]
    for weight in task.network.model.weights:
        if weight.path.startswith("contexts/"):
            weight.assign(np.zeros(weight.shape, "float32"))
    manifest = Folder.open(trained).manifest
    more = {name: manifest[name] for name in ("seed", "train", "valid", "versions", "data", "seconds")}
    metrics = (trained / "metrics.json").read_bytes()
    save_folder(task, trained, more, force=True)
    (trained / "metrics.json").write_bytes(metrics)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    manifest = json.loads((trained / "task.json").read_text("utf-8"))
    manifest["others"] = ["metrics.json"]
    (target / "task.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
    for name in ("metrics.json", *manifest["files"]):
        shutil.copyfile(trained / name, target / name)


def write_card(path, card, figures, sources):
    """A card as `nlpkit.models` reads it; a JSON string is one of TOML."""
    tables = [("", card), ("[figures]", figures), *(("[[data]]", source) for source in sources)]
    lines = []
    for head, values in tables:
        lines += ["", head] if head else []
        lines += [f"{_quoted(key) if head == '[figures]' else key} = {_quoted(value)}" for key, value in values.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _quoted(value):
    return json.dumps(round(value, 4) if isinstance(value, float) else value, ensure_ascii=False)


if __name__ == "__main__":
    main()
