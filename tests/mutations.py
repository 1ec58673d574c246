"""Damaged and hostile input, the same for the same seed: whatever it is, only documented errors may come out."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import nlpkit
from nlpkit.artefacts import weights
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.cli import main as command_line
from nlpkit.datasets.lexicon_files import read_lexicon
from nlpkit.datasets.vector_files import read_chosen_vectors, read_vectors
from nlpkit.errors import NlpkitError
from nlpkit.options import parse_flag, read_settings
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.predictor import parse_records
from nlpkit.prediction.programs import OnnxProgram
from nlpkit.prediction.stream import FileShare, predict_stream
from nlpkit.tasks import declarations, get_declaration, get_task
from nlpkit.tasks.extraction.decode import read_schema
from nlpkit.tasks.extraction.examples import read_aliases
from nlpkit.tasks.shared.characters import read_symbol_vectors
from nlpkit.tasks.similarity.examples import read_candidates, read_negatives
from nlpkit.tasks.tagging.examples import repair_labels
from nlpkit.tasks.tagging.task import Outputs
from nlpkit.tasks.tagging.user_dictionary import UserDictionary
from nlpkit.tasks.word2vec.corpus import read_corpus
from nlpkit.text import tag_schemes
from nlpkit.training.checkpoint import load_state, save_state

SAMPLES = Path(__file__).parents[1] / "data"
_VALUES = [
    None, True, 0, -1, 1, 2.5, 2**31, 2**70, 10**25, 1e308, float("nan"), float("inf"), "", "x" * 1000, "\ud800", [],
    {}, [[]], {"a": {}}, [1, 2], [1.5], "../../etc/passwd", "weights.bin", ["a"] * 50, "auto", "text", "词",
    {"text": 1}, {"tokens": ["a", ""]}, {"text": "好"}, [["a", "b"]],
]  # fmt: skip
_OBJECTS = [("一", "二"), ("a",) * 9, b"bytes", object()]
_WORDS = [
    "", "0", "-1", "1e999", "nan", "inf", "9" * 25, "9" * 5000, "1,2", "[1", "[[1]]", "true", "auto", "词", "\ud800",
    "=", "a=b", "epochs=-1", "width=1e9", "lexicon=jieba", "-", "--", "--help", "x" * 300, "1979-05-27", "{a=1}", "'",
    '"', "\0", "/",
]  # fmt: skip
_NEVER_READ = ("history.csv", "report.html")
_READ = {
    "tagging": ["words-test.txt", "entities-test.conll", "pos-test.conll"],
    "couplet": ["couplets-test.tsv"],
    "similarity": ["questions-test.tsv"],
    "title": ["articles-test.jsonl"],
    "extraction": ["triples-test.jsonl", "english-test.jsonl"],
}
_TEXTS = {
    "words": "北京 100\n大学\n天气\t3\n",
    "user words": "北京\n大学\n陈可\tPER\n",
    "pairs": "北京 上海 0.9\n天气 学校 0.1\n",
    "analogies": ": 国家\n北京 中国 东京 日本\n巴黎 法国 伦敦 英国\n",
    "plain text": "我们 在 北京\n今天 天气 好\n",
    "schema": '{"subject_type": "影视", "predicate": "导演", "object_type": "人物"}\n',
    "aliases": '{"names": ["北京", "北京市"]}\n["上海", "沪"]\n',
    "candidates": "今天天气怎么样\n怎么去公园\n",
    "negatives": "1\t今天天气怎么样\n2\t怎么去公园\n",
    "settings": 'epochs = 3\nencoder = "gru"\ndilations = [1, 2]\n',
}


class Mutations:
    """Cases by kind; each takes a random generator, and returns if nothing but a documented error came out.

    Args:
        models: trained folders, by any name, whose files are damaged.
        folder: an empty one, for damaged files.
    """

    def __init__(self, models: Mapping[str, Path], folder: Path):
        self._folder, self._models = folder, dict(models)
        self._file = folder / "file"
        self._contents = {
            (task, name): b"".join((SAMPLES / task / name).read_bytes().splitlines(keepends=True)[:12])
            for task, names in _READ.items()
            for name in names
        }
        self._others = self._readers()
        self._tagger = nlpkit.load(models["words"])
        self._onnx = _small_program()
        self.kinds: dict[str, Callable[[random.Random], Any]] = {
            "data files": self._data_file,
            "other files": self._other_file,
            "folders": self._folder_without_network,
            "weights": self._weights,
            "programs": self._program,
            "records": self._records,
            "tags": self._tags,
            "lines": self._lines,
            "options": self._options,
            "command lines": self._command_line,
        }

    def run(self, kind: str, seed: int) -> None:
        """One case; an `AssertionError` names what came out."""
        rng = random.Random(f"{kind} {seed}")
        try:
            with warnings.catch_warnings(), contextlib.suppress(NlpkitError):
                warnings.simplefilter("ignore")
                self.kinds[kind](rng)
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {error!r}") from error

    def _data_file(self, rng):
        task, name = rng.choice([*self._contents])
        path = self._folder / name
        path.write_bytes(mutated_bytes(self._contents[task, name], rng))
        declaration = get_declaration(task)
        get_task(task).read(path, declaration.reading.create(_options_among(declaration.reading, rng)))

    def _readers(self):
        vectors = b"3 2\n\xe5\x8c\x97 1.5 2\n\xe4\xb8\x8a 0 1\n\xe5\xa4\xa9 -1 3e-2\n"
        numbers = np.float32([1, 2]).tobytes()
        binary = b"2 2\n" + b"".join(word + b" " + numbers + b"\n" for word in ("北".encode(), b"b"))
        texts = {name: text.encode() for name, text in _TEXTS.items()}
        save_state(self._file, {"weights": [np.ones((2, 3), "float32")]}, {"step": 1})
        state = self._file.read_bytes()
        return [
            (vectors, ".txt", read_vectors),
            (gzip.compress(vectors, mtime=0), ".txt.gz", read_vectors),
            (binary, ".bin", read_vectors),
            (vectors, ".txt", lambda path: read_chosen_vectors(path, lambda symbol: "c" if len(symbol) == 1 else None)),
            (vectors, ".txt", read_symbol_vectors),
            (vectors, ".txt", get_task("word2vec").from_file),
            (texts["words"], "", lambda path: read_lexicon(path, {})),
            (gzip.compress(texts["words"], mtime=0), ".gz", lambda path: read_lexicon(path, {})),
            (texts["user words"], "", lambda path: UserDictionary.open(path, 5.0, ["B-PER", "I-PER", "O"])),
            (texts["pairs"], "", lambda path: get_task("word2vec").read(path, _CUT_AT_SPACES)),
            (texts["analogies"], "", lambda path: get_task("word2vec").read(path, _CUT_AT_SPACES)),
            (texts["plain text"], "", lambda path: read_corpus(path, "spaces")),
            (texts["schema"], "", lambda path: read_schema(path, ["导演"])),
            (texts["aliases"], "", read_aliases),
            (texts["candidates"], "", lambda path: read_candidates([path])),
            (texts["negatives"], "", lambda path: read_negatives([path], [])),
            (state, ".npz", load_state),
            (texts["settings"], ".toml", lambda path: get_declaration("tagging").settings.create(read_settings(path))),
        ]

    def _other_file(self, rng):
        content, ending, read = rng.choice(self._others)
        path = self._file.with_suffix(ending)
        path.write_bytes(mutated_bytes(content, rng))
        with mock.patch.dict(os.environ, {"NLPKIT_CACHE": str(self._folder / "cache")}):
            try:
                read(path)
            finally:
                shutil.rmtree(self._folder / "cache", ignore_errors=True)

    def _folder_without_network(self, rng):
        """All of a folder but the weights, which take longer."""
        folder = self._folder / "model"
        source = self._models[rng.choice([*self._models])]
        mutate_folder(source, folder, rng, but=["weights.bin"])
        with mock.patch.object(weights, "load_network", lambda build, path, files: types.SimpleNamespace(model=None)):
            load_artefact(Folder.open(folder))

    def _weights(self, rng):
        folder = self._folder / "model"
        source = self._models[rng.choice([*self._models])]
        mutate_folder(source, folder, rng, only="weights.bin")
        nlpkit.load(folder)

    def _program(self, rng):
        """A network as ONNX, read and computed."""
        with contextlib.suppress(ValueError):  # that it is none
            OnnxProgram(mutated_bytes(self._onnx, rng))({"ids": np.array([[1, 2, 3]])})

    def _records(self, rng):
        """What a user gives to `predict`, up to the network."""
        task = rng.choice([self._tagger])
        items = [
            rng.choice([*_VALUES, *_OBJECTS]) if rng.random() < 0.5 else _nasty_text(rng)
            for _ in range(rng.randrange(4))
        ]
        records, _ = parse_records(task, items)
        encoded, _ = task.encode(records, task.prepare(task.declaration.prediction()))
        tags, labels = np.full(len(encoded.inputs.flat.codes), -1, "int16"), len(task.parts["label_vocabulary"].symbols)
        for start, length in zip(encoded.inputs.flat.starts, encoded.inputs.flat.lengths):
            tags[start : start + length] = [rng.randrange(labels) for _ in range(length)]
        answers = task.answers(encoded, Outputs(tags, None))
        assert ["".join(word.text for word in answer) for answer in answers] == [record.text for record in records]

    def _tags(self, rng):
        """Sequences of tags that are illegal, or spell nothing."""
        scheme = rng.choice(["BIO", "BIOES", "BMES", "plain"])
        known = [f"{prefix}{kind}" for prefix in "BIMESOX" for kind in ("", "-PER", "-", "-a-b")]
        labels = [rng.choice(known) for _ in range(rng.randrange(8))]
        with contextlib.suppress(ValueError):  # that a prefix is none of the scheme's
            spans = tag_schemes.read_spans(repair_labels(labels, scheme, {*"BIMESO"}), scheme)
            assert all(0 <= a < b <= len(labels) for a, b, _ in spans)

    def _lines(self, rng):
        """Files that are predicted, of any bytes."""
        content = b"".join(_nasty_text(rng).encode("utf-8", "surrogatepass") + b"\n" for _ in range(5))
        self._file.write_bytes(mutated_bytes(content, rng))
        kind = rng.choice(["text", "jsonl"])
        shares = [FileShare(self._file, self._folder / "answers")]
        counts = predict_stream(_ECHO._replace(is_json=kind == "jsonl"), shares)
        written = (self._folder / "answers").read_bytes()
        assert written.count(b"\n") == counts.lines, (written, counts)

    def _options(self, rng):
        declaration = rng.choice(declarations())
        kind = rng.choice([declaration.settings, declaration.reading, declaration.prediction])
        options = kind.declared()
        if options and rng.random() < 0.5:
            parse_flag(rng.choice(options), rng.choice(_WORDS))
        kind.create({**_options_among(kind, rng), **({rng.choice(_WORDS): 1} if rng.random() < 0.1 else {})})

    def _command_line(self, rng):
        names = ["train", "evaluate", "predict", "check", "config", "convert", "demo", "index", "search", "clusters"]
        folders = [str(path) for path in self._models.values()]
        flags = [
            "--train", "--valid", "--out", "--input", "--output", "--set", "--preset", "--seed", "--format", "--data",
            "--json", "--threshold", "--temperature", "--on-error", "--config", "--force", "--query", "--width",
            "--user-dictionary",
        ]  # fmt: skip
        tasks = [each.name for each in declarations()]
        samples = [str(SAMPLES / task / name) for task, name in self._contents]
        arguments = [rng.choice(names), rng.choice([*tasks, *folders])]
        arguments += [rng.choice([*_WORDS, *flags, *flags, *flags, *samples]) for _ in range(rng.randrange(7))]
        if rng.random() < 0.1:
            rng.shuffle(arguments)
        quiet = io.StringIO()
        try:
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                command_line._parse(arguments)
        except SystemExit as stop:
            assert stop.code in (0, 2), stop


_CUT_AT_SPACES = get_declaration("word2vec").reading(cut="spaces")
_ECHO = Stages(
    encode=lambda items: (items, ()),
    run=lambda items: items,
    write=lambda items, _: "".join(json.dumps(item) + "\n" for item in items),
)


def _small_program():
    """An embedding and a layer, as ONNX."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    shapes = {"table": (5, 4), "kernel": (4, 3), "bias": (3,)}
    weights = [numpy_helper.from_array(rng.random(shape, "float32"), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["vectors"]),
        helper.make_node("MatMul", ["vectors", "kernel"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["scores"]),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "time", 3])
    opset = helper.make_opsetid("", 18)
    graph = helper.make_graph(nodes, "small", [ids], [scores], weights)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def _options_among(kind, rng):
    """Some options with values that they may not have."""
    options = kind.declared()
    chosen = rng.sample(options, min(len(options), rng.choice([0, 1, 1, 2])))
    return {each.name: rng.choice([*_VALUES, *each.choices, each.default]) for each in chosen}


def _nasty_text(rng):
    parts = [
        "",
        "好",
        "a",
        " ",
        "\u3000",
        "\0",
        "\u2028",
        "\x85",
        "\ufeff",
        "𠮷",
        "👨‍👩‍👧",
        "e\u0301",
        "\t",
        "１２",
        "{}",
        '{"text": "好"}',
        "[1]",
    ]
    return "".join(rng.choice(parts) for _ in range(rng.randrange(12)))


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, put in or repeated; or the end cut off."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 10])):
        place = rng.randrange(len(found) + 1)
        kind = rng.randrange(5)
        if kind == 0 and place < len(found):
            found[place] = rng.randrange(256)
        elif kind == 1:
            del found[place : place + rng.randrange(1, 20)]
        elif kind == 2:
            found[place:place] = bytes(rng.randrange(256) for _ in range(5))
        elif kind == 3:
            found[place:place] = found[place : place + 30]
        elif rng.random() < 0.2:
            del found[place:]
    return bytes(found)


def mutated_value(value: Any, rng: random.Random) -> Any:
    """One place of a JSON value set to something else, removed, or with something beside it."""
    places = [place for place in _places(value) if place]
    *way, last = rng.choice(places)
    holder = value
    for key in way:
        holder = holder[key]
    kind = rng.randrange(3)
    if kind == 0:
        holder[last] = rng.choice(_VALUES)
    elif kind == 1:
        del holder[last]
    elif isinstance(holder, dict):
        holder[rng.choice(["x", "settings", "files", "epochs"])] = rng.choice(_VALUES)
    return value


def _places(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value[:5]) if isinstance(value, list) else ()
    for key, each in items:
        yield from _places(each, (*place, key))


def mutate_folder(
    source: Path, target: Path, rng: random.Random, only: str | None = None, but: Sequence[str] = ()
) -> str:
    """A copy of a trained folder with one file mutated. Of a file that is listed with its hash the hash is that of the
    mutated one, as an attacker would have it.

    Args:
        source, target: the folder and its copy.
        rng: random generator.
        only: the file to mutate.
        but: files that stay as they are.

    Returns:
        The name of the file.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    files = [path for path in sorted(source.iterdir()) if path.is_file() and path.name not in _NEVER_READ]
    for each in files:
        os.link(each, target / each.name)  # a name for the same content, and much faster than a copy
    names = [only] if only else ["task.json", *(path.name for path in files if path.name not in but)]
    manifest, name = target / "task.json", rng.choice(names)
    if name == manifest.name and rng.random() < 0.7:
        value = mutated_value(json.loads(manifest.read_text("utf-8")), rng)
        _replace(manifest, json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace"))
        return name
    path = target / name
    _replace(path, mutated_bytes(path.read_bytes(), rng))
    content = json.loads(manifest.read_text("utf-8")) if path != manifest else {"files": ()}
    if name in content["files"]:
        content["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
        content["sizes"][name] = path.stat().st_size
        _replace(manifest, json.dumps(content, ensure_ascii=False).encode())
    return name


def _replace(path, content):
    path.unlink()
    path.write_bytes(content)
