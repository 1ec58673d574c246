"""The grouped search for the largest against sorting."""

import numpy as np
import pytest

from nlpkit.ops.top_k import top_k_of_many

from .backend import array, in_graph


@pytest.mark.parametrize(("size", "k"), [(5, 5), (600, 1), (600, 7), (1000, 40), (640, 640), (999, 100)])
def test_the_largest_by_sorting(size, k):
    x = np.random.default_rng(size + k).normal(size=(3, 2, size)).astype("float32")
    for values, indices in (top_k_of_many(x, k), in_graph(lambda x: top_k_of_many(x, k), x)):
        np.testing.assert_array_equal(array(values), -np.sort(-x, axis=-1)[..., :k])
        np.testing.assert_array_equal(np.take_along_axis(x, array(indices), axis=-1), array(values))


def test_equal_values_and_few_of_them_above_the_rest():
    x = np.zeros((1, 700), "float32")
    x[0, [3, 4, 5, 699]] = 1.0
    values, indices = top_k_of_many(x, 6)
    assert array(values)[0].tolist() == [1, 1, 1, 1, 0, 0]
    assert set(array(indices)[0, :4].tolist()) == {3, 4, 5, 699} and len(set(array(indices)[0].tolist())) == 6
