"""What is wrong with a trained folder is told; nothing of it is trusted."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import struct

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ArtefactError


@contextlib.contextmanager
def manifest(folder):
    """The manifest, which is written again as it was changed."""
    facts = json.loads((folder / "task.json").read_text("utf-8"))
    yield facts
    (folder / "task.json").write_text(json.dumps(facts), "utf-8")


def changed(**more):
    def harm(folder):
        with manifest(folder) as facts:
            facts.update(more)

    return harm


def with_value(field, name, value):
    def harm(folder):
        with manifest(folder) as facts:
            facts[field][name] = value

    return harm


def listed(folder, name):
    """The hash of a changed file is made right, as an attacker would."""
    with manifest(folder) as facts:
        facts["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        facts["sizes"][name] = (folder / name).stat().st_size


def with_text(name, change):
    """A text file of the folder with other content."""

    def harm(folder):
        (folder / name).write_text(change((folder / name).read_text("utf-8")), "utf-8")
        listed(folder, name)

    return harm


def with_weights(change):
    """The file of weights with another content."""

    def harm(folder):
        path = folder / "weights.bin"
        path.write_bytes(change(path.read_bytes()))
        listed(folder, "weights.bin")

    return harm


def in_header(change):
    """The file of weights with another header; `change` gets the list of weights."""

    def change_content(content):
        begin = content.index(b"\n") + 9
        (size,) = struct.unpack_from("<Q", content, begin - 8)
        header = json.loads(content[begin : begin + size])
        change(header["weights"])
        text = json.dumps(header).encode()
        return content[: begin - 8] + struct.pack("<Q", len(text)) + text + content[begin + size :]

    return with_weights(change_content)


def first(**values):
    return in_header(lambda listed: listed[0].update(values))


def not_finite(content):
    return content[:-200] + b"\xff" * 200


def cut_short(folder):
    content = (folder / "weights.bin").read_bytes()
    (folder / "weights.bin").write_bytes(content[: len(content) // 2])


def other_name(folder):
    with manifest(folder) as facts:
        facts["settings"]["withd"] = facts["settings"].pop("width")


DEEP = json.loads("[" * 20 + "]" * 20)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_short, "weights.bin: is damaged or was changed"),
        (changed(version=99), "is of version 99 of the folder's format, this nlpkit reads 4"),
        (changed(format=1), "is of version 1 of the folder's format, this nlpkit reads 4; train it anew"),
        (changed(format="zip"), "task.json: is damaged or foreign .its format is 'zip'"),
        (changed(task="poetry"), "is of the task 'poetry'"),
        (changed(task=7), "task = 7: must be the name of a task"),
        (changed(files={}), "files = {}: must be SHA-256 by name of a file of this folder, one or more"),
        (changed(files=["weights.bin"]), "files = .'weights.bin'.: must be"),
        (with_value("files", "../outside", "0" * 64), "files = .*: must be SHA-256 by name of a file of this folder"),
        (with_value("files", "more.txt", "0" * 64), "files and sizes name different files"),
        (with_value("sizes", "vocab.txt", -1), "sizes = .*: must be numbers of bytes"),
        (with_value("sizes", "vocab.txt", 7), "vocab.txt: is damaged or was changed"),
        (changed(sub_models=7), "sub_models = 7: must be a list of names"),
        (changed(sub_models=["segmenter"]), "holds no segmenter-task.json"),
        (changed(more=DEEP), "it is more than 8 lists and objects deep"),
        (changed(seconds=float("inf")), "it holds Infinity"),
        (lambda folder: (folder / "task.json").write_text('{"x": 1e999}'), "it holds 1e999"),
        (lambda folder: (folder / "task.json").write_text("[" * 100_000), "task.json: is damaged or foreign"),
        (lambda folder: (folder / "task.json").write_bytes(bytes(20 << 20)), "it has more than 1,048,576 bytes"),
        (lambda folder: (folder / "task.json").write_text("{"), "task.json: is damaged or foreign"),
        (lambda folder: (folder / "task.json").write_text("[]"), "task.json: is damaged or foreign .it is no object"),
        (lambda folder: [p.unlink() for p in folder.glob("*.*")], "training has not ended here"),
        (shutil.rmtree, "no such folder"),
        (lambda folder: (folder / "vocab.txt").unlink(), "vocab.txt: is missing"),
        (lambda folder: (folder / "known-words.txt").write_bytes(b"\xe4"), "known-words.txt: is damaged"),
        (other_name, "task.json: is damaged or of another version: unknown setting 'withd'"),
        (with_value("settings", "width", 10**25), "width = 1.000e.25: must be at most 2,147,483,647"),
        # Nothing of that size may be allocated before it is seen to be wrong.
        (with_value("settings", "width", 1 << 30), "weights of this model: weight . has the shape"),
        (with_value("metadata", "scheme", "BIOX"), "task.json: .*: unknown scheme 'BIOX', did you mean"),
        (with_value("metadata", "splits", "digits"), "splits = 'digits': expected a list of strings"),
        (with_text("vocab.txt", lambda text: text + text[:2]), "vocabulary holds .* more than once"),
        (with_text("vocab.txt", lambda text: text + "字字\n"), "is damaged or of another version"),
        (with_text("vocab.txt", lambda text: text + "龘\n"), "weights.bin: does not hold the weights of this model"),
        (with_weights(lambda content: b"x" + content), "it is of another format"),
        (with_weights(lambda content: content[:20]), "it is of another format"),
        (with_weights(lambda content: content[:17] + bytes([255] * 8) + content[25:]), "its header has 18,446,"),
        (with_weights(lambda content: content[:-9]), "a weight ends behind the end of its file"),
        (with_weights(not_finite), "holds numbers that are not finite"),
        (in_header(lambda listed: listed.pop()), "it has .* weights, where .* are expected"),
        (first(shape=[2, 2]), r"weight 0 has the shape \(2, 2\), where"),
        (first(dtype="object"), "dtype 'object'"),
        (first(axes=[0, 0]), r"axes \[0, 0\]"),
        (first(offset=-1), "offset -1"),
        (first(offset=1 << 70), "a weight ends behind the end of its file"),
        (first(file="../task.json"), "it needs '../task.json', which the folder does not list"),
        (in_header(lambda listed: listed[0].pop("file")), "it has no 'file'"),
    ],
)
def test_what_is_wrong_is_told(words_model, tmp_path, harm, message):
    folder = tmp_path / "model"
    shutil.copytree(words_model, folder)
    harm(folder)
    with pytest.raises(ArtefactError, match=message) as caught:
        nlpkit.load(folder)
    assert str(folder) in str(caught.value)


def test_files_that_are_not_listed_are_not_read(words_model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(words_model, folder)
    (folder / "tokens.txt").write_bytes(b"\xff")  # such a file would have this name
    (folder / "notes.txt").write_bytes(b"\xff")
    (folder / "metrics.json").unlink()
    os.mkfifo(folder / "metrics.json")  # nobody ever writes to it
    assert nlpkit.load(folder).predict(["好"])


def test_links_in_a_folder_lead_nowhere(tmp_path):
    from nlpkit.artefacts.run_folder import check_not_in_use, locked

    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "run" / "resume").mkdir(parents=True)
    lock = tmp_path / "run" / "resume" / "lock"
    for make in (lock.symlink_to, lock.hardlink_to):
        make(precious)
        check_not_in_use(tmp_path / "run")
        with locked(tmp_path / "run"):
            pass
        assert precious.read_text() == "mine" and lock.read_text().startswith("process")
        lock.unlink()
    os.mkfifo(lock)
    check_not_in_use(tmp_path / "run")


def test_a_folder_that_was_taken_away_is_found(words_model, tmp_path):
    replaced = tmp_path / ".model.partial" / "resume" / "replaced"
    shutil.copytree(words_model, replaced)
    with pytest.raises(ArtefactError, match=r"a command was killed .* or move .*\.model\.partial/resume/replaced back"):
        nlpkit.load(tmp_path / "model")


def test_an_index_fits_its_model(similarity_model, tmp_path):
    from nlpkit.artefacts.saving import save_folder

    indexed = nlpkit.load(similarity_model).with_index(["今天天气怎么样", "怎么去公园"])
    save_folder(indexed, tmp_path / "index", {}, force=False)
    for name, content in (
        ("sentences.txt", "今天天气怎么样\n".encode()),
        ("vectors.npy", _npy(np.zeros((2, 3), "float32"))),
        ("vectors.npy", _npy(np.zeros(2, "float32"))),
        ("vectors.npy", _npy(np.full((2, 16), np.nan, "float32"))),
        ("vectors.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"\n" * 40),
    ):
        folder = tmp_path / "harmed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "index", folder)
        (folder / name).write_bytes(content)
        listed(folder, name)
        with pytest.raises(ArtefactError, match="is damaged or of another version"):
            nlpkit.load(folder)


def _npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
