"""The engine of workers, on this machine."""

import functools
import gzip
import os
import pickle
import signal
import threading
import time
from pathlib import Path

import pytest

import nlpkit
from nlpkit.errors import ConfigError, DataError, MissingPackageError
from nlpkit.prediction import journal, on_ray
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.jobs import check_engine
from nlpkit.prediction.journal import Journal
from nlpkit.prediction.stream import FileShare, predict_stream

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of Ray itself
LINES = [f"第{i}行。" + "字" * (i % 23) for i in range(600)]


def test_arguments_that_do_not_fit(monkeypatch):
    for engine, address, workers, message in (
        ("rya", None, None, "unknown engine 'rya', did you mean 'ray'"),
        ("local", "x:1", None, "address = 'x:1': is for the engine ray"),
        ("local", None, 2, "workers = 2: is for the engine ray"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_engine(engine, address, workers)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'ray is not installed; pip install "nlpkit\[ray\]"'):
        check_engine("ray", None, None)


def test_errors_come_through_a_pickle():
    for error in (DataError("is bad", "file", 3), MissingPackageError("ray", "ray"), ConfigError("x")):
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error) and type(again) is type(error) and vars(again) == vars(error)


def test_addresses():
    for address in ("nowhere", "x:y", "http://a:1"):
        with pytest.raises(ConfigError, match="must be HOST:PORT, or auto for the cluster of this machine"):
            on_ray._check_address(address)
    on_ray._check_address("auto")
    for address in ("127.0.0.1:9", "ray://127.0.0.1:9", "127.0.0.1:99999", "[::1]:9"):
        with pytest.raises(ConfigError, match="no cluster of Ray answers there"):
            on_ray._check_address(address)


def test_pieces_of_work(tmp_path):
    (tmp_path / "in").write_bytes(b"x" * 4100)
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"x"))

    def ranges(part):
        return [(piece["first"], piece["end"]) for piece in on_ray._pieces(3, part, 1000)]

    assert ranges(FileShare(tmp_path / "in", "-")) == [(0, 4), (4, 5)]
    assert ranges(FileShare(tmp_path / "in", "-", 1, 3)) == [(1, 3)]
    assert ranges(FileShare(tmp_path / "in.gz", "-", 2)) == [(2, -1)]
    (tmp_path / "in").write_bytes(b"")
    assert ranges(FileShare(tmp_path / "in", "-")) == []


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 * 2**20)
    yield
    ray.shutdown()


def _recipe(folder, seconds=0.0, problem=None):
    """A function that makes stages, which leave the number of their process; it is pickled by its content."""

    def stages():
        def encode(items):
            Path(folder, str(os.getpid())).touch()
            time.sleep(seconds)
            if problem is not None and any(problem in item for item in items):
                raise DataError("is broken", "file")
            return items, []

        return Stages(encode, lambda x: x, lambda items, _: "".join(f"{x}{x}\n" for x in items), chunk=200)

    return stages


def test_a_killed_worker_and_a_killed_run(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_EVERY", 0.0)
    (tmp_path / "pids").mkdir()
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    (tmp_path / "in.gz").write_bytes(gzip.compress("\n".join(LINES[:100]).encode()))
    recipe = _recipe(tmp_path / "pids", 0.02)
    killed = []

    def kill():
        while not killed:
            time.sleep(0.3)
            for path in (tmp_path / "pids").iterdir():
                os.kill(int(path.name), signal.SIGKILL)
                killed.append(path.name)
                break

    thread = threading.Thread(target=kill)
    thread.start()
    parts = [FileShare(tmp_path / name, tmp_path / f"out{name}") for name in ("in", "in.gz")]
    engine = on_ray.RayEngine(recipe, workers=1)
    counts = predict_stream(recipe(), parts, journal=Journal(tmp_path / "notes", {}), engine=engine)
    thread.join()
    expected = "".join(f"{line}{line}\n" for line in LINES)
    assert killed and counts.lines == 700 and (tmp_path / "outin").read_text("utf-8") == expected
    assert len([*(tmp_path / "pids").iterdir()]) > 1  # another process went on

    class Stop(Exception):
        pass

    def stopping(stages, parts):
        for count, each in enumerate(engine(stages, parts)):
            if count == 40:
                raise Stop
            yield each

    (tmp_path / "outin").unlink()
    with pytest.raises(Stop):
        predict_stream(recipe(), parts, journal=Journal(tmp_path / "notes", {}), engine=stopping)
    notes = Journal(tmp_path / "notes", {})
    assert notes.state.chunk > 30 and predict_stream(recipe(), parts, journal=notes) == counts  # by another engine
    assert (tmp_path / "outin").read_text("utf-8") == expected


def test_errors_of_workers(cluster, tmp_path):
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    engine = on_ray.RayEngine(_recipe(tmp_path, problem="第500行"), workers=1)
    with pytest.raises(DataError, match=r"^file: is broken"):
        predict_stream(_recipe(tmp_path)(), [FileShare(tmp_path / "in", tmp_path / "out")], engine=engine)
    assert not [*tmp_path.glob("out*")]
    with pytest.raises(ConfigError, match="standard input: workers of Ray read files; give one, or take the engine"):
        predict_stream(_recipe(tmp_path)(), [FileShare("-", tmp_path / "out")], engine=engine)
    with pytest.raises(ConfigError, match="workers = 0: must be at least 1"):
        on_ray.RayEngine(functools.partial(print), workers=0)


def test_a_model_on_ray(cluster, words_model, tmp_path):
    model = nlpkit.load(words_model)
    (tmp_path / "in.txt").write_bytes("\n".join(LINES).encode() + b"\n\xff\n")
    here = model.predict_file(tmp_path / "in.txt", tmp_path / "here.jsonl", confidence=True)
    there = model.predict_file(tmp_path / "in.txt", tmp_path / "there.jsonl", confidence=True, engine="ray", workers=1)
    assert here == there and here.failed == 1
    assert (tmp_path / "here.jsonl").read_bytes() == (tmp_path / "there.jsonl").read_bytes()
