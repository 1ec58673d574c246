"""``nlpkit train TASK``"""

from __future__ import annotations

from nlpkit.cli.flags import add_flags, describe_settings, given
from nlpkit.cli.parsing import Parser, Run, add_set, task_of
from nlpkit.errors import ConfigError
from nlpkit.options import read_settings


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    summary = "Train a model and write it to a folder"
    task = task_of(program, arguments, summary, "--train FILE --out DIR [options]")
    parser = Parser(f"{program} {task.name}", f"{summary}: {task.summary}.", describe_settings(task.settings))
    files = parser.add_argument_group("files")
    files.add_argument("--train", required=True, metavar="FILE", help=f"training data, plain or .gz: {task.data}")
    files.add_argument(
        "--valid", metavar="FILE", help="validation data; by default a twentieth of the training data is held out"
    )
    files.add_argument("--test", metavar="FILE", help="test data, measured once at the end")
    files.add_argument("--out", required=True, metavar="DIR", help="folder for the model")
    run = parser.add_argument_group("run")
    run.add_argument("--config", metavar="TOML", help=f"file of settings; nlpkit config {task.name} prints one")
    parser.settings = add_set(run, task, "single settings, listed below")
    if task.settings.presets:
        presets = ", ".join(task.settings.presets)
        run.add_argument(
            "--preset", metavar="NAME", help=f"named set of settings, which --config and --set override: {presets}"
        )
    run.add_argument(
        "--start",
        metavar="MODEL",
        help="trained folder or bundled model to start from; its settings apply unless --set changes them",
    )
    run.add_argument(
        "--seed", type=int, default=0, metavar="N", help="random seed; the same one gives the same weights; default 0"
    )
    run.add_argument("--resume", action="store_true", help="continue the run that was stopped in DIR")
    run.add_argument("--force", action="store_true", help="replace the run in DIR")
    add_flags(parser, task.reading, "reading")
    args = parser.parse_args(arguments[1:])
    preset = getattr(args, "preset", None)
    if args.config:
        try:
            task.settings.create(read_settings(args.config), preset)
        except ConfigError as error:
            raise ConfigError(f"{args.config}: {str(error).removeprefix(f'{args.config}: ')}") from None
    settings = read_settings(args.config, args.set, task.settings)

    def run_it() -> None:
        from nlpkit.runs.train import train

        train(
            task.name, args.train, args.valid, out=args.out, test=args.test, preset=preset, settings=settings,
            start=args.start, seed=args.seed, resume=args.resume, force=args.force, **given(args, task.reading),
        )  # fmt: skip

    return run_it
