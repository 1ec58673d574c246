"""The folder that training leaves and prediction needs: complete by itself, checked when it is opened.

================  =====================================================================
file              content
================  =====================================================================
``task.json``     format, task, settings, metadata, versions, seed, hashes, seconds
``weights.bin``   the weights for Keras that no ONNX file holds, and where the others are
``*.onnx``        what prediction computes of it, for onnxruntime
``*.txt``         vocabularies and labels, readable; ``.gz`` may follow
``NAME-*``        the files of another model that this one brings along
``metrics.json``  of the validation and test data
``history.csv``   a row an epoch
``report.html``   curves and sample predictions
``resume/``       state for ``--resume``, the names of all that the run writes beside
                  it, and the lock; prediction does not need it
================  =====================================================================

``task.json`` is written last: a folder that has it is complete, and it lists the files that prediction needs and what
else was written. Nothing is ever removed that is listed neither there nor in ``resume/``.
"""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.artefacts import load, versions
    from nlpkit.artefacts.backend import check_backend
    from nlpkit.artefacts.bundled import Card, Source, bundled_folder, card_of, models, names
    from nlpkit.artefacts.folder import Folder
    from nlpkit.artefacts.load import evaluate, in_use, load_artefact
    from nlpkit.artefacts.manifest import RESUME, read_object
    from nlpkit.artefacts.run_folder import check_folder, check_not_in_use, is_complete, locked, open_folder
    from nlpkit.artefacts.saving import save_artefact, save_folder
    from nlpkit.artefacts.weights import round_weights

__all__ = [
    "Card",
    "Folder",
    "RESUME",
    "Source",
    "bundled_folder",
    "card_of",
    "check_backend",
    "check_folder",
    "check_not_in_use",
    "evaluate",
    "in_use",
    "is_complete",
    "load",
    "load_artefact",
    "locked",
    "models",
    "names",
    "open_folder",
    "read_object",
    "round_weights",
    "save_artefact",
    "save_folder",
    "versions",
]

__getattr__ = on_demand(__name__)
