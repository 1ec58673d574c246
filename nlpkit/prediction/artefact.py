"""The folder that training leaves and prediction needs: complete by itself, checked when it is opened.

================  =====================================================================
file              content
================  =====================================================================
``task.json``     format version, task, settings, package versions, seed, file hashes
``model.keras``   the network
``*.txt``         vocabularies and labels, readable
``metrics.json``  of the validation and test data
``history.csv``   a row an epoch
``report.html``   curves and sample predictions
``resume/``       state for ``--resume``; prediction does not need it
================  =====================================================================
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

from nlpkit.errors import ArtefactError
from nlpkit.tasks import TASKS, get_task
from nlpkit.training.checkpoint import write_atomically

FORMAT = 1
RESUME = "resume"
_FACTS = "task.json"
_MODEL = "model.keras"


def open_folder(folder: Path, resume: bool, force: bool) -> Path:
    """Make the output folder of a training run ready, without ever touching foreign files.

    Raises:
        ArtefactError: if the folder holds something that is not a run of nlpkit's; if it holds a run and neither
            `resume` nor `force` says what to do with it.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ArtefactError(f"{folder}: is a file; --out takes a folder")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _FACTS).exists() and not (folder / RESUME).is_dir():
            raise ArtefactError(f"{folder}: holds something else; choose another folder")
        if not resume and not force:
            raise ArtefactError(f"{folder}: holds a run already; go on with --resume or replace it with --force")
        if force and not resume:
            shutil.rmtree(folder)
    try:
        (folder / RESUME).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: can't be made: {error.strerror}") from None
    return folder


def is_complete(folder: Path) -> bool:
    """Whether training in this folder has ended."""
    return (folder / _FACTS).exists()


def save_artefact(folder: Path, task, facts: dict):
    """Write what prediction needs; `task.json` comes last, so that a folder that has it is complete."""
    from nlpkit.prediction.half_precision import save_model

    partial = folder / "partial.keras"
    save_model(task.model, partial)
    os.replace(partial, folder / _MODEL)
    task.save(folder)
    needed = [_MODEL, *task.files()]
    content = {
        "format": FORMAT,
        "task": task.name,
        "config": task.config.to_dict(),
        **task.facts(),
        **facts,
        "files": {name: _digest(folder / name) for name in needed},
    }
    write_atomically(folder / _FACTS, json.dumps(content, ensure_ascii=False, indent=1).encode())


def load_artefact(folder: Path):
    """The trained task of a folder.

    Raises:
        ArtefactError: if there is none, or it is damaged, foreign or of a newer format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ArtefactError(f"{folder}: no such folder; give one that nlpkit train wrote")
    if not (folder / _FACTS).is_file():
        if (folder / RESUME).is_dir():
            raise ArtefactError(f"{folder}: training has not ended here; finish it with nlpkit train … --resume")
        raise ArtefactError(f"{folder}: holds no {_FACTS}; give a folder that nlpkit train wrote")
    try:
        facts = json.loads((folder / _FACTS).read_text("utf-8"))
        version, name, files = facts["format"], facts["task"], facts["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{folder / _FACTS}: is damaged or foreign ({error})") from None
    if version != FORMAT:
        raise ArtefactError(
            f"{folder}: has format {version!r}, this nlpkit reads {FORMAT}; install the nlpkit it is of"
        )
    if name not in TASKS:
        raise ArtefactError(f"{folder}: is of the task {name!r}; this nlpkit knows {', '.join(TASKS)}")
    for file, digest in files.items():
        if not (folder / file).is_file():
            raise ArtefactError(f"{folder / file}: is missing; copy the whole folder anew or train again")
        if _digest(folder / file) != digest:
            raise ArtefactError(f"{folder / file}: is damaged or was changed; copy the folder anew or train again")

    import keras

    cls = get_task(name)
    task = cls.load(folder, cls.Config.create(facts["config"]), facts)
    try:
        task.attach(keras.saving.load_model(folder / _MODEL, compile=False))
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ArtefactError(f"{folder / _MODEL}: can't be loaded by keras {keras.__version__}: {reason}") from None
    return task


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
