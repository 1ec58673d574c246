"""Training chunks on PyTorch as one compiled program, without Python between its many small steps."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from nlpkit.ops.rows import add_to_rows

_MOST = 4  # largest number of threads; with more, each one's part is too small


def compile_chunks(
    changes: Callable[..., Any], tables: Sequence[Any], chunk: Sequence[Any], update_scale: Any
) -> Callable[..., None]:
    """A program that trains on chunks one after the other, in place.

    On a CPU several threads share each chunk, since its products are too small to be split. Each computes the changes
    of its blocks; when all are done, one thread for each table applies them in the order of the blocks. So the result
    is reproducible.

    Args:
        changes: `nlpkit.tasks.word2vec.model.Word2Vec.fast_changes`.
        tables: tensors of both tables.
        chunk: tensors of a chunk, as an example.
        update_scale: tensor of the factors of the updates of each row, as an example.

    Returns:
        A function of the tensors of all chunks, the factors of updates and the learning rate.
    """
    import torch

    cores = torch.get_num_threads() if tables[0].device.type == "cpu" else 1
    parts = math.gcd(len(chunk[0]), 1 << min(cores, _MOST).bit_length() - 1)

    def flat(vectors: Any, contexts: Any, *rest: Any) -> tuple[Any, ...]:
        (first, second), _ = changes((vectors, contexts), *rest)
        return *first, *second

    def add(table: torch.Tensor, ids: list[torch.Tensor], values: list[torch.Tensor]) -> None:
        for i in range(len(ids)):
            add_to_rows(table, ids[i], values[i])

    def run(
        vectors: torch.Tensor, contexts: torch.Tensor, words: torch.Tensor, windows: torch.Tensor,
        negatives: torch.Tensor, negative_weights: torch.Tensor, update_scale: torch.Tensor, rate: torch.Tensor,
        parts: int,
    ) -> None:  # fmt: skip
        size = words.size(1) // parts
        for i in range(words.size(0)):
            waiting = [
                torch.jit.fork(
                    part, vectors, contexts, words[i, k : k + size], windows[i, k : k + size],
                    negatives[i, k : k + size], negative_weights[i, k : k + size], update_scale, rate,
                )
                for k in range(0, size * parts, size)
            ]  # fmt: skip
            done = [torch.jit.wait(each) for each in waiting]
            other = torch.jit.fork(add, vectors, [each[0] for each in done], [each[1] for each in done])
            add(contexts, [each[2] for each in done], [each[3] for each in done])
            torch.jit.wait(other)

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about intended constants
        example = [x[: len(x) // parts] for x in chunk]
        rate = torch.tensor(0.1, device=tables[0].device)
        part = torch.jit.trace(flat, (*tables, *example, update_scale, rate), check_trace=False)
        add = torch.jit.script(add)
        program: Any = torch.jit.script(run)

    def train(chunks: Sequence[Any], update_scale: Any, rate: float) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                program(*tables, *chunks, update_scale, torch.tensor(rate, device=tables[0].device), parts)
        finally:
            torch.set_num_threads(threads)

    return train
