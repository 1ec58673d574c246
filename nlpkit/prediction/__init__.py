"""From records to answers: the `Predictor` and the runtime that computes; files to files, by chunks, with a journal."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.prediction.answers import Answer, AnswerOf, Mistake, Problem, bar, without_none
    from nlpkit.prediction.jobs import ENGINES, SHOWN_FORMATS, Job, check_engine, format_by_name, is_single
    from nlpkit.prediction.merging import merge
    from nlpkit.prediction.predictor import A, Predictor, PredictorDeclaration, answer_parsed, text_of
    from nlpkit.prediction.programs import Graph, OnnxProgram, Program, cores, side_by_side
    from nlpkit.prediction.rendering import StyledText, colour_of, render, rich_text
    from nlpkit.prediction.runtime import Runtime
    from nlpkit.prediction.stream import Counts

__all__ = [
    "PredictorDeclaration",
    "A",
    "Answer",
    "AnswerOf",
    "Counts",
    "ENGINES",
    "Graph",
    "Job",
    "Mistake",
    "OnnxProgram",
    "Predictor",
    "Problem",
    "Program",
    "RUNTIMES",
    "Runtime",
    "SHOWN_FORMATS",
    "StyledText",
    "answer_parsed",
    "bar",
    "check_engine",
    "colour_of",
    "cores",
    "format_by_name",
    "is_single",
    "merge",
    "render",
    "rich_text",
    "side_by_side",
    "text_of",
    "without_none",
]

RUNTIMES = ("auto", "onnx", "keras")
"""What may compute the answers of a model; ``auto`` is onnxruntime, if it is installed and the folder has ONNX files.
"""

__getattr__ = on_demand(__name__)
