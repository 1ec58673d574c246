"""The settings that tasks with an encoder of text share."""

import dataclasses

from nlpkit.training.config import TrainingConfig

ENCODERS = ("gated_conv", "gru", "lstm")


@dataclasses.dataclass(frozen=True)
class EncoderConfig(TrainingConfig):
    """What `nlpkit.layers.encode_text` is to build."""

    encoder: str = "gated_conv"
    """`gated_conv` (dilated, residual), `gru` or `lstm` (both two-way)."""
    width: int = 128
    """Channels of the encoder; of both directions together for `gru` and `lstm`."""
    dilations: tuple[int, ...] = (1, 2, 1, 2)
    """One gated convolution each."""
    layers: int = 1
    """Recurrent layers, for `gru` and `lstm`."""
    char_min_count: int = 2
    """Characters seen less often in training share one vector."""
    dropout: float = 0.3
    """Of the embeddings and of each layer's input."""

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("encoder", ENCODERS)
        for key in ("width", "layers", "char_min_count"):
            self.check(key, getattr(self, key) >= 1, "at least 1")
        self.check("width", self.width % 2 == 0, "even")
        self.check("dilations", self.dilations and min(self.dilations) >= 1, "one or more integers from 1")
        self.check("dropout", 0 <= self.dropout < 1, "from 0 to below 1")
