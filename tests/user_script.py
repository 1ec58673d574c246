"""What a user writes: all six tasks, under a strict type checker. `tests/test_api.py` checks it and runs it."""

import sys
from pathlib import Path

import numpy as np

import nlpkit


def main(folder: Path) -> None:
    segmenter = nlpkit.load(folder / "words", nlpkit.Tagger)
    for text, answer in zip(texts := ["今天天气真好。", "我们去公园。"], segmenter.predict(texts, confidence=True)):
        if isinstance(answer, nlpkit.Segmentation):
            print(text, [(word.text, word.start, word.probability) for word in answer.words])

    tagger = nlpkit.load(folder / "entities", nlpkit.Tagger)
    entities = tagger.predict("高小帆在北京工作。")
    if isinstance(entities, nlpkit.Entities):
        print([f"{entity.text}/{entity.label}" for entity in entities])

    writer = nlpkit.load(folder / "couplets", nlpkit.CoupletWriter)
    couplet = writer.predict("春风吹绿柳", n_best=2)
    print(couplet.upper, couplet.lower, [line.score for line in couplet])

    titles = nlpkit.load(folder / "titles", nlpkit.TitleWriter)
    print(titles.predict({"text": "今天上午，市图书馆的新馆正式开放。"}).title.upper())

    sentences = nlpkit.load(folder / "similarity", nlpkit.SentenceVectors)
    score: float = sentences.similarity("怎么退货", "如何办理退货")
    vectors: np.ndarray = sentences.encode_texts(["怎么退货"])
    print(score, vectors.shape, sentences.predict(("怎么退货", "如何退货")).to_dict())

    extractor = nlpkit.load(folder / "triples", nlpkit.Extractor)
    for triple in extractor.predict("《红楼梦》的作者是曹雪芹。"):
        print(triple.subject, triple.predicate, triple.object, triple.probability)

    words = nlpkit.load(folder / "words2vec", nlpkit.WordVectors)
    known = words.vocabulary.symbols[:3]
    nearest: list[tuple[str, float]] = words.most_similar(positive=known[1:], negative=known[:1], topn=3)
    print(nearest, words[known[0]].shape, len(words), words.doesnt_match(known), known[0] in words)
    print(repr(segmenter), segmenter.metrics["valid"]["f1"], sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
