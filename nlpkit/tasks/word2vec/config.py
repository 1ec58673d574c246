"""Every option of word vectors and its default."""

from __future__ import annotations

from nlpkit.options import Options, option, options
from nlpkit.tasks.declaration import Command, Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings


@options
class Word2VecSettings(TrainingSettings):
    """Word vectors from the words around each word."""

    group = "word vectors"

    epochs: int = 5
    batch_size: int = option("words of a chunk, whose updates are computed together", default=2048, least=1)
    learning_rate: float = option(
        "learning rate of the first step; it falls linearly to a ten-thousandth", default=0.05, above=0
    )
    accumulate: int = option("not used by word vectors", default=1, choices=(1,))
    warmup_steps: int = option("not used by word vectors", default=0, choices=(0,))
    clip_norm: float = option("not used by word vectors", default=0.0, choices=(0.0,))
    layer_rates: str = option("not used by word vectors", default="", choices=("",))
    ema_momentum: float = 0.0
    save_every: int = 400

    architecture: str = option(
        "what predicts what: with skipgram each word predicts its neighbours, with cbow they predict it",
        default="skipgram",
        choices=("skipgram", "cbow"),
    )
    loss: str = option(
        "how positives and negatives are compared",
        default="negative_sampling",
        choices=("negative_sampling", "sampled_softmax"),
    )
    vector_size: int = option("numbers of a vector", default=100, least=1)
    window: int = option("farthest neighbour that is read; nearer ones count more", default=5, least=1)
    num_negatives: int = option("negatives for each positive", default=5, least=1)
    block: int = option(
        "words of a block; they share as many negatives, weighted as num_negatives draws would be", default=16, least=1
    )
    min_count: int = option("words seen less often are left out", default=5, least=1)
    max_vocabulary: int = option("number of the most frequent words that are kept; 0 means all", default=0, least=0)
    subwords: tuple[int, ...] = option(
        "lengths of n-grams of characters that are part of a word, such as [1, 2], so that unseen words have vectors",
        default=(),
        least=1,
    )
    feature_separator: str = option(
        "what stands between a word and its features in the text, such as | in 苹果|n; they are part of it too",
        default="",
    )
    subsample: float = option(
        "words more frequent than this share of the text are read less often; 0 reads all", default=1e-3, least=0
    )
    noise_power: float = option(
        "words are negatives in proportion to their counts to this power", default=0.75, least=0
    )
    autodiff: bool = option(
        "take the plain path: Keras derives the loss and updates whole tables; slow, for changes of the model",
        default=False,
    )

    def validate(self) -> None:
        super().validate()
        self.require("feature_separator", len(self.feature_separator.split()) <= 1, "without white space")
        self.require("batch_size", self.batch_size % self.block == 0, f"a multiple of block = {self.block}")
        self.require("batch_size", self.batch_size > self.block, f"more than one block of {self.block}")

    @property
    def smallest_batch(self) -> int:
        return 2 * self.block


@options
class Word2VecReading(ReadingOptions):
    """How text is read."""

    checked = ("cut",)

    cut: str = option(
        "how words are separated: spaces, jieba for running text, or auto to find out", default="auto",
        choices=("auto", "spaces", "jieba"),
    )  # fmt: skip


@options
class Word2VecPrediction(PredictionOptions):
    """How questions about words are answered."""

    n_best: int = option("words to answer with", default=10, least=1)


@options
class ClusterOptions(Options):
    """Which words `nlpkit clusters` looks at, and which of them it links."""

    words: int = option("how many of the most frequent words to look at", default=20_000, least=2)
    least: float = option("cosine below which words are not linked", default=0.6, least=-1, below=1)


WORD2VEC = Declaration(
    name="word2vec",
    summary="vectors of words by skip-gram or CBOW; nearest words, analogies, clusters",
    data="text, a paragraph on each line, with or without spaces between its words",
    settings=Word2VecSettings,
    reading=Word2VecReading,
    prediction=Word2VecPrediction,
    metadata=Metadata,
    metric=Metric("neighbours"),
    keeps_last=True,  # the held-out text is too small to choose by, and the vectors settle as the rate falls
    chunk=1 << 16,
    task="nlpkit.tasks.word2vec.task:WordVectors",
    check="nlpkit.tasks.word2vec.check:check",
    commands=(
        Command("clusters", "groups of words of one kind", "nlpkit.tasks.word2vec.commands:clusters", ClusterOptions),
    ),
    demos=(
        Demo(
            "Word vectors", "text.txt", None,
            {
                "architecture": "cbow", "epochs": 60, "vector_size": 48, "window": 10, "min_count": 3,
                "batch_size": 512, "subsample": 3e-4,
            },
            ("苹果", "飞机", "医生", "比赛", "上海", "冬天", "小麦"),
        ),
    ),
    exports={".txt": "text", ".vec": "text", ".bin": "binary", ".tsv": "TensorBoard's projector"},
    imports=(".txt", ".vec", ".bin"),
)  # fmt: skip
