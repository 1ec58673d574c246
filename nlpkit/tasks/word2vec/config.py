"""Every setting of word vectors and its default."""

import dataclasses

from nlpkit.training.config import TrainingConfig

ARCHITECTURES = ("skipgram", "cbow")
LOSSES = ("negative_sampling", "sampled_softmax")


@dataclasses.dataclass(frozen=True)
class Word2VecConfig(TrainingConfig):
    """Word vectors from the words around each word."""

    epochs: int = 5
    batch_size: int = 2048
    """Words whose updates are computed side by side, from the same vectors."""
    learning_rate: float = 0.05
    """The first; it falls linearly to nearly zero."""
    ema_momentum: float = 0.0
    save_every: int = 400
    architecture: str = "skipgram"
    """`skipgram` (each word foretells its neighbours) or `cbow` (they foretell it)."""
    loss: str = "negative_sampling"
    """Or `sampled_softmax`."""
    vector_size: int = 100
    window: int = 5
    """Farthest neighbour that is read; nearer ones count more."""
    num_negatives: int = 5
    """Wrong answers for each right one."""
    block: int = 16
    """Neighbouring words that share their wrong answers, as many as they are themselves."""
    min_count: int = 5
    """Words seen less often are left out."""
    max_vocabulary: int = 0
    """The most frequent words that are kept; 0 means all."""
    subwords: tuple[int, ...] = ()
    """Lengths of n-grams of characters that are part of a word, such as ``[1, 2]``; words never seen have vectors
    then."""
    feature_separator: str = ""
    """What stands between a word and its features in the text, such as ``|`` in ``苹果|n``; they are part of it too."""
    subsample: float = 1e-3
    """Words more frequent than this share of the text are read less often; 0 reads all."""
    noise_power: float = 0.75
    """Words are wrong answers by their counts to this power."""
    autodiff: bool = False
    """Take the plain path: Keras derives the loss, and updates all of the tables. Slow; for changes of the model."""

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("architecture", ARCHITECTURES)
        self.check_choice("loss", LOSSES)
        for key in ("vector_size", "window", "num_negatives", "block", "min_count"):
            self.check(key, getattr(self, key) >= 1, "at least 1")
        self.check("subwords", min(self.subwords, default=1) >= 1, "integers from 1, or empty")
        self.check("feature_separator", len(self.feature_separator.split()) <= 1, "without white space")
        self.check("batch_size", self.batch_size % self.block == 0, f"a multiple of block = {self.block}")
        self.check("batch_size", self.batch_size > self.block, f"more than one block of {self.block}")
        for key in ("max_vocabulary", "subsample", "noise_power"):
            self.check(key, getattr(self, key) >= 0, "0 or more")
