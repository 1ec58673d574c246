"""The commands: each reads its arguments and gives a function that calls what a person could call from Python."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from nlpkit.cli import completion
from nlpkit.cli.flags import add_flags, describe_settings, given
from nlpkit.errors import ArtefactError, ConfigError, DataError, nearest
from nlpkit.options import read_settings
from nlpkit.prediction import RUNTIMES
from nlpkit.runs.models import model_folder
from nlpkit.tasks import FIRST, declarations, get_declaration, names
from nlpkit.tasks.declaration import Command, Declaration, load_object

Run = Callable[[], None]


class Entry(NamedTuple):
    """A command: a phrase about it, and what reads its arguments."""

    summary: str
    parse: Callable[[str, list[str]], Run]


def _parser(program, description, epilog=""):
    return _Parser(prog=program, description=description, epilog=epilog, formatter_class=_Formatter, allow_abbrev=False)


class _Parser(argparse.ArgumentParser):
    settings: Sequence[str] = ()
    """Names that ``--set`` takes, for whoever writes one as a flag."""

    def parse_args(self, args=None, namespace=None):
        if completion.is_asked():
            completion.complete(self)
        self._look_for_strangers(args)
        return super().parse_args(args, namespace)

    def _look_for_strangers(self, args):
        """Name an unknown flag first: it is often the one that argparse would call missing, with a letter wrong."""
        for each in args or ():
            flag, _, value = each.partition("=")
            if not flag.startswith("--") or flag == "--" or flag in self._option_string_actions:
                continue
            name = flag.removeprefix("--").replace("-", "_")
            near = nearest(flag, self._option_string_actions)
            if name in self.settings:
                near = f"--set {name}={value or '…'}"
            self.error(
                f"unknown option {flag}" + (f", did you mean {near}?" if near else f"; {self.prog} --help lists all")
            )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=26, width=100)


def _task_of(program, arguments, what) -> Declaration:
    """The declaration of the task that comes first; a general help text if there is none."""
    if arguments and not arguments[0].startswith("-"):
        return get_declaration(arguments[0])
    if completion.is_asked():
        completion.offer(names(), after=1)
    tasks = "\n".join(f"  {each.name:<12} {each.summary}" for each in declarations())
    parser = _parser(
        f"{program} TASK", f"{what}.\n\ntasks:\n{tasks}", f"{program} TASK --help shows the options of a task."
    )
    parser.parse_args([each for each in arguments if each in ("-h", "--help")])
    return parser.error(f"a task must come first, one of {', '.join(names())}")


def _folder_of(program, arguments, what) -> tuple[str, Declaration]:
    """The trained folder, or model, that comes first, and the declaration of its task; a general help text if there is
    none."""
    from nlpkit.runs.manifest import read_manifest

    if arguments and not arguments[0].startswith("-"):
        return arguments[0], get_declaration(read_manifest(arguments[0])["task"])
    parser = _parser(f"{program} MODEL", f"{what}.", f"{program} MODEL --help shows the options of a model.")
    parser.parse_args([each for each in arguments if each in ("-h", "--help")])
    return parser.error("a folder that nlpkit train wrote, or a name that nlpkit models lists, must come first")


def _train(program, arguments):
    what = "Train a model and write it to a folder"
    task = _task_of(program, arguments, what)
    parser = _parser(f"{program} {task.name}", f"{what}: {task.summary}.", describe_settings(task.settings))
    files = parser.add_argument_group("files")
    files.add_argument("--train", required=True, metavar="FILE", help=f"training data, plain or .gz: {task.data}")
    files.add_argument(
        "--valid", metavar="FILE", help="validation data; without it some of the training data is held out"
    )
    files.add_argument("--test", metavar="FILE", help="test data, measured once at the end")
    files.add_argument("--out", required=True, metavar="DIR", help="folder for the model")
    run = parser.add_argument_group("run")
    run.add_argument("--config", metavar="TOML", help=f"settings from a file; nlpkit config {task.name} prints one")
    parser.settings = _add_set(run, task, "single settings, see below")
    if task.settings.presets:
        presets = ", ".join(task.settings.presets)
        run.add_argument("--preset", metavar="NAME", help=f"a named set of settings, over which yours win: {presets}")
    run.add_argument(
        "--start",
        metavar="MODEL",
        help="a trained model to go on from, a folder or a name; its settings hold where --set says nothing else",
    )
    run.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed gives the same weights; default 0")
    run.add_argument("--resume", action="store_true", help="go on where a run in DIR was stopped")
    run.add_argument("--force", action="store_true", help="replace the run in DIR")
    add_flags(parser, task.reading, "reading")
    args = parser.parse_args(arguments[1:])
    preset = getattr(args, "preset", None)
    if args.config:
        try:
            task.settings.create(read_settings(args.config), preset)
        except ConfigError as error:
            raise ConfigError(f"{args.config}: {str(error).removeprefix(f'{args.config}: ')}") from None
    settings = read_settings(args.config, args.set)

    def run_it():
        from nlpkit.runs.train import train

        train(
            task.name, args.train, args.valid, out=args.out, test=args.test, preset=preset, settings=settings,
            start=args.start, seed=args.seed, resume=args.resume, force=args.force, **given(args, task.reading),
        )  # fmt: skip

    return run_it


def _add_set(group, task, meaning):
    """The flag ``--set``, which a shell completes by the names of the settings; gives these."""
    flag = group.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=meaning)
    known = [each.name for each in task.settings.declared()]
    flag.completer = lambda **_: [f"{name}=" for name in known]
    return known


def _labelled(program, arguments, what, *flags):
    """The folder, its task, the arguments and the reading options of a command that looks at labelled data.

    Args:
        flags: those that the command has beside the common ones, each a name and what `add_argument` takes.
    """
    folder, task = _folder_of(program, arguments, what)
    parser = _parser(f"{program} {folder}", f"{what}. The model is of the task {task.name}: {task.summary}.")
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled data, plain or .gz")
    for name, more in flags:
        parser.add_argument(name, **more)
    _add_runtime(parser)
    add_flags(parser, task.reading, "reading", task.reading.measured)
    args = parser.parse_args(arguments[1:])
    reading = given(args, task.reading)
    task.reading.create(reading).check_files()
    from nlpkit.datasets.files import check_readable

    check_readable(args.data)
    return folder, task, args, reading


def _evaluate(program, arguments):
    json_flag = ("--json", {"action": "store_true", "help": "one JSON object on standard output"})
    folder, task, args, reading = _labelled(program, arguments, "Measure a model on labelled data", json_flag)

    def run():
        _share_cores(task.batches_at_once)
        from nlpkit.runs.load import evaluate

        metrics = evaluate(folder, args.data, runtime=args.runtime, **reading)
        if args.json:
            print(json.dumps(metrics, ensure_ascii=False))
        else:
            from nlpkit.cli.tables import print_metrics

            print_metrics(metrics)

    return run


def _predict(program, arguments, what="Run a model over a file", only=None, flag="--input", needs=None):
    folder, task = _folder_of(program, arguments, what)
    if only is not None and task.name != only:
        raise ConfigError(f"{folder}: is of the task {task.name}; this is a command of {only}")
    if needs is not None and not (model_folder(folder) / needs[0]).is_file():
        raise ArtefactError(f"{folder}: {needs[1]}")
    parser = _parser(f"{program} {folder}", f"{what}. The model is of the task {task.name}: {task.summary}.")
    from nlpkit.prediction.jobs import ENGINES, SHOWN_FORMATS, Job, check_engine, is_single

    files = parser.add_argument_group("files")
    files.add_argument(
        flag, dest="input", required=True, metavar="FILE",
        help="a record a line, plain or .gz, or - for standard input; a folder or a pattern stands for several files",
    )  # fmt: skip
    files.add_argument("--output", required=True, metavar="FILE", help="or - for standard output; of several a folder")
    formats = ", ".join((*task.formats, *SHOWN_FORMATS))
    files.add_argument("--format", metavar="NAME", help=f"of the output: {formats}; by default by its name, or text")
    files.add_argument("--input-format", metavar="NAME", help="text or jsonl; by default by the file's name")
    files.add_argument(
        "--on-error", default="skip", metavar="{skip,stop}",
        help="at a bad line: skip it and report it, or stop; default skip",
    )  # fmt: skip
    files.add_argument(
        "--restart", action="store_true", help="begin anew where a run was stopped, not go on from there"
    )
    files.add_argument("--shard", metavar="I/N", help="answer one of N shares only; nlpkit merge joins them")
    place = parser.add_argument_group("where it runs")
    _add_runtime(place)
    place.add_argument(
        "--engine", default="local", choices=ENGINES, help="local, or ray, workers of Ray; default local"
    )
    place.add_argument("--address", metavar="HOST:PORT", help="of a cluster of Ray; by default this machine")
    place.add_argument("--workers", type=int, metavar="N", help="of Ray, with a core each; by default all cores")
    add_flags(parser, task.prediction, "prediction")
    args = parser.parse_args(arguments[1:])
    options = given(args, task.prediction)
    made = task.prediction.create(options)
    made.check_files()
    if is_single(args.input) and not args.input.isascii() and not Path(args.input).exists():
        hint = f"no such file; a text itself comes by a pipe: echo … | {program} {folder} {flag} - --output -"
        raise DataError(hint, args.input)
    how = {"format": args.format, "input_format": args.input_format, "on_error": args.on_error}
    how |= {"shard": args.shard, "restart": args.restart}
    where = {"engine": args.engine, "address": args.address, "workers": args.workers}
    check_engine(**where)
    job = Job.plan(task.formats, args.input, args.output, **how)
    made.check_format(job.format)

    def run():
        _share_cores(task.batches_at_once)
        from nlpkit.runs.load import load

        counts = load(folder, runtime=args.runtime).predict_file(args.input, args.output, **how, **where, **options)
        if counts.failed == counts.lines > 0:
            raise DataError(
                f"none of its {counts.lines:,} lines can be answered, see {job.reports}; {counts.reason}", args.input
            )
        if counts.reported:
            told = f"{counts.reported:,} of {counts.lines:,} lines have errors or warnings, see {job.reports}"
            print(f"nlpkit: {told}; {counts.reason}", file=sys.stderr)

    return run


def _export(program, arguments):
    from nlpkit.runs.packages import FORMATS

    parser = _parser(program, "Write a trained network for programs without nlpkit, with an example of its use.")
    parser.add_argument("model", metavar="MODEL", help="a trained folder, or a name that nlpkit models lists")
    parser.add_argument("out", metavar="OUT", help="the new folder")
    parser.add_argument("--format", default="onnx", choices=FORMATS, help="default onnx")
    parser.add_argument("--force", action="store_true", help="replace an earlier export")
    args = parser.parse_args(arguments)

    def run():
        from nlpkit.runs.packages import export

        export(args.model, args.out, args.format, args.force)

    return run


def _benchmark(program, arguments):
    parser = _parser(program, "Measure how fast a model answers, and in how much memory.")
    parser.add_argument("model", metavar="MODEL", help="a trained folder, or a name that nlpkit models lists")
    parser.add_argument("--data", metavar="FILE", help="a record a line; by default a few short ones")
    parser.add_argument("--runtime", choices=RUNTIMES[1:], help="by default each that the folder has files for")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="for each figure; default 3")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    args = parser.parse_args(arguments)

    def run():
        from nlpkit.runs.benchmark import benchmark

        found = benchmark(args.model, args.data, args.runtime and [args.runtime], args.seconds)
        if args.json:
            print(json.dumps(found))
        else:
            from nlpkit.cli.tables import print_benchmark

            print_benchmark(found)

    return run


def _models(program, arguments):
    parser = _parser(program, "List the models that come with nlpkit, or show the card of one.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose card to show")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    args = parser.parse_args(arguments)
    from nlpkit.runs.models import card_of, models

    cards = models() if args.name is None else {args.name: card_of(args.name)}

    def run():
        if args.json:
            print(json.dumps({name: dataclasses.asdict(card) for name, card in cards.items()}, ensure_ascii=False))
        elif args.name is None:
            for name, card in cards.items():
                print(f"{name:<12} {card.task:<9} {card.size / 1e6:4.1f} MB  {card.summary}")
        else:
            print(cards[args.name])

    return run


def _serve(program, arguments):
    from nlpkit.web.options import ServerOptions

    parser = _parser(program, "Answer requests over HTTP, and show a page on which to try models.")
    meaning = "trained folders, or names that nlpkit models lists; by default all of these"
    parser.add_argument("models", nargs="*", metavar="MODEL", help=meaning)
    _add_runtime(parser)
    add_flags(parser, ServerOptions, "server")
    args = parser.parse_args(arguments)
    options = ServerOptions.create(given(args, ServerOptions))
    from nlpkit.web.server import check

    check(args.models)

    def run():
        from nlpkit.web.server import serve

        serve(args.models, options, args.runtime)

    return run


def _merge(program, arguments):
    parser = _parser(program, "Join the shards of a file that nlpkit predict wrote with --shard.")
    parser.add_argument("output", metavar="FILE", help="what was the --output of each of them")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    args = parser.parse_args(arguments)

    def run():
        from nlpkit.prediction.merging import merge

        counts = merge(args.output, args.force)
        print(f"nlpkit: {counts.lines:,} lines, {counts.failed:,} of them with errors", file=sys.stderr)

    return run


def _add_runtime(parser):
    """The flag ``--runtime``."""
    meaning = "what computes: onnx (without a framework), keras, or auto, onnx where it can be; default auto"
    parser.add_argument("--runtime", default="auto", choices=RUNTIMES, help=meaning)


def _share_cores(batches):
    """Give each of several batches that are computed side by side a share of the cores, before TensorFlow is loaded."""
    if batches > 1:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // batches)))


def _check(program, arguments):
    what = "Look for trouble in data files"
    task = _task_of(program, arguments, what)
    parser = _parser(f"{program} {task.name}", f"{what}.", describe_settings(task.settings))
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="FILE",
        help=f"plain or .gz; several files are compared: {task.data}",
    )
    parser.settings = _add_set(parser, task, "settings, see below")
    add_flags(parser, task.reading, "reading", only=task.reading.checked)
    args = parser.parse_args(arguments[1:])
    settings, reading = read_settings(None, args.set), given(args, task.reading)
    task.settings.create(settings)
    task.reading.create(reading)
    if not task.check:
        raise ConfigError(f"the task {task.name} has no check")

    def run():
        from nlpkit.cli.tables import print_report

        for path, report in zip(args.data, load_object(task.check)(args.data, settings, **reading)):
            print_report(path, report)

    return run


def _config(program, arguments):
    what = "Print all settings of a task with their meanings, as TOML that --config reads"
    task = _task_of(program, arguments, what)
    parser = _parser(f"{program} {task.name}", f"{what}.")
    parser.add_argument("--preset", metavar="NAME", help=f"with those of a preset: {', '.join(task.settings.presets)}")
    parser.settings = _add_set(parser, task, "and with these")
    args = parser.parse_args(arguments[1:])
    settings = task.settings.create(read_settings(None, args.set), args.preset)
    return functools.partial(print, settings.to_toml(), end="")


def _convert(program, arguments):
    parser = _parser(program, "A trained model to a file for other programs, or such a file to a model.")
    parser.add_argument("source", help="a trained folder, or a file of another program")
    parser.add_argument("target", help="a file, whose ending says what it is, or a folder")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    args = parser.parse_args(arguments)

    def run():
        from nlpkit.runs.convert import convert

        convert(args.source, args.target, args.force)

    return run


def _demo(program, arguments):
    parser = _parser(program, "Show what a model answers, then train, evaluate and predict on built-in samples.")
    with_demo = [each.name for each in declarations() if each.demos]
    parser.add_argument("task", nargs="?", default=FIRST, help=f"{', '.join(with_demo)}; default {FIRST}")
    parser.add_argument("--keep", metavar="DIR", help="a new folder for the models and their reports; default: none")
    args = parser.parse_args(arguments)
    task = get_declaration(args.task)
    if not task.demos:
        raise ConfigError(f"the task {task.name} has no demo; there is one of {', '.join(with_demo)}")

    def run():
        from nlpkit.cli.demo import demo

        demo(task, args.keep)

    return run


def _errors(program, arguments):
    output = "all mistakes: .jsonl, one on each line, or .html, a page; default: none"
    show = "examples of each kind that are shown; default 3"
    folder, task, args, reading = _labelled(
        program, arguments, "List what a model gets wrong on labelled data, by kind",
        ("--output", {"metavar": "FILE", "help": output}),
        ("--show", {"type": int, "default": 3, "metavar": "N", "help": show}),
    )  # fmt: skip
    from nlpkit.runs.mistakes import check_output

    check_output(args.output)
    if args.show < 1:
        raise ConfigError(f"--show {args.show}: must be at least 1")

    def run():
        _share_cores(task.batches_at_once)
        from nlpkit.cli.tables import print_mistakes
        from nlpkit.runs.load import load
        from nlpkit.runs.mistakes import find_mistakes, write_mistakes

        model = load(folder, runtime=args.runtime)
        found = find_mistakes(model, model.read_measured(args.data, **reading).examples)
        print_mistakes(found, args.show)
        if args.output is not None:
            write_mistakes(found, args.output, f"nlpkit {task.name}: mistakes of {folder} on {args.data}")

    return run


def _compare(program, arguments):
    parser = _parser(program, "Set several training runs side by side on one page: metrics, settings, curves.")
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folders that nlpkit train wrote, of one task")
    parser.add_argument("--output", default="compare.html", metavar="FILE", help="the page; default compare.html")
    args = parser.parse_args(arguments)

    def run():
        from nlpkit.runs.compare import compare
        from nlpkit.terminal import say

        compare(args.folders, args.output)
        say(f"{args.output}: written")

    return run


COMMANDS = {
    "train": Entry("train a model and write it to a folder", _train),
    "evaluate": Entry("measure a model on labelled data", _evaluate),
    "predict": Entry("run a model over a file", _predict),
    "serve": Entry("answer requests over HTTP, with a page to try models on", _serve),
    "benchmark": Entry("measure how fast a model answers", _benchmark),
    "export": Entry("write a network for programs without nlpkit", _export),
    "merge": Entry("join the shards of a prediction", _merge),
    "models": Entry("list the models that come with nlpkit", _models),
    "errors": Entry("list what a model gets wrong, by kind", _errors),
    "compare": Entry("several training runs side by side on a page", _compare),
    "check": Entry("look for trouble in data files", _check),
    "config": Entry("print all settings of a task, with their meanings", _config),
    "convert": Entry("a model to a file for other programs, or back", _convert),
    "demo": Entry("what models answer, then a training on built-in samples", _demo),
}


def task_commands() -> list[tuple[Command, Callable[[str, list[str]], Run]]]:
    """The commands that only one task has, each with what reads its arguments."""
    return [
        (command, functools.partial(_task_command, each.name, command))
        for each in declarations()
        for command in each.commands
    ]


def _task_command(name, command, program, arguments):
    """``nlpkit NAME DIR …``: a function of the task of a trained folder, see `nlpkit.tasks.declaration.Command`."""
    what = f"{command.summary[0].upper()}{command.summary[1:]}"
    if command.writes == "answers":
        return _predict(program, arguments, what, name, "--query", command.needs)
    parser = _parser(program, f"{what}.")
    parser.add_argument("model", metavar="DIR", help=f"folder of a model of the task {name}")
    if command.writes == "model":
        parser.add_argument("--out", required=True, metavar="DIR", help="folder for the new model")
        parser.add_argument("--force", action="store_true", help="replace the model in that folder")
    else:
        parser.add_argument("--output", required=True, metavar="FILE", help="or - for standard output")
    add_flags(parser, command.options, command.name)
    args = parser.parse_args(arguments)
    options = command.options.create(given(args, command.options))
    options.check_files()
    from nlpkit.runs.artefact import check_folder
    from nlpkit.runs.manifest import read_manifest

    found = read_manifest(args.model)["task"]
    if found != name:
        raise ConfigError(f"{args.model}: is of the task {found}; {command.name} is a command of {name}")
    if command.writes == "model":
        check_folder(args.out, name, resume=False, force=args.force, can_resume=False)

    def run():
        from nlpkit.runs.load import load

        runtime = "keras" if command.writes == "model" else "auto"  # the network is written as well
        result = load_object(command.function)(load(args.model, runtime=runtime), options)
        if command.writes == "model":
            from nlpkit.runs.convert import save_folder

            save_folder(result, Path(args.out), {"source": str(args.model)}, args.force)
        else:
            _write_lines(args.output, result)

    return run


def _write_lines(output, lines):
    from nlpkit.datasets.files import written_atomically

    if output == "-":
        for line in lines:
            print(line)
        return
    with written_atomically(Path(output)) as file:
        for line in lines:
            file.write(f"{line}\n".encode("utf-8", "replace"))
