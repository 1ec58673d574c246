"""Every option of the couplet model and its default."""

from __future__ import annotations

from collections.abc import Iterable

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import option, options
from nlpkit.tasks.declaration import Declaration, Demo, Metadata
from nlpkit.tasks.shared.encoder_settings import EncoderSettings
from nlpkit.tasks.shared.generation_options import GenerationOptions, PairReading
from nlpkit.training.metric import Metric

RULES = {
    "no_copy": "no character answers itself",
    "no_share": "no character of the upper line stands anywhere in the lower one",
    "repetition": "characters of the lower line are equal exactly where those of the upper line are",
    "punctuation": "a punctuation mark answers itself",
    "tone": "at the key positions level and oblique tones answer each other, and the lower line ends on a level one",
}
"""Rules by name. The equal length of both lines is no rule: other answers are impossible."""


def parse_rules(names: str | Iterable[str]) -> frozenset[str]:
    """A set of rules from names, or from one string with commas; ``none`` is the empty set.

    Raises:
        ConfigError: if a name is not that of a rule.
    """
    if isinstance(names, str):
        names = [] if names == "none" else [name.strip() for name in names.split(",")]
    chosen = frozenset(names)
    for name in sorted(chosen - RULES.keys()):
        raise ConfigError(unknown_name("rule", name, [*RULES, "none"]))
    return chosen


@options
class CoupletSettings(EncoderSettings):
    """Settings of a couplet model: an encoder of the upper line, and one of the lower line written so far."""

    group = "couplets"

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 3e-3
    dilations: tuple[int, ...] = (1, 1, 1, 1)
    dropout: float = 0.2

    lower_dilations: tuple[int, ...] = option(
        "dilations of the gated convolutions over the lower line written so far, one a layer; an empty list makes a "
        "plain tagger, which chooses each character independently",
        default=(1, 2),
        least=1,
    )
    lower_width: int = option(
        "channels of the convolutions over the lower line, which run once for each line of the beam",
        default=96,
        least=1,
    )
    hide: float = option(
        "share of the training pairs whose lower line is hidden from the model, so that it learns to do without",
        default=0.4,
        least=0,
        below=1,
    )
    max_length: int = option(
        "longest line used in training, in characters without punctuation marks", default=48, least=2
    )
    candidates: int = option("number of candidate characters at each position of the search", default=24, least=2)
    independent_weight: float = option(
        "weight in the search of a character's log probability given the upper line alone",
        default=0.5,
        least=0,
    )


@options
class CoupletPrediction(GenerationOptions):
    """Prediction options of couplets."""

    beam_width: int = 4
    rules: str | tuple[str, ...] = option(
        f"rules of the answers, separated by commas: {', '.join(RULES)}, or none",
        default="no_copy,no_share,repetition,punctuation",
        metavar="NAMES",
    )

    def validate(self) -> None:
        super().validate()
        parse_rules(self.rules)


COUPLET = Declaration(
    name="couplet",
    summary="lower lines to the upper lines of couplets, under the rules of the form",
    data="an upper line, a tab and a lower line on each line",
    settings=CoupletSettings,
    reading=PairReading,
    prediction=CoupletPrediction,
    metadata=Metadata,
    metric=Metric("top1"),
    batches_at_once=2,
    chunk=1 << 13,
    task="nlpkit.tasks.couplet.task:CoupletWriter",
    check="nlpkit.tasks.couplet.check:check",
    compared_under=({}, {"temperature": 1.0, "n_best": 2}),
    demos=(
        Demo(
            "Couplets", "couplets-train.tsv", "couplets-test.tsv",
            {"epochs": 12, "batch_size": 16, "warmup_steps": 20, "ema_momentum": 0.9, "char_min_count": 1},
            "upper-lines.txt",
        ),
    ),
)  # fmt: skip
