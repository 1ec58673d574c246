"""Every option of word vectors and its default."""

from __future__ import annotations

from nlpkit.options import Options, option, options
from nlpkit.tasks.declaration import Command, Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings


@options
class Word2VecSettings(TrainingSettings):
    """Settings of word vectors, learnt from the neighbours of each word."""

    group = "word vectors"

    epochs: int = 5
    batch_size: int = option("number of words in a batch", default=2048, least=1)
    learning_rate: float = option(
        "learning rate of the first step, which falls linearly to a ten-thousandth", default=0.05, above=0
    )
    accumulate: int = option("not used by word vectors", default=1, choices=(1,))
    warmup_steps: int = option("not used by word vectors", default=0, choices=(0,))
    clip_norm: float = option("not used by word vectors", default=0.0, choices=(0.0,))
    layer_rates: str = option("not used by word vectors", default="", choices=("",))
    ema_momentum: float = 0.0
    save_every: int = 400

    architecture: str = option(
        "training objective: skipgram predicts the neighbours of a word, cbow the word from its neighbours",
        default="skipgram",
        choices=("skipgram", "cbow"),
    )
    loss: str = option(
        "loss that compares positives and negatives",
        default="negative_sampling",
        choices=("negative_sampling", "sampled_softmax"),
    )
    vector_size: int = option("size of the word vectors", default=100, least=1)
    window: int = option("largest distance of a neighbour, in words; nearer ones count more", default=5, least=1)
    num_negatives: int = option("number of negatives for each positive", default=5, least=1)
    block: int = option(
        "number of words in a block, and of the negatives that it shares, weighted to match num_negatives",
        default=16,
        least=1,
    )
    min_count: int = option("lowest count of a word in the vocabulary", default=5, least=1)
    max_vocabulary: int = option(
        "largest number of words in the vocabulary, the most frequent first; 0 means all", default=0, least=0
    )
    subwords: tuple[int, ...] = option(
        "lengths of the character n-grams that are parts of a word, such as [1, 2], so that unseen words have vectors",
        default=(),
        least=1,
    )
    feature_separator: str = option(
        "separator of a word and its features in the text, such as | in 苹果|n; features are parts of the word too",
        default="",
    )
    subsample: float = option(
        "share of the text above which words are subsampled; 0 turns subsampling off", default=1e-3, least=0
    )
    noise_power: float = option("exponent of the word counts in the distribution of negatives", default=0.75, least=0)
    autodiff: bool = option(
        "compute gradients by automatic differentiation and update whole tables; slow, for changes of the model",
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
    """Reading options of plain text."""

    checked = ("cut",)

    cut: str = option(
        "separation of words: spaces, jieba for running text, or auto to detect it", default="auto",
        choices=("auto", "spaces", "jieba"),
    )  # fmt: skip


@options
class Word2VecPrediction(PredictionOptions):
    """Prediction options of questions about words."""

    n_best: int = option("number of words in an answer", default=10, least=1)


@options
class ClusterOptions(Options):
    """Options of `nlpkit clusters`: words to cluster, and the threshold of a link."""

    words: int = option("number of the most frequent words to cluster", default=20_000, least=2)
    least: float = option("lowest cosine of two linked words", default=0.6, least=-1, below=1)


WORD2VEC = Declaration(
    name="word2vec",
    summary="word vectors by skip-gram or CBOW; nearest words, analogies, clusters",
    data="text, a paragraph on each line, with or without spaces between its words",
    settings=Word2VecSettings,
    reading=Word2VecReading,
    prediction=Word2VecPrediction,
    metadata=Metadata,
    metric=Metric("neighbours"),
    keeps_last=True,  # the held-out text is too small to choose by, and the vectors converge as the rate falls
    chunk=1 << 16,
    task="nlpkit.tasks.word2vec.task:WordVectors",
    check="nlpkit.tasks.word2vec.check:check",
    commands=(
        Command("clusters", "clusters of similar words", "nlpkit.tasks.word2vec.commands:clusters", ClusterOptions),
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
