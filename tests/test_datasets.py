"""Readers and batches, and the samples."""

import configparser
import fnmatch
import gzip
from pathlib import Path

import numpy as np
import pytest

from nlpkit.artefacts.run_folder import check_not_in_use
from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.files import check_name
from nlpkit.datasets.readers import read_conll, read_jsonl, read_words
from nlpkit.errors import ArtefactError, DataError


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_readers_know_their_lines(tmp_path):
    conll = write(tmp_path / "a.conll", "\n中\tB\n国\tE\n\n\n好\tS\n")
    assert [(r.tokens, r.labels, r.line) for r in read_conll(conll)] == [
        (["中", "国"], ["B", "E"], 2),
        (["好"], ["S"], 6),
    ]
    words = write(tmp_path / "a.txt", "\ufeff我 爱\r\n\n北京 \n")
    assert [(r.words, r.line) for r in read_words(words)] == [(["我", "爱"], 1), (["北京"], 3)]
    jsonl = write(tmp_path / "a.jsonl", '{"text": "x"}\n\n{"text": "y"}\n')
    assert [(r.fields["text"], r.line) for r in read_jsonl(jsonl, text=str)] == [("x", 1), ("y", 3)]


def test_every_sample_is_packed():
    top = Path(__file__).parent.parent
    config = configparser.ConfigParser()
    config.read(top / "setup.cfg", "utf-8")
    patterns = config["options.package_data"]["*"].split(", ")
    samples = [path.name for path in (top / "data").rglob("*") if path.is_file()]
    assert samples and not [name for name in samples if not any(fnmatch.fnmatch(name, each) for each in patterns)]


def test_gzip_is_read_as_plain(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("\ufeff我 爱\n".encode(), mtime=0))
    assert next(read_words(path)).words == ["我", "爱"]


@pytest.mark.parametrize(
    ("reader", "name", "content", "message"),
    [
        (read_words, "a.txt", b"ok\n\xff\xfe", r"a.txt, line 2: is not UTF-8 \(byte 0xff at column 1\)"),
        (read_words, "a.txt", b"", "a.txt: is empty"),
        (read_words, "a.txt.gz", b"plain", "a.txt.gz.*can't be read"),
        (read_words, "a.txt.gz", gzip.compress(b"x y\n" * 999, mtime=0)[:-20], "can't be read"),
        (read_conll, "a.conll", "中\tB\n国\n".encode(), r"line 2: 1 columns: '国'; expected 2"),
        (read_conll, "a.conll", "中\tB\n国\tx\tE\n".encode(), "line 2: 3 columns"),
        (read_jsonl, "a.jsonl", b'{"text": 1}\n', 'line 1: expected a str in the field "text". Received: int'),
        (read_jsonl, "a.jsonl", b"{\n", "line 1: is not JSON"),
        (read_jsonl, "a.jsonl", b"[1]\n", "line 1: expected a JSON object"),
        (read_jsonl, "a.jsonl", b"[" * 100_000 + b"\n", "line 1: is not JSON"),
    ],
)
def test_errors_name_file_and_line(tmp_path, reader, name, content, message):
    path = write(tmp_path / name, content)
    options = {"text": str} if reader is read_jsonl else {}
    with pytest.raises(DataError, match=message):
        list(reader(path, **options))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"nothing.txt: no such file"):
        list(read_words(tmp_path / "nothing.txt"))
    with pytest.raises(DataError, match="is a folder"):
        list(read_words(tmp_path))


LENGTHS = np.random.default_rng(0).integers(1, 60, 300)


def batches(**options):
    return BucketedBatches(LENGTHS, lambda rows, length, rng: (rows, length), 16, **{"seed": 3, **options})


def test_an_epoch_holds_every_example_once():
    found = list(batches().epoch(0))
    assert sorted(np.concatenate([rows for rows, _ in found])) == list(range(300))
    assert len(found) == len(batches())
    for rows, length in found:
        assert LENGTHS[rows].max() <= length
        assert len(rows) * length <= 1.5 * 16 * LENGTHS.mean() * 2


def test_order_depends_on_seed_and_epoch_alone_and_starts_anywhere():
    def order(batches, epoch, start=0):
        return [rows.tolist() for rows, _ in batches.epoch(epoch, start)]

    assert order(batches(), 1) == order(batches(), 1)
    assert order(batches(), 1)[3:] == order(batches(), 1, 3)
    assert order(batches(), 1) != order(batches(), 2)
    assert order(batches(), 1) != order(batches(seed=4), 1)


def test_examples_of_one_kind_share_batches():
    kinds = np.random.default_rng(1).integers(0, 3, 300)
    found = list(batches(kinds=kinds).epoch(0))
    assert sorted(np.concatenate([rows for rows, _ in found])) == list(range(300)) and len(found) == len(batches())
    mixed = sum(len({*kinds[rows]}) > 1 for rows, _ in found)
    assert mixed <= 2 * len({length for _, length in found}) < sum(len(rows) > 1 for rows, _ in batches().epoch(0))
    again = list(batches(kinds=kinds).epoch(1))
    assert {tuple(sorted(rows)) for rows, _ in found} != {tuple(sorted(rows)) for rows, _ in again}


def test_what_fits_no_bucket_is_an_error():
    with pytest.raises(ValueError, match="length 59 does not fit the longest bucket, 32"):
        batches(buckets=(16, 32))
    with pytest.raises(ValueError, match="no examples"):
        BucketedBatches([], None, 4, seed=0)


def test_random_numbers_belong_to_the_position():
    def drawn(start):
        made = BucketedBatches(LENGTHS, lambda rows, length, rng: rng.random(), 16, seed=3)
        return [list(made.epoch(epoch, start)) for epoch in range(2)]

    whole, rest = drawn(0), drawn(2)
    assert [epoch[2:] for epoch in whole] == rest
    assert len({number for epoch in whole for number in epoch}) == 2 * len(whole[0])


@pytest.mark.parametrize("name", ["f", "f.gz"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, name):
    from nlpkit.datasets.files import read_lines, write_atomically, written_atomically

    write_atomically(tmp_path / name, b"old\n")
    with pytest.raises(KeyboardInterrupt), written_atomically(tmp_path / name) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert list(read_lines(tmp_path / name)) == [(1, "old")]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(DataError, match="can't be written"):
        write_atomically(tmp_path / "no" / name, b"")


@pytest.mark.parametrize("name", ["a" * 300, "字" * 100, "a\0b", "a\ud800b"])
def test_what_can_be_no_name_is_told(name, tmp_path):
    with pytest.raises(DataError, match=r"File name too long|can't be the name of a file"):
        check_name(tmp_path / name)
    with pytest.raises(ArtefactError, match=r"File name too long|can't be the name of a file"):
        check_not_in_use(tmp_path / name)
    check_name(tmp_path / "a" / "b")
