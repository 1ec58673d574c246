"""A trained model in use."""

from collections.abc import Iterable
from pathlib import Path

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.prediction.artefact import load_artefact
from nlpkit.prediction.stream import Stages, predict_stream
from nlpkit.training.progress import console


class Predictor:
    """What `nlpkit.load` gives: answers, answers from file to file, and metrics.

    Attributes:
        task: the task's own object, with its settings, vocabularies and `keras.Model`.
        metrics: of the validation and test data when it was trained, if it was trained in this process.
    """

    def __init__(self, task, metrics: dict | None = None):
        self.task = task
        self.metrics = metrics or {}

    def predict(self, texts: Iterable[str], **options) -> list:
        """Answers to texts, one each, in order. What an answer is and which options there are is the task's."""
        if isinstance(texts, str):
            raise TypeError("predict takes a list of texts. Received: a single string")
        texts = list(texts)
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"predict takes a list of strings. Received at index {i}: {text!r}")
        return self.task.predict(texts, **self._prepare(options))

    def predict_file(
        self,
        input: str | Path,
        output: str | Path,
        format: str | None = None,
        input_format: str | None = None,
        on_error: str = "skip",
        **options,
    ) -> tuple[int, int]:
        """Answer every line of a file, in order and in bounded memory.

        Args:
            input, output: paths, or ``-`` for standard input and output; the input may be gzipped.
            format: one of ``task.formats``, the first of them by default.
            input_format: ``text`` or ``jsonl``; by default as the input's name ends.
            on_error: ``skip`` or ``stop``, see `nlpkit.prediction.stream.predict_stream`.
            options: as in `predict`.

        Returns:
            Numbers of lines and of bad lines.
        """
        file_format = format or self.task.formats[0]
        if file_format not in self.task.formats:
            raise ConfigError(unknown_name("format", file_format, self.task.formats))
        if input_format is None:
            input_format = "jsonl" if str(input).removesuffix(".gz").endswith(".jsonl") else "text"
        prepared = self._prepare(options)
        stages = Stages(
            inspect=lambda texts: self.task.inspect(texts, **prepared),
            encode=lambda texts: self.task.encode(texts, **prepared),
            run=self.task.run,
            write=lambda encoded, found: self.task.write(encoded, found, file_format),
        )
        return predict_stream(stages, input, output, input_format, on_error)

    def evaluate(self, data: str | Path, **reading) -> dict:
        """Metrics over a labelled file; what was passed over or mended in it is told on standard error.

        `reading` are the task's options of reading data, as in `nlpkit.train`.
        """
        self.task.check_options("reading", reading)
        found = self.task.read(data, self.task.facts(), **{**self.task.reading, **reading})
        for note in found.notes:
            console().print(note, markup=False)
        return {**self.task.evaluate(found.examples), **found.counts}

    def _prepare(self, options):
        self.task.check_options("answering", options)
        return self.task.prepare(**options)


def load(folder: str | Path) -> Predictor:
    """Open the folder that `nlpkit.train` wrote; nothing else is needed.

    Raises:
        ArtefactError: if it is missing, damaged, foreign or of a newer format.
    """
    return Predictor(load_artefact(Path(folder)))
