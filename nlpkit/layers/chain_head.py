"""Base of the tagging heads: transition weights, constraints and the packed output."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from nlpkit.ops import potentials
from nlpkit.ops.linear_chain import IMPOSSIBLE
from nlpkit.text.tag_schemes import allowed_transitions


class ChainHead(keras.layers.Layer):
    """Base of `CRF`, `MEMM` and `TagSoftmax`: emissions in, packed potentials out. See `CRF` for the arguments."""

    normalization = potentials.UNNORMALIZED
    """Normalisation of the scores that `adjust` returns, see `nlpkit.ops.potentials`."""

    def __init__(
        self,
        num_tags: int,
        allowed: Any = None,
        learning_rate_multiplier: float = 1.0,
        transitions_initializer: str | dict | keras.initializers.Initializer = "zeros",
        transitions_regularizer: str | dict | keras.regularizers.Regularizer | None = None,
        **kwargs: Any,
    ):
        # Sums over paths need float32, under mixed precision as well.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if not isinstance(num_tags, int) or num_tags < 1:
            raise ValueError(f"num_tags must be a positive integer. Received: num_tags={num_tags!r}")
        if learning_rate_multiplier <= 0:
            raise ValueError(
                f"learning_rate_multiplier must be positive. Received: {learning_rate_multiplier!r}; to freeze the "
                "transitions set trainable=False"
            )
        self.num_tags = num_tags
        self.allowed = None if allowed is None else np.asarray(allowed, bool)
        if self.allowed is not None and self.allowed.shape != (num_tags + 1, num_tags + 1):
            raise ValueError(
                f"allowed must be a boolean table of the shape (num_tags + 1, num_tags + 1) = "
                f"({num_tags + 1}, {num_tags + 1}), its last row and column standing for the start and the end. "
                f"Received: {self.allowed.shape}"
            )
        self.learning_rate_multiplier = float(learning_rate_multiplier)
        self.transitions_initializer = keras.initializers.get(transitions_initializer)
        self.transitions_regularizer = keras.regularizers.get(transitions_regularizer)
        self.supports_masking = True

    @classmethod
    def from_labels(cls, labels: Sequence[str], scheme: str | None = None, **kwargs: Any) -> Self:
        """A head for these labels that forbids the illegal transitions of their tag scheme.

        Args:
            labels: K strings in the order of their ids, such as ``["O", "B-PER", "I-PER"]``.
            scheme: string, a key of `nlpkit.text.tag_schemes.SCHEMES`; detected from the labels if None.
            **kwargs: the other arguments of the head.

        Returns:
            A layer of this class.

        Raises:
            ValueError: if the labels follow no known scheme.

        Example:

            >>> from nlpkit.layers import CRF
            >>> CRF.from_labels(["O", "B-PER", "I-PER"]).allowed[0].tolist()  # after O: O, B-PER, the end
            [True, True, False, True]
        """
        if isinstance(labels, str):
            raise ValueError(f"labels must be a list of strings, in the order of their ids. Received: {labels!r}")
        return cls(len(labels), allowed=allowed_transitions(labels, scheme), **kwargs)

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3 or input_shape[-1] != self.num_tags:
            raise ValueError(
                f"{self.__class__.__name__} takes emissions of the shape (batch, time, {self.num_tags}), one score "
                f"per tag; put keras.layers.Dense({self.num_tags}) before it. Received: {tuple(input_shape)}"
            )
        # One table for all scores: row K holds the start scores, column K the end scores, as in `allowed`.
        size = self.num_tags + 1
        self.transition_table = self.add_weight(
            name="transitions",
            shape=(size, size),
            initializer=self._initialize_scaled,
            regularizer=self.transitions_regularizer,
        )
        self.built = True

    def _initialize_scaled(self, shape: Sequence[int], dtype: Any = None) -> Any:
        return self.transitions_initializer(shape, dtype=dtype) / self.learning_rate_multiplier

    def chain_scores(self) -> tuple[Any, Any, Any]:
        """Transition, start and end scores; forbidden ones are `IMPOSSIBLE`. The layer must have been built.

        Returns:
            Transitions, float ``(K, K)``; start scores ``(K,)``; end scores ``(K,)``.
        """
        # Adam's step does not depend on the size of the gradient, so a weight with a factor λ moves λ times as fast.
        table = self.transition_table * self.learning_rate_multiplier  # (K + 1, K + 1)
        if self.allowed is not None:
            table = ops.where(self.allowed, table, IMPOSSIBLE)
        k = self.num_tags
        return table[:k, :k], table[k, :k], table[:k, k]

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None and (len(mask.shape) != 2 or _differ(mask.shape[1], inputs.shape[1])):
            raise ValueError(
                f"mask must have the shape (batch, time) of the emissions, {tuple(inputs.shape[:2])}. "
                f"Received: {tuple(mask.shape)}"
            )
        transitions, start, end = self.chain_scores()
        emissions = self.adjust(inputs, transitions, start, end, mask)
        return potentials.pack(emissions, transitions, start, end, mask, self.normalization)

    def adjust(self, emissions: Any, transitions: Any, start: Any, end: Any, mask: Any) -> Any:
        """Emissions ``(batch, time, K)`` that give, with the transitions, the path scores of this head."""
        return emissions

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None, as the output contains the mask."""

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, time, num_tags = input_shape
        return batch, None if time is None else time + num_tags + 2, num_tags + 1

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_tags": self.num_tags,
            "allowed": None if self.allowed is None else self.allowed.tolist(),
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "transitions_initializer": keras.initializers.serialize(self.transitions_initializer),
            "transitions_regularizer": keras.regularizers.serialize(self.transitions_regularizer),
        }


def _differ(size: int | None, other: int | None) -> bool:
    """Whether two sizes are known to differ; None is an unknown size."""
    return None not in (size, other) and size != other
