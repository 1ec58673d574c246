"""Every setting of the couplet model and its default."""

import dataclasses

from nlpkit.tasks.couplet.rules import parse_rules
from nlpkit.tasks.encoder_config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class CoupletConfig(EncoderConfig):
    """A writer of lower lines: an encoder of the upper line, and a reader of the lower line as far as it is written."""

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 3e-3
    dilations: tuple[int, ...] = (1, 1, 1, 1)
    dropout: float = 0.2
    lower_dilations: tuple[int, ...] = (1, 2)
    """Of the gated convolutions that read the lower line backwards from each character; none makes a plain tagger,
    which writes every character by itself."""
    lower_width: int = 96
    """Channels of these; the search runs them for each line of the beam."""
    hide: float = 0.4
    """Share of the training pairs whose lower line is not read, so that the model can do without it."""
    longest: int = 48
    """Longest line that is trained on, in characters without marks."""
    beam_width: int = 4
    candidates: int = 24
    """Characters for each position among which the search chooses."""
    alone: float = 0.5
    """Weight in the search of what is known of a character without reading the lower line."""
    rules: str = "no_copy,no_share,repetition,punctuation"
    """What answers keep, unless prediction is told otherwise."""

    def __post_init__(self):
        super().__post_init__()
        self.check("lower_dilations", min(self.lower_dilations, default=1) >= 1, "integers from 1, or empty")
        self.check("lower_width", self.lower_width >= 1, "at least 1")
        self.check("hide", 0 <= self.hide < 1, "from 0 to below 1")
        self.check("longest", self.longest >= 2, "at least 2")
        self.check("beam_width", self.beam_width >= 1, "at least 1")
        self.check("candidates", self.candidates >= 2, "at least 2")
        self.check("alone", self.alone >= 0, "0 or more")
        parse_rules(self.rules)
