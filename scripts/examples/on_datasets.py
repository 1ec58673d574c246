"""Answers beside each row of a data set of Hugging Face, in several processes.

python scripts/examples/on_datasets.py MODEL TEXT OUTPUT.jsonl
"""

import functools
import sys

import datasets

import nlpkit

load_once = functools.cache(nlpkit.load)  # in each process: one that was forked has no threads of its parent's model


def words_of(batch, model):
    return {"words": [answer.to_text() for answer in load_once(model).predict(batch["text"])]}


def main(model, text, output):
    rows = datasets.load_dataset("text", data_files=text, split="train")
    answered = rows.map(words_of, batched=True, num_proc=2, fn_kwargs={"model": model})
    answered.to_json(output, force_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
