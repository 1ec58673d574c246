"""The command `nlpkit`: a thin parser over functions of the package. Heavy imports wait until a command needs them."""

import argparse
import json
import os
import sys

from nlpkit import __version__
from nlpkit.errors import ConfigError, NlpkitError
from nlpkit.tasks import TASKS, get_task

# Options of `nlpkit predict` that belong to one task: type, name of the value, help.
_ANSWERING = {
    "user_dictionary": (str, "FILE", "tagging: a word a line, for entities a tab and the type"),
    "user_bonus": (float, "NATS", "tagging: how strongly the dictionary's words pull"),
    "n_best": (int, "N", "couplet, word2vec: answers to each line"),
    "temperature": (float, "T", "couplet: above 0 draws the answers at random, for variety"),
    "seed": (int, "SEED", "couplet: of the draw"),
    "rules": (str, "NAMES", "couplet: the rules to keep, separated by commas, or none"),
    "beam_width": (int, "N", "couplet: of the search; 1 is the fastest"),
    "forbidden": (str, "CHARACTERS", "couplet: characters that no answer may hold"),
}


def main(arguments=None) -> int:
    """Run the command line and return its exit status: 0, or 2 for an error of the user's."""
    args = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        # Keras loads it beside any other backend if it can, which takes seconds and half a gigabyte.
        sys.modules.setdefault("tensorflow", None)
    try:
        args.run(args)
        return 0
    except NlpkitError as error:
        print(f"nlpkit: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output has gone, for example `head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("nlpkit: stopped", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"nlpkit: error: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return 2


def _parser():
    parser = argparse.ArgumentParser(
        prog="nlpkit", description="Light, fast, exact sequence models for Chinese-first NLP on Keras 3."
    )
    parser.add_argument("--version", action="version", version=f"nlpkit {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a model and write it to a folder")
    train.add_argument("task", help=", ".join(TASKS))
    train.add_argument("--train", required=True, metavar="FILE", help="training data, plain or .gz")
    train.add_argument("--valid", metavar="FILE", help="validation data; by default 5 %% of the training data")
    train.add_argument("--test", metavar="FILE", help="test data, measured once at the end")
    train.add_argument("--out", required=True, metavar="DIR", help="folder for the model")
    train.add_argument("--config", metavar="TOML", help="settings from a file")
    train.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="single settings")
    train.add_argument("--preset", metavar="NAME", help="a named set of settings of the task, such as fast")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--resume", action="store_true", help="go on where a run in DIR was stopped")
    train.add_argument("--force", action="store_true", help="replace the run in DIR")
    train.add_argument(
        "--repair", action="store_true", default=None, help="tagging: read illegal tags as conlleval does"
    )
    train.add_argument("--on-error", metavar="ACTION", help="couplet: skip (default) a bad line, or stop")
    train.add_argument("--cut", metavar="HOW", help="word2vec: spaces, jieba for running text, or auto (default)")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure a model on labelled data")
    evaluate.add_argument("model", metavar="DIR")
    evaluate.add_argument("--data", required=True, metavar="FILE")
    evaluate.add_argument("--on-error", metavar="ACTION", help="couplet: skip (default) a bad line, or stop")
    evaluate.add_argument("--json", action="store_true", help="one JSON object on standard output")
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="run a model over a file")
    predict.add_argument("model", metavar="DIR")
    predict.add_argument("--input", required=True, metavar="FILE", help="plain or .gz, or - for standard input")
    predict.add_argument("--output", required=True, metavar="FILE", help="or - for standard output")
    predict.add_argument("--format", metavar="NAME", help="text (default), jsonl or conll")
    predict.add_argument("--input-format", metavar="NAME", help="text or jsonl; by default by the file's name")
    predict.add_argument("--on-error", default="skip", metavar="ACTION", help="skip (default) or stop at a bad line")
    for name, (kind, metavar, text) in _ANSWERING.items():
        predict.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=text)
    predict.set_defaults(run=_predict)

    convert = commands.add_parser("convert", help="word vectors to a file for other programs, or from one")
    convert.add_argument("source", help="a trained folder, or a file in word2vec's text or binary format")
    convert.add_argument("target", help="a file that ends in .txt, .vec, .bin or .tsv (TensorBoard), or a folder")
    convert.add_argument("--force", action="store_true", help="replace what is there")
    convert.set_defaults(run=_convert)

    clusters = commands.add_parser("clusters", help="groups of words of one kind, by word vectors")
    clusters.add_argument("model", metavar="DIR")
    clusters.add_argument("--output", required=True, metavar="FILE", help="a group a line, or - for standard output")
    clusters.add_argument("--words", type=int, default=20_000, metavar="N", help="the most frequent to look at")
    clusters.add_argument("--least", type=float, default=0.6, metavar="COSINE", help="below it words are not linked")
    clusters.set_defaults(run=_clusters)

    check = commands.add_parser("check", help="look for trouble in data files")
    check.add_argument("task", help=", ".join(TASKS))
    check.add_argument("--data", required=True, nargs="+", metavar="FILE", help="several files are compared")
    check.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    check.set_defaults(run=_check)

    demo = commands.add_parser("demo", help="train, evaluate and predict on built-in samples")
    demo.add_argument("task", nargs="?", default="tagging")
    demo.set_defaults(run=_demo)
    return parser


def _train(args):
    from nlpkit.training.config import read_settings

    settings = read_settings(args.config, args.set)
    _import_backend()
    from nlpkit.prediction.train import train

    if args.config:
        try:
            get_task(args.task).Config.create(read_settings(args.config), args.preset)
        except ConfigError as error:
            raise ConfigError(f"{args.config}: {error}") from None
    train(
        args.task, args.train, args.valid, out=args.out, test=args.test, preset=args.preset, settings=settings,
        seed=args.seed, resume=args.resume, force=args.force, **_given(args, "repair", "on_error", "cut"),
    )  # fmt: skip


def _evaluate(args):
    _import_backend()
    from nlpkit.prediction.predictor import load

    metrics = load(args.model).evaluate(args.data, **_given(args, "on_error"))
    if args.json:
        print(json.dumps(metrics, ensure_ascii=False))
    else:
        from nlpkit.cli.tables import print_metrics

        print_metrics(metrics)


def _given(args, *names):
    """The options that were set, which are those of one task or another."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _predict(args):
    options = _given(args, *_ANSWERING)
    _import_backend()
    from nlpkit.prediction.predictor import load

    lines, bad = load(args.model).predict_file(
        args.input, args.output, args.format, args.input_format, args.on_error, **options
    )
    if bad:
        where = "standard error" if args.output == "-" else f"{args.output}.errors.jsonl"
        print(f"nlpkit: {bad} of {lines} lines had something wrong, see {where}", file=sys.stderr)


def _convert(args):
    _import_backend()
    from nlpkit.prediction.convert import convert

    convert(args.source, args.target, args.force)


def _clusters(args):
    _import_backend()
    from nlpkit.prediction.predictor import load
    from nlpkit.training.checkpoint import write_atomically

    task = load(args.model).task
    if not hasattr(task, "clusters"):
        raise ConfigError(f"{args.model}: is of the task {task.name}; only word vectors have clusters")
    lines = "".join(" ".join(group) + "\n" for group in task.clusters(args.words, least=args.least))
    if args.output == "-":
        print(lines, end="")
    else:
        write_atomically(args.output, lines.encode("utf-8", "replace"))


def _check(args):
    from nlpkit.cli.tables import print_facts
    from nlpkit.tasks import get_check
    from nlpkit.training.config import read_settings

    for path, facts in zip(args.data, get_check(args.task)(args.data, read_settings(None, args.set))):
        print_facts(path, facts)


def _demo(args):
    _import_backend()
    from nlpkit.cli.demo import demo

    demo(args.task)


def _import_backend():
    """Import Keras, and keep away what its libraries write to standard error, on which no user can act.

    They write to the file descriptor; what Python writes goes on to where standard error was.
    """
    try:
        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = open(own, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)  # noqa: SIM115
    except (OSError, ValueError, AttributeError):
        pass  # standard error is closed or not a file: nothing to keep quiet
    import keras  # noqa: F401
