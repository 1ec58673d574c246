"""Faults that were found by reading the code, each as it was seen."""

import sys
import threading
import warnings

import numpy as np
import pytest

import nlpkit
from nlpkit.datasets import cut_windows
from nlpkit.errors import DataWarning
from nlpkit.options import Options, option, options, read_settings
from nlpkit.prediction.blocks import _short_turns
from nlpkit.prediction.jobs import Job
from nlpkit.tasks.similarity.index.table import SentenceList
from nlpkit.text.characters import FlatTexts


@options
class Settings(Options):
    vectors: str = option("file of vectors", default="")
    width: int = option("size of the vectors", default=8, least=1)


@pytest.mark.parametrize("window", [1, 2, 3, 12, 23, 24, 25, 47, 48])
def test_small_windows_end(window):
    text = "字" * 100
    windows = cut_windows(FlatTexts([text]), window)
    kept = np.concatenate([np.arange(a, b) for a, b in zip(windows.keep_from, windows.keep_to)])
    np.testing.assert_array_equal(kept, 1 + np.arange(len(text)))  # each character once, in order
    assert windows.lengths.max() <= window


def test_every_room_can_be_reached_by_its_name():
    assert nlpkit.optimizers.RowAdam and "optimizers" in dir(nlpkit)
    with pytest.raises(AttributeError, match="module 'nlpkit' has no attribute 'optimisers'"):
        nlpkit.optimisers  # noqa: B018


def test_settings_keep_what_is_no_other_value(tmp_path):
    assert read_settings(None, ["vectors=2024-01-01", "width=3"], Settings) == {"vectors": "2024-01-01", "width": 3}
    assert read_settings(None, ['vectors="a b"'], Settings) == {"vectors": "a b"}
    odd = Settings(vectors='a\x00\r\x1b\x7f\n"\\')
    (tmp_path / "settings.toml").write_text(odd.to_toml(), "utf-8", newline="")
    assert Settings.create(read_settings(tmp_path / "settings.toml")) == odd


def test_labelled_columns_can_be_read_as_lines(tmp_path):
    (tmp_path / "in.conll").write_text("今天\n", "utf-8")
    job = Job.plan(("text",), tmp_path / "in.conll", tmp_path / "out.txt", input_format="text")
    assert job.input_format == "text"


def test_a_sentence_of_an_index_may_hold_a_carriage_return(tmp_path):
    sentences = ["a\rb", "c\u2028d", ""]
    with open(tmp_path / "sentences.txt", "wb") as file:
        SentenceList(sentences).write(file)
    assert SentenceList.load(tmp_path / "sentences.txt").sentences == sentences


def test_overlapping_predictions_leave_the_switch_interval():
    before = sys.getswitchinterval()
    _short_turns.begin()
    other = threading.Thread(target=_short_turns.begin)
    other.start()
    other.join()
    _short_turns.end()
    assert sys.getswitchinterval() < before
    _short_turns.end()
    assert sys.getswitchinterval() == before


def test_a_warning_points_at_the_call():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        nlpkit.load("zh-words").predict(["今天", ""])
        nlpkit.load("zh-verse").predict(["龘"])
    assert {warning.filename for warning in caught if warning.category is DataWarning} == {__file__}
