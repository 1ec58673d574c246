"""A training step of word vectors as one compiled program, on each backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from nlpkit.ops.rows import add_to_rows, raw_table
from nlpkit.tasks.word2vec.torchscript import compile_chunks


def compile_step(model: Any, inputs: Sequence[str]) -> Callable[..., Any]:
    """A function that trains on all chunks of a step, one after the other.

    Args:
        model: `nlpkit.tasks.word2vec.model.Word2Vec`.
        inputs: names of the inputs of a step, the last of which all chunks share.

    Returns:
        A function of the step's dictionary that returns the loss of its first chunk before training on it, since the
        loss of all chunks would take time; on JAX a function of the model's state and the step, as its `train_step`.
    """
    backend = keras.backend.backend()
    return {"tensorflow": _on_tensorflow, "torch": _on_torch, "jax": _on_jax}[backend](model, inputs)


def _first_loss(model: Any, tables: Any, arrays: Sequence[Any], update_scale: Any) -> Any:
    return model.fast_changes(tables, *(x[0] for x in arrays), update_scale[0], 0.0)[1]()


def _on_tensorflow(model: Any, inputs: Sequence[str]) -> Callable[..., Any]:
    import tensorflow as tf

    tables = [raw_table(table.embeddings) for table in (model.vectors, model.contexts)]
    block, window = model.settings.block, model.settings.window
    shape = None, model.settings.batch_size // block
    signature = [tf.TensorSpec((*shape, width), "int32") for width in (block + 2 * window, block, block)]
    signature += [tf.TensorSpec((*shape, block)), tf.TensorSpec((1, None)), tf.TensorSpec(())]

    @tf.function(autograph=False, input_signature=signature)
    def run(*arguments: Any) -> Any:
        *arrays, update_scale, rate = arguments

        def chunk(i: Any) -> tuple[Any]:
            changes, _ = model.fast_changes(tables, *(x[i] for x in arrays), update_scale[0], rate)
            for table, change in zip(tables, changes):
                add_to_rows(table, *change)
            return (i + 1,)

        loss = _first_loss(model, tables, arrays, update_scale)
        tf.while_loop(lambda i: i < tf.shape(arrays[0])[0], chunk, (0,), parallel_iterations=1)
        return loss

    def step(data: dict[str, Any]) -> Any:
        return run(*(data[name] for name in inputs), tf.cast(model.optimizer.learning_rate, "float32"))

    return step


def _on_torch(model: Any, inputs: Sequence[str]) -> Callable[..., Any]:
    import torch

    tables = [raw_table(table.embeddings) for table in (model.vectors, model.contexts)]
    train: Callable[..., None] | None = None

    def step(data: dict[str, Any]) -> Any:
        nonlocal train
        # PyTorch indexes rows by 64-bit ids, and would convert others again and again.
        *arrays, update_scale = (data[name] for name in inputs)
        arrays = [x if x.is_floating_point() else x.long() for x in arrays]
        if train is None:
            train = compile_chunks(model.fast_changes, tables, [x[0] for x in arrays], update_scale[0])
        with torch.no_grad():
            loss = _first_loss(model, tables, arrays, update_scale)
        train(arrays, update_scale[0], float(model.optimizer.learning_rate))
        return loss

    return step


def _on_jax(model: Any, inputs: Sequence[str]) -> Callable[..., Any]:
    import jax

    tracker, optimizer = model._loss_tracker, model.optimizer

    def change(vectors: Any, contexts: Any, *rest: Any) -> list[Any]:
        tables = vectors, contexts
        return [add_to_rows(*x) for x in zip(tables, *zip(*model.fast_changes(tables, *rest)[0]))]

    contexts_first = model.trainable_variables[0] is model.contexts.embeddings
    # The tables are donated, so that they are changed in place.
    chunk = jax.jit(change, donate_argnums=(0, 1))
    first_loss = jax.jit(lambda *arguments: _first_loss(model, *arguments))

    def step(state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        tables, others, slots, totals = state
        tables = tables[::-1] if contexts_first else tables
        with keras.StatelessScope(state_mapping=zip(optimizer.variables, slots)) as scope:
            rate = jax.numpy.float32(optimizer.learning_rate)
            optimizer.iterations.assign_add(1)
        slots = [scope.get_current_value(variable) for variable in optimizer.variables]
        *arrays, scale = (np.asarray(data[0][name]) for name in inputs)
        update_scale = jax.numpy.asarray(scale)
        loss = first_loss(tables, [x[:1] for x in arrays], update_scale)
        for some in zip(*arrays):
            tables = chunk(*tables, *some, update_scale[0], rate)
        tables = tables[::-1] if contexts_first else tables
        totals = tracker.stateless_update_state(totals, loss)
        return {"loss": tracker.stateless_result(totals)}, (tables, others, slots, totals)

    return step
