"""From files to an artefact: what `nlpkit train` does."""

import functools
import json
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.prediction.artefact import RESUME, check_folder, is_complete, open_folder, save_artefact, saved_facts
from nlpkit.prediction.half_precision import round_weights
from nlpkit.prediction.predictor import Predictor, load
from nlpkit.tasks import get_task
from nlpkit.tasks.task import Data
from nlpkit.training.checkpoint import write_atomically
from nlpkit.training.loop import check_packages, difference, train_model
from nlpkit.training.progress import console
from nlpkit.training.report import write_report


def train(
    task: str,
    train: str | Path,
    valid: str | Path | None = None,
    *,
    out: str | Path,
    test: str | Path | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
    **reading: Any,
) -> Predictor:
    """Train a model and write it to a folder.

    Args:
        task: name of the task, ``"tagging"``.
        train, valid, test: data files. Without `valid`, a twentieth of the training data is held out.
        out: the folder.
        preset: name of a set of settings that the task gives out, such as ``"fast"``.
        settings: those of the task's config that differ from the defaults, or from the preset.
        seed: int; the same seed gives the same weights on the same machine.
        resume: go on where a run in this folder was stopped.
        force: replace the run in this folder.
        reading: the task's options of reading data. Tagging: ``repair=True`` reads illegal label sequences as
            conlleval does, where they would be an error. Couplets: ``on_error="stop"`` makes a bad line an error,
            where it would be passed over.

    Returns:
        The trained model, ready to use; its ``metrics`` are those of ``metrics.json``.
    """
    begin = time.perf_counter()
    cls = get_task(task)
    config = cls.Config.create(settings or {}, preset)
    say = functools.partial(console().print, markup=False)
    if not 0 <= seed < 2**32:
        raise ConfigError(f"seed = {seed}: must be from 0 to {2**32 - 1}")
    cls.check_options("reading", reading)
    check_packages(config)
    data = cls.read(train, **reading)
    examples, notes = data.examples, list(data.notes)
    measured = {}
    for name, path in (("valid", valid), ("test", test)):
        if path is not None:
            measured[name] = cls.read(path, data.facts, **{**cls.reading, **reading})
            notes += measured[name].notes
    if valid is None:
        examples, held_out = cls.hold_out(examples, train)
        measured = {"valid": Data(held_out), **measured}
    valid_examples = measured["valid"].examples
    more = "".join(f", {key} {value}" for key, value in data.facts.items())
    say(f"{task}: {len(examples):,} training and {len(valid_examples):,} validation examples{more}")
    for note in notes:
        say(note)

    folder = Path(out)
    check_folder(folder, cls, resume, force)
    fingerprint = {
        "task": task,
        "config": config.to_dict(),
        "seed": seed,
        "train": cls.digest(examples),
        "valid": cls.digest(valid_examples),
        "versions": versions(),
    }
    if resume and is_complete(folder):
        done = {key: saved_facts(folder).get(key) for key in fingerprint}
        if done != fingerprint:
            raise ArtefactError(f"{folder}: {difference(done, fingerprint)}")
        say(f"{folder}: training had ended already")
        return Predictor(load(folder).task, json.loads((folder / "metrics.json").read_text("utf-8")))
    policy = keras.config.dtype_policy()
    try:
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy(config.precision)
        model = cls.from_examples(config, examples, data.facts)
    finally:
        keras.config.set_dtype_policy(policy)
    open_folder(folder, cls, keep=resume)
    say(f"{model.model.count_params():,} parameters, keras {keras.__version__} on {keras.backend.backend()}")
    batches = model.batches(examples, seed)
    optimizer = model.optimizer(config.epochs * len(batches))
    history = train_model(
        model.model, model.loss, batches, lambda: model.evaluate(valid_examples), cls.metric, config,
        folder / RESUME, fingerprint, resume, optimizer, cls.keeps_last,
    )  # fmt: skip
    round_weights(model.model)
    metrics = {name: {**model.evaluate(of.examples), **of.counts} for name, of in measured.items()}
    facts = {
        **{k: fingerprint[k] for k in ("seed", "train", "valid", "versions")},
        "seconds": time.perf_counter() - begin,
    }
    write_atomically(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=1).encode())
    write_report(
        folder / "report.html", f"nlpkit {task}: {folder.name}", history, {**facts, "config": config.to_dict()},
        metrics, model.samples(valid_examples), model.maps(),
    )  # fmt: skip
    save_artefact(folder, model, facts)
    for name, scores in metrics.items():
        say(f"{name}: " + "  ".join(f"{k} {v:.4f}" for k, v in scores.items() if isinstance(v, float)))
    say(f"{folder}: written after {facts['seconds']:.0f} s")
    return Predictor(model, metrics)


def versions() -> dict[str, str]:
    """Versions of the packages that the weights depend on."""
    backend = keras.backend.backend()
    packages = {"nlpkit": "nlpkit", "keras": "keras", "numpy": "numpy", backend: backend}
    found = {}
    for name, package in packages.items():
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
