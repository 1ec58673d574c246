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

from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.tasks import TASKS, get_task
from nlpkit.training.checkpoint import write_atomically

FORMAT = 1
RESUME = "resume"
_FACTS = "task.json"
_MODEL = "model.keras"
_PARTIAL = "partial.keras"
_MARKER = "nlpkit-run"  # in the folder for resuming: says that the run is nlpkit's


def check_folder(folder: Path, task, resume: bool, force: bool):
    """See whether a training run may write to a folder; nothing is changed yet.

    Raises:
        ArtefactError: if the folder holds something that nlpkit did not write; if it holds a run and neither `resume`
            nor `force` says what to do with it.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ArtefactError(f"{folder}: is a file; --out takes a folder")
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    foreign = sorted(found - _own(task))
    is_run = (folder / RESUME / _MARKER).exists() or is_complete(folder)
    if foreign or (found and not is_run):
        names = ", ".join((foreign or sorted(found))[:3])
        raise ArtefactError(f"{folder}: holds something else ({names}); choose another folder")
    if found and not resume and not force:
        raise ArtefactError(f"{folder}: holds a run already; go on with --resume or replace it with --force")


def open_folder(folder: Path, task, keep: bool):
    """Make the folder of a training run, and unless `keep` is set remove the run that is in it."""
    try:
        if not keep and folder.exists():
            shutil.rmtree(folder / RESUME, ignore_errors=True)
            for name in _own(task):
                (folder / name).unlink(missing_ok=True)
        (folder / RESUME).mkdir(parents=True, exist_ok=True)
        (folder / RESUME / _MARKER).touch()
    except OSError as error:
        raise ArtefactError(f"{folder}: can't be written: {error.strerror}") from None


def _own(task):
    """Names that training writes."""
    return {_FACTS, _MODEL, _PARTIAL, RESUME, "metrics.json", "history.csv", "report.html", *task.own_files}


def is_complete(folder: Path) -> bool:
    """Whether training in this folder has ended."""
    return (folder / _FACTS).exists()


def saved_facts(folder: Path) -> dict:
    """The content of `task.json`; an `ArtefactError` if it is damaged or foreign."""
    path = folder / _FACTS
    try:
        facts = json.loads(path.read_text("utf-8"))
        version = facts["format"]
        if version == FORMAT:
            dict(facts["files"]), dict(facts["config"]), facts["task"] + ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{path}: is damaged or foreign ({error})") from None
    if version != FORMAT:
        raise ArtefactError(f"{folder}: has format {version!r}, this nlpkit reads {FORMAT}; install the one it is of")
    return facts


def save_artefact(folder: Path, task, facts: dict):
    """Write what prediction needs; `task.json` comes last, so that a folder that has it is complete."""
    from nlpkit.prediction.half_precision import save_model

    partial = folder / _PARTIAL
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
    facts = saved_facts(folder)
    name, files = facts["task"], facts["files"]
    if name not in TASKS:
        raise ArtefactError(f"{folder}: is of the task {name!r}; this nlpkit knows {', '.join(TASKS)}")
    for file, digest in files.items():
        if not (folder / file).is_file():
            raise ArtefactError(f"{folder / file}: is missing; copy the whole folder anew or train again")
        if _digest(folder / file) != digest:
            raise ArtefactError(f"{folder / file}: is damaged or was changed; copy the folder anew or train again")

    import keras

    cls = get_task(name)
    try:
        task = cls.load(folder, cls.Config.create(facts["config"]), facts)
    except (ConfigError, KeyError) as error:
        raise ArtefactError(f"{folder / _FACTS}: is damaged or of another version ({error})") from None
    try:
        task.attach(keras.saving.load_model(folder / _MODEL, compile=False))
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ArtefactError(f"{folder / _MODEL}: can't be loaded by keras {keras.__version__}: {reason}") from None
    return task


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
