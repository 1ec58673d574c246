"""The data behind the tables of docs/benchmarks/index.md: where they come from, and whether they are all there.

    python scripts/data.py                      # the files, their format and their public sources
    python scripts/data.py --check DIR          # which of them DIR lacks, or has of another length

DIR is what the other scripts take as `--data`. Most sets state no licence that allows to hand them out, so they are
fetched by you from the repositories that are named, and brought into the format that is named; a file may be gzipped.
"""

import argparse
import gzip
import sys
from pathlib import Path

CONLL, WORDS, PAIR = "character⇥tag, an empty line after each sentence", "words with spaces", "text⇥text"
TITLES, TRIPLES, TEXT = '{"text", "title"}', '{"text", "spo_list"}', "text, a paragraph a line"
# Folder: format, public sources, number of lines of each file.
SETS = {
    "couplet": ("upper⇥lower, and in train ⇥couplet or verse",
                "ZiJianZhao/Couplet-Machine, ziaoang/duilian, DendiHust/CoupletAI, chinese-poetry/chinese-poetry; "
                "test: one half of that of wb14123/couplet-dataset",
                {"train.tsv.gz": 352197, "valid.tsv": 2000, "test.tsv": 1992}),
    "extraction/duie": (TRIPLES, "yuanxiaosc/Entity-Relation-Extraction, JunnYu/GPLinker_pytorch, LawsonAbs/duie_py, "
                        "ToddLynn/gd_medical_ie: a sample of 9 % of DuIE",
                        {"train.jsonl.gz": 12934, "valid.jsonl": 1000, "test.jsonl": 1000}),
    "extraction/webnlg-star": (TRIPLES, "hy-struggle/PRGC",
                               {"train.jsonl": 5019, "valid.jsonl": 500, "test.jsonl": 703}),
    "similarity/legal-faq": ("group⇥sentence; in hard-negatives a sentence that is not of the group",
                             "apple55bc/AdvAttack (DIAC 2019)",
                             {"train.tsv": 14668, "train-hard-negatives.tsv": 16251, "valid.tsv": 1820,
                              "valid-hard-negatives.tsv": 2011}),
    "similarity/afqmc": (f"{PAIR}⇥label", "zejunwang1/CSTS", {"train.tsv": 23533, "valid.tsv": 3495}),
    "similarity/atec": (f"{PAIR}⇥label", "IceFlameWorm/NLP_Datasets", {"train.tsv": 30388, "valid.tsv": 12320}),
    "similarity/sts-b": (f"{PAIR}⇥score from 0 to 5", "zejunwang1/CSTS", {"train.tsv": 5191, "valid.tsv": 1452}),
    "tagging/cluener": (CONLL, "hemingkx/CLUENER2020", {"train.conll": 412512, "valid.conll": 51603}),
    "tagging/msra-ner": (CONLL, "SophonPlus/ChineseNlpCorpus", {"train.conll.gz": 2220536, "test.conll": 177231}),
    "tagging/resume-ner": (CONLL, "jiesutd/LatticeLSTM",
                           {"train.conll": 127920, "valid.conll": 14353, "test.conll": 15577}),
    "tagging/sxu-seg": (WORDS, "hankcs/multi-criteria-cws", {"train.txt": 17115, "test.txt": 3654}),
    "tagging/ud-gsd": ("word⇥part of speech, an empty line after each sentence",
                       "UniversalDependencies/UD_Chinese-GSDSimp", {"train.conll": 102605, "valid.conll": 13163}),
    "title/classical": (PAIR, "NiuTrans/Classical-Modern", {"train.tsv.gz": 165595, "valid.tsv": 1000}),
    "title/csl": (TITLES, "ydli-ai/CSL, CLUEbenchmark/CLGE",
                  {"train.jsonl": 1985, "valid.jsonl": 1000, "test.jsonl": 1000}),
    "title/news": (TITLES, "DuckBurnIncense/xin-wen-lian-bo", {"train.jsonl.gz": 14314, "valid.jsonl": 1000}),
    "title/tech": (TITLES, "LCTT/TranslateProject", {"train.jsonl.gz": 7157, "valid.jsonl": 400}),
    "word2vec": (f"{TEXT}; word word score; analogies of four words",
                 "texts of title/ and tagging/, freeCodeCamp; Leonard-Xu/CWE; Embedding/Chinese-Word-Vectors",
                 {"corpus.txt.gz": 737322, "wordsim-240.txt": 239, "ca8-semantic.txt": 7640}),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, metavar="DIR", help="or the variable NLPKIT_BENCH_DATA")
    args = parser.parse_args()
    if args.check is None:
        for folder, (form, sources, files) in SETS.items():
            print(f"{folder}/\n  {form}\n  from {sources}")
            for name, lines in files.items():
                print(f"  {name:<28} {lines:>9,} lines")
        return 0
    if not args.check.is_dir():
        print(f"data.py: error: {args.check}: no such folder", file=sys.stderr)
        return 2
    wrong = [problem for folder, (*_, files) in SETS.items() for problem in problems_of(args.check / folder, files)]
    print("\n".join(wrong) or "all there")
    return 1 if wrong else 0


def problems_of(folder, files):
    """What is wrong with the files of a folder, a line each."""
    for name, lines in files.items():
        path = folder / name
        if not path.is_file():
            others = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{name}.gz")
            hint = f"; {others.name} is there, call it {name} or change the script" if others.is_file() else ""
            yield f"{path}: is missing{hint}"
            continue
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            found = sum(block.count(b"\n") for block in iter(lambda file=file: file.read(1 << 20), b""))
        if found != lines:
            yield f"{path}: has {found:,} lines, the tables were made with {lines:,}"


if __name__ == "__main__":
    sys.exit(main())
