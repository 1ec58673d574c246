"""Beam search and sampling against plain Python; nearest rows against all cosines."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.decoding import beam_search, sample

from .backend import array, in_graph

END = 3
"""The last of four symbols, where there is an end."""


def random_table(steps, size, seed=0):
    """Log probabilities ``table[t, before, candidate]``; before the first step the symbol before is 0."""
    logits = np.random.default_rng(seed).normal(size=(steps, size, size), scale=1.5)
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))).astype("float32")


def table_step(table, with_symbols=False):
    """A step by a table, over the whole vocabulary or over candidates in another order; the state counts the steps."""
    size = table.shape[-1]
    order = ops.convert_to_tensor(order_of(size))
    table = ops.convert_to_tensor(table)

    def step(t, history, state):
        before = ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), 0)
        scores = ops.take(ops.take(table, t, axis=0), before, axis=0)
        state = [state[0] + 1] if state else []
        if not with_symbols:
            return scores, None, state
        return ops.take(scores, order, axis=2), ops.broadcast_to(order, ops.shape(scores)), state

    return step


def order_of(size):
    return np.random.default_rng(0).permutation(size).astype("int32")


class Rules:
    """The rules of one row, for sequences as a whole."""

    def __init__(self, steps, end_id=None, min_length=0, no_repeat=0, forbidden=(), required=()):
        self.end_id, self.min_length, self.n, self.forbidden = end_id, min_length, no_repeat, forbidden
        self.required = [*required, *[0] * steps][:steps]

    def keeps(self, ids):
        for i, symbol in enumerate(ids):
            if self.required[i]:
                if symbol != self.required[i]:
                    return False
                continue
            if symbol == self.end_id or symbol in self.forbidden:
                return False
            grams = [ids[j - self.n + 1 : j + 1] for j in range(self.n - 1, i + 1)] if self.n else []
            if grams and grams[-1] in grams[:-1]:
                return False
        return True

    def may_end(self, ids):
        return self.end_id is not None and len(ids) >= self.min_length and not self.required[len(ids)]


def total(table, symbols):
    return sum(float(table[t, symbols[t - 1] if t else 0, c]) for t, c in enumerate(symbols))


def enumerated(table, length, rules, penalty):
    """All sequences with their scores, best first."""
    found = {}
    for count in range(length + 1):
        for ids in itertools.product(range(table.shape[-1]), repeat=count):
            if not rules.keeps(ids):
                continue
            if count == length:
                found[ids] = total(table, ids) / max(count, 1) ** penalty
            elif rules.may_end(ids):
                found[ids] = total(table, (*ids, rules.end_id)) / (count + 1) ** penalty
    return sorted(((score, ids) for ids, score in found.items()), reverse=True)


def plain_beam_search(table, length, rules, penalty, width):
    alive, finished = [(0.0, ())], []
    for t in range(length):
        ended = [(total(table, (*ids, rules.end_id)), ids) for _, ids in alive if rules.may_end(ids)]
        finished += [(score / (t + 1) ** penalty, ids) for score, ids in ended]
        longer = [(*ids, symbol) for _, ids in alive for symbol in range(table.shape[-1])]
        alive = sorted(((total(table, ids), ids) for ids in longer if rules.keeps(ids)), reverse=True)[:width]
    finished += [(score / max(length, 1) ** penalty, ids) for score, ids in alive]
    return sorted(finished, reverse=True)[:width]


def assert_found(ids, scores, expected):
    """That the sequences of a row are the expected ones, best first, and zeros with -inf when these run out."""
    ids, scores = array(ids), array(scores)
    expected = expected[: len(scores)]
    np.testing.assert_allclose(scores[: len(expected)], [score for score, _ in expected], rtol=1e-4, atol=1e-5)
    assert (scores[len(expected) :] == -np.inf).all() and (ids[len(expected) :] == 0).all()
    for row, (_, path) in zip(ids, expected):
        assert row.tolist() == [*path, *[0] * (len(row) - len(path))]


def test_a_wide_beam_finds_the_best_of_all():
    for steps, size in ((1, 3), (2, 2), (4, 3)):
        table = np.random.default_rng(0).normal(size=(steps, size, size)).astype("float32")
        width = size**steps
        state = [ops.zeros((2, width, 1), dtype="int32")]
        ids, scores = beam_search(table_step(table), state, 2, steps, width)
        for row in range(2):
            assert_found(ids[row], scores[row], enumerated(table, steps, Rules(steps), 0))


CASES = {
    "end": {},
    "symbols": {"with_symbols": True},
    "lengths": {"lengths": [2, 0]},
    "min_length": {"min_length": 2, "lengths": [3, 1]},
    "forbidden": {"forbidden": [[2], [2]]},
    "forbidden with symbols": {"forbidden": [[2], [2]], "with_symbols": True},
    "forbidden of rows": {"forbidden": [[0, 1], [2]]},
    "forbidden of rows with symbols": {"forbidden": [[0, 1], [2]], "with_symbols": True},
    "required": {"required": [[0, 2, 0], [1, 0, 1]], "forbidden": [[2], [2]], "min_length": 2},
    "no_repeat": {"no_repeat": 1},
    "no_repeat with symbols": {"no_repeat": 1, "with_symbols": True, "required": [[0, 0, 2], [0, 0, 0]]},
    "no_repeat 2": {"no_repeat": 2, "steps": 4, "required": [[1, 2, 1, 2], [0, 0, 0, 0]]},
    "no_repeat 2 with symbols": {"no_repeat": 2, "steps": 4, "with_symbols": True},
    "no_repeat 3": {"no_repeat": 3, "steps": 6, "forbidden": [[2], [2]]},
    "exact lengths": {"end_id": None, "lengths": [3, 2], "no_repeat": 1},
}


def arguments_of(case):
    """A case as `beam_search` and `sample` take it, and as the rules of its two rows."""
    case = {"end_id": END, **case}
    with_symbols, steps, forbidden = (
        case.pop(k, v) for k, v in (("with_symbols", False), ("steps", 3), ("forbidden", []))
    )
    lengths, required = case.pop("lengths", None), case.pop("required", None)
    rules = [Rules(steps, forbidden=f, required=r, **case) for f, r in zip(forbidden or [(), ()], required or [(), ()])]
    if forbidden:
        case["forbidden"] = np.array([[i in row for i in range(4)] for row in forbidden])
        if forbidden[0] == forbidden[1]:
            case["forbidden"] = case["forbidden"][0]
    if required:
        case["required"] = np.array(required, "int32")
    if lengths:
        case["lengths"] = np.array(lengths, "int32")
    return with_symbols, steps, rules, lengths or [steps, steps], case


@pytest.mark.parametrize(("name", "penalty"), list(zip(CASES, itertools.cycle([0.0, 0.6, 1.0, -0.5]))))
@pytest.mark.parametrize("width", [90, 2])
def test_search_with_rules(name, penalty, width):
    with_symbols, steps, rules, lengths, arguments = arguments_of(CASES[name])
    table = random_table(steps, 4, seed=len(name))
    step = table_step(table, with_symbols)
    ids, scores = beam_search(step, [], 2, steps, width, length_penalty=penalty, **arguments)
    for row in range(2):
        expected = plain_beam_search(table, lengths[row], rules[row], penalty, width)
        if width > 64:
            assert expected == enumerated(table, lengths[row], rules[row], penalty)[:width]
        assert_found(ids[row], scores[row], expected)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, -0.5])
@pytest.mark.parametrize("width", [1, 3, 400])
def test_length_penalties(penalty, width):
    table, rules = random_table(5, 4, seed=7), Rules(5, END)
    ids, scores = beam_search(table_step(table), [], 1, 5, width, end_id=END, length_penalty=penalty)
    assert_found(ids[0], scores[0], plain_beam_search(table, 5, rules, penalty, width))
    if width == 400:
        assert_found(ids[0], scores[0], enumerated(table, 5, rules, penalty))


@pytest.mark.parametrize("size", [640, 700])
@pytest.mark.parametrize("with_symbols", [False, True])
def test_a_large_vocabulary(size, with_symbols):
    """Where the search is among the best candidates of each beam only."""
    table = random_table(3, size)
    table[..., 5] = -2.0  # so that the end is among the best
    step = table_step(table, with_symbols)
    even = np.arange(size) % 2 == 0
    rules = Rules(3, 5, no_repeat=1, forbidden=set(np.flatnonzero(even).tolist()))
    for width in (1, 3):
        ids, scores = beam_search(step, [], 1, 3, width, end_id=5, length_penalty=3.0, no_repeat=1, forbidden=even)
        assert_found(ids[0], scores[0], plain_beam_search(table, 3, rules, 3.0, width))
    # With fewer possible candidates than beams, and those at the end, beside what fills up the last group.
    few = (order_of(size) if with_symbols else np.arange(size))[:-2]
    ids, scores = beam_search(step, [], 1, 2, 20, forbidden=np.isin(np.arange(size), few))
    assert_found(ids[0], scores[0], plain_beam_search(table, 2, Rules(2, forbidden=set(few.tolist())), 0.0, 20))


@pytest.mark.parametrize(
    ("penalty", "first", "then", "path"),
    [
        # A mean that falls below that of the finished sequence at first, and comes above it later.
        (1.0, [0.33, 0.6], [0.999, 0.001], [1] * 8),
        # The longer, the worse: but one more symbol is better than none.
        (-0.5, [0.6, 0.37], [0.001, 0.999], [1]),
    ],
)
def test_the_search_does_not_end_too_early(penalty, first, then, path):
    table = np.full((8, 3, 3), -20.0, "float32")
    table[0, :, 1:], table[1:, :, 1:] = np.log(first), np.log(then)
    ids, scores = beam_search(table_step(table), [], 1, 8, 1, end_id=2, length_penalty=penalty)
    assert_found(ids[0], scores[0], plain_beam_search(table, 8, Rules(8, 2), penalty, 1))
    assert array(ids)[0, 0].tolist() == [*path, *[0] * (8 - len(path))]


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, -0.5])
def test_the_early_exit_and_batch_mates_change_nothing(penalty):
    table = random_table(8, 4, seed=3)
    table[..., END] += 1.0
    table = np.minimum(table, -0.01)
    step, arguments = table_step(table), {"end_id": END, "length_penalty": penalty}
    alone = [array(x) for x in beam_search(step, [], 1, 8, 3, **arguments)]
    # The second row cannot end, so that the first one goes on as well.
    forbidden = np.array([[False] * 4, [False, False, False, True]])
    together = [array(x) for x in beam_search(step, [], 2, 8, 3, forbidden=forbidden, **arguments)]
    for one, both in zip(alone, together):
        np.testing.assert_array_equal(one[0], both[0])
    assert_found(alone[0][0], alone[1][0], plain_beam_search(table, 8, Rules(8, END), penalty, 3))


@pytest.mark.parametrize("penalty", [0.0, 1.0, -0.5])
def test_the_search_ends_early(penalty):
    # The end is nearly sure at the first step. A step that comes after the search is over would give itself away.
    table = np.log(np.array([[[1e-9, 1e-9, 1e-9, 1.0]]] * 12, "float32")) + np.zeros((1, 4, 1), "float32")
    table[3:] += 1000
    _, scores = beam_search(table_step(table), [], 2, 12, 1, end_id=END, length_penalty=penalty)
    np.testing.assert_allclose(array(scores), 0.0, atol=1e-5)


def test_the_best_are_sorted_and_distinct():
    ids, scores = beam_search(
        table_step(random_table(6, 4)), [], 2, 6, 10, end_id=END, length_penalty=0.7, forbidden=np.arange(4) == 0
    )
    assert (np.diff(array(scores), axis=1) <= 0).all()
    assert all(len({tuple(path) for path in row.tolist()}) == 10 for row in array(ids))


def test_state_follows_its_sequence():
    # The state adds up the symbols; where it is not the sum of the history that it came with, the score says so.
    inner = table_step(random_table(4, 4, seed=2))

    def step(t, history, state):
        scores, symbols, _ = inner(t, history, [])
        sums = state["sums"] + ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), 0)[..., None]
        is_wrong = ops.cast(sums[..., 0] != ops.sum(history, axis=-1), "float32")
        return scores - 1000 * is_wrong[..., None], symbols, {"sums": sums}

    for search in (beam_search, sample):
        _, scores = search(step, {"sums": ops.zeros((2, 3, 1), dtype="int32")}, 2, 4, 3, end_id=END)
        assert (array(scores) > -100).all()


@pytest.mark.parametrize("end_id", [None, END])
def test_dead_ends_have_no_sequence(end_id):
    # After symbol 1 nothing is possible, and in the second row nothing at all.
    table = random_table(3, 4)
    table[1:, 1] = -np.inf
    forbidden = np.array([[False, False, True, False], [True] * 4])
    ids, scores = (array(x) for x in beam_search(table_step(table), [], 2, 3, 4, end_id=end_id, forbidden=forbidden))
    assert not np.isnan(scores).any() and (scores[1] == -np.inf).all() and (ids[1] == 0).all()
    assert np.isfinite(scores[0]).sum() == 4 and not (ids[0, :, :2] == 1).any()
    noise = np.linspace(0, 0.999, 24, dtype="float32").reshape(2, 4, 3)
    ids, scores = sample(table_step(table), [], 2, 3, 4, noise=noise, end_id=end_id, forbidden=forbidden)
    ids, scores = array(ids), array(scores)
    assert not np.isnan(scores).any() and (scores[1] == -np.inf).all() and (ids[1] == 0).all()
    assert (ids[scores == -np.inf] == 0).all()


def plain_sample(table, length, rules, noise, temperature, top_k, top_p):
    """One sequence by the inverse of the cumulative distribution, and the sum of its scores."""
    ids, score, size = (), 0.0, table.shape[-1]
    for t in range(length):
        own = np.array([total(table, (*ids, c)) - total(table, ids) for c in range(size)])
        possible = [rules.may_end(ids) if c == rules.end_id else rules.keeps((*ids, c)) for c in range(size)]
        if not any(possible):
            return (), -np.inf
        chance = np.where(possible, np.exp(own / temperature), 0.0)
        order = np.arange(size)
        if top_k or top_p < 1:
            order = np.argsort(-chance)[: top_k or size]
            before = np.cumsum(chance[order]) - chance[order]
            order = order[before < top_p * chance[order].sum()]
        sums = np.cumsum(chance[order])
        symbol = int(order[np.argmax(sums > noise[t] * sums[-1])])
        score += own[symbol]
        if symbol == rules.end_id:
            break
        ids = (*ids, symbol)
    return ids, score


@pytest.mark.parametrize(
    ("name", "temperature", "top_k", "top_p"),
    list(zip(CASES, itertools.cycle([1.0, 0.5, 2.0]), itertools.cycle([0, 2, 0, 3]), itertools.cycle([1.0, 0.7]))),
)
def test_sampling_with_rules(name, temperature, top_k, top_p):
    _, steps, rules, lengths, arguments = arguments_of({**CASES[name], "with_symbols": False})
    table = random_table(steps, 4, seed=len(name))
    noise = np.random.default_rng(0).random((2, 9, steps), "float32")
    cut = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    ids, scores = sample(table_step(table), [], 2, steps, 9, noise=noise, **cut, **arguments)
    for row, i in itertools.product(range(2), range(9)):
        path, score = plain_sample(table, lengths[row], rules[row], noise[row, i], **cut)
        assert_found(ids[row, i : i + 1], scores[row, i : i + 1], [(score, path)])


def test_sampling_among_symbols_and_without_batch_mates():
    table, noise = random_table(5, 4), np.random.default_rng(1).random((3, 4, 5), "float32")
    arguments = {"end_id": END, "no_repeat": 2}
    step = table_step(table, with_symbols=True)
    ids, scores = (array(x) for x in sample(step, [], 3, 5, 4, noise=noise, **arguments))
    for row in range(3):
        alone = [array(x) for x in sample(step, [], 1, 5, 4, noise=noise[row : row + 1], **arguments)]
        np.testing.assert_array_equal(alone[0][0], ids[row])
        np.testing.assert_array_equal(alone[1][0], scores[row])
    for path, score in zip(ids.reshape(-1, 5).tolist(), scores.ravel()):
        assert any(
            np.isclose(score, total(table, symbols), atol=1e-4)
            for symbols in (path, *((*path[:n], END) for n in range(5) if not any(path[n:])))
        )


@pytest.mark.parametrize(
    ("cut", "chance"),
    [
        ({}, [0.1, 0.5, 0.0, 0.3, 0.1]),
        ({"temperature": 0.5}, np.array([0.01, 0.25, 0.0, 0.09, 0.01]) / 0.36),
        ({"top_k": 2}, [0, 0.625, 0, 0.375, 0]),
        ({"top_k": 9}, [0.1, 0.5, 0.0, 0.3, 0.1]),
        ({"top_p": 0.75}, [0, 0.625, 0, 0.375, 0]),
        ({"top_p": 0.01}, [0, 1, 0, 0, 0]),
        ({"top_k": 2, "top_p": 0.6}, [0, 1, 0, 0, 0]),
    ],
)
def test_the_frequencies_of_samples(cut, chance):
    scores = np.full((1, 1, 5), -np.inf, "float32")
    scores[..., [0, 1, 3, 4]] = np.log([0.1, 0.5, 0.3, 0.1])
    step = table_step(scores + np.zeros((1, 5, 1), "float32"))
    noise = (np.arange(2000, dtype="float32").reshape(1, 2000, 1) + 0.5) / 2000
    ids, found = sample(step, [], 1, 1, 2000, noise=noise, **cut)
    np.testing.assert_allclose(np.bincount(array(ids).ravel(), minlength=5) / 2000, chance, atol=2e-3)
    np.testing.assert_allclose(array(found)[0], scores[0, 0, array(ids).ravel()], atol=1e-5)


@pytest.mark.parametrize("size", [3, 6001])
def test_the_ends_of_the_noise_stay_inside(size):
    scores = np.random.default_rng(size).normal(size=size).astype("float32")
    scores[[0, -1]] = -np.inf
    step = table_step(scores + np.zeros((1, size, 1), "float32"))
    noise = np.array([0.0, 0.9999999, 1.0], "float32").reshape(1, 3, 1)
    for cut in ({}, {"top_k": size - 1}, {"top_p": 0.9999999}):
        ids, found = (array(x) for x in sample(step, [], 1, 1, 3, noise=noise, **cut))
        assert np.isfinite(found).all() and ((ids > 0) & (ids < size - 1)).all()


def test_a_seed_draws_the_same_again():
    table = random_table(2, 4)
    one, two, other = (array(sample(table_step(table), [], 2, 2, 1000, seed=seed)[0]) for seed in (1, 1, 2))
    assert (one == two).all() and (one != other).any()
    np.testing.assert_allclose(np.bincount(one[..., 0].ravel()) / 2000, np.exp(table[0, 0]), atol=0.05)


@pytest.mark.parametrize("argument", [{"temperature": 0.0}, {"top_p": 0}, {"top_p": 1.5}])
def test_settings_out_of_range(argument):
    with pytest.raises(ValueError, match=f"{next(iter(argument))} must be above 0"):
        sample(table_step(random_table(2, 4)), [], 1, 2, 1, **argument)


@pytest.mark.parametrize("end_id", [None, END])
def test_inside_a_graph_with_unknown_sizes(end_id):
    table = random_table(5, 4)
    lengths, required = np.array([[5], [3]], "int32"), np.array([[0, 0, 0, 0, 0], [0, 2, 0, 0, 0]], "int32")
    arguments = {"end_id": end_id, "no_repeat": 2, "length_penalty": 0.5}

    def search(lengths, required, width):
        batch, steps = ops.shape(required)
        state = [ops.zeros((batch, width, 2), dtype="int32")]
        return beam_search(
            table_step(table), state, batch, steps, width, lengths=lengths[:, 0], required=required, **arguments
        )

    def draw(noise, required):
        batch, count = ops.shape(noise)[:2]
        return sample(table_step(table), [], batch, ops.shape(required)[1], count, noise=noise, required=required)

    expected = [array(x) for x in search(lengths, required, 3)]
    found = in_graph(lambda lengths, required: search(lengths, required, 3), lengths, required)
    if keras.backend.backend() == "tensorflow":
        # One program for all widths.
        dynamic = in_graph(
            lambda lengths, required, width: search(lengths, required, width[0, 0]),
            lengths, required, np.array([[3]], "int32"),
        )  # fmt: skip
        np.testing.assert_array_equal(array(dynamic[0]), expected[0])
        np.testing.assert_allclose(array(dynamic[1]), expected[1], rtol=1e-5)
    np.testing.assert_array_equal(array(found[0]), expected[0])
    np.testing.assert_allclose(array(found[1]), expected[1], rtol=1e-5)
    noise = np.random.default_rng(0).random((2, 4, 5), "float32")
    for eager, graph in zip(draw(noise, required), in_graph(draw, noise, required)):
        np.testing.assert_allclose(array(eager), array(graph), rtol=1e-5)
