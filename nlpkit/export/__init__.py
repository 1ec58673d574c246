"""Trained models for other programs: ONNX files, packages with an example, files of word vectors."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.export import convert
    from nlpkit.export.onnx_programs import check_packages, export_programs, missing_package
    from nlpkit.export.packages import FORMATS, export_model

__all__ = [
    "FORMATS",
    "check_packages",
    "convert",
    "export_model",
    "export_programs",
    "missing_package",
]

__getattr__ = on_demand(__name__)
