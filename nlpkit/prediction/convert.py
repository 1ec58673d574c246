"""Vectors of other programs to a folder of nlpkit's, and back."""

from pathlib import Path

from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.prediction.artefact import check_folder, load_artefact, open_folder, save_artefact
from nlpkit.prediction.train import versions
from nlpkit.tasks import get_task
from nlpkit.training.checkpoint import write_atomically


def convert(source: str | Path, target: str | Path, force: bool = False):
    """A trained folder of word vectors to a file of vectors, or such a file to a folder that `nlpkit.load` opens.

    Files are in word2vec's text or binary format, or for TensorBoard's projector, by how their names end; see
    `nlpkit.datasets.vector_files`.

    Args:
        source: folder or file.
        target: file or folder.
        force: replace what is there.

    Raises:
        ArtefactError: if there is something at `target` already.
        DataError: if a file can't be read or written.
    """
    source, target = Path(source), Path(target)
    if source.is_dir():
        task = load_artefact(source)
        if not hasattr(task, "export"):
            raise ConfigError(f"{source}: is of the task {task.name}; only word vectors can be written to a file")
        if target.exists() and not force:
            raise ArtefactError(f"{target}: is there already; replace it with --force")
        task.export(target)
        return
    cls = get_task("word2vec")
    check_folder(target, cls, resume=False, force=force)
    task = cls.from_file(source)
    open_folder(target, cls, keep=False)
    write_atomically(target / "metrics.json", b"{}")
    save_artefact(target, task, {"source": source.name, "versions": versions()})
