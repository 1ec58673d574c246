"""The command line as a stranger uses it."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from nlpkit import tasks
from nlpkit.cli.demo import demo, sample_folder

from .conftest import COUPLETS, SAMPLES


def nlpkit(*arguments, stdin=None):
    command = [sys.executable, "-m", "nlpkit", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=300)


def test_help_is_quick_and_imports_no_backend(words_model):
    begin = time.perf_counter()
    assert "train" in nlpkit("--help").stdout
    assert time.perf_counter() - begin < 2  # 0.3 s on a quiet machine; a loaded one gets leave
    program = (
        "import sys\n"
        "from nlpkit.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'numpy', 'jieba', 'rich')))"
    )
    for arguments in (["--help"], ["train", "tagging", "--help"], ["predict", words_model, "--help"],
                      ["evaluate", words_model, "--help"], ["config", "couplet"], ["clusters", "--help"]):  # fmt: skip
        result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True)
        assert result.returncode == 0, (arguments, result.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_callback_is_not_lost(number):
    program = (
        "import os, signal, sys, time\n"
        "from nlpkit.cli import main\n"
        "class Busy:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(0.2)\n"
        "def run():\n"
        "    Busy()\n"
        "    time.sleep(5)\n"
        "main._parse = lambda arguments: run\n"
        "sys.exit(main.main([]))\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 128 + number and result.stderr == "nlpkit: stopped\n", result


def test_closed_and_full_streams(words_model, tmp_path):
    (tmp_path / "in.txt").write_text("今天好。\n", "utf-8")
    program = f"exec {sys.executable} -m nlpkit predict {words_model}"

    def predict(arguments):
        return subprocess.run(["sh", "-c", f"{program} {arguments}"], capture_output=True, text=True, cwd=tmp_path)

    for arguments, name in (("--input - --output out <&-", "input"), ("--input in.txt --output - >&-", "output")):
        result = predict(arguments)
        assert result.returncode == 2 and f"standard {name}: is closed" in result.stderr, result.stderr
    result = predict("--input in.txt --output - >/dev/full")
    assert result.returncode == 2 and result.stderr.startswith("nlpkit: error: standard output: can't be written: No s")
    # What TensorFlow says goes to no file that has the number of a closed stream.
    assert predict("--input in.txt --output out 2>&-").returncode == 0
    assert (tmp_path / "out").read_text("utf-8").replace(" ", "") == "今天好。\n"
    assert {path.name for path in tmp_path.iterdir()} == {"in.txt", "out"}


def test_help_shows_what_a_task_takes(words_model, couplet_model):
    text = nlpkit("train", "tagging", "--help").stdout
    assert "--repair" in text and "char_dropout" in text and "--cut" not in text and "default 0.05" in text
    assert "--preset" in text and "--preset" not in nlpkit("train", "couplet", "--help").stdout
    text = nlpkit("predict", couplet_model, "--help").stdout
    assert "--temperature" in text and "--user-dictionary" not in text
    assert "--user-dictionary" in nlpkit("predict", words_model, "--help").stdout
    assert "--no-repair" in nlpkit("evaluate", words_model, "--help").stdout
    assert "couplet" in nlpkit("train", "--help").stdout and "MODEL" in nlpkit("predict", "--help").stdout
    assert nlpkit().stdout == nlpkit("--help").stdout and "clusters" in nlpkit().stdout


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("predict", "MODEL --input FILE --output FILE [options]"),
        ("search", "MODEL --query FILE --output FILE [options]"),
        ("evaluate", "MODEL --data FILE [options]"),
        ("check", "TASK --data FILE [FILE ...] [options]"),
        ("train", "TASK --train FILE --out DIR [options]"),
        ("config", "TASK [options]"),
    ],
)
def test_general_help_shows_the_required_options(command, usage):
    assert nlpkit(command, "--help").stdout.startswith(f"usage: nlpkit {command} {usage}\n")


def test_main_keeps_standard_error_when_it_is_called_again():
    program = "from nlpkit.cli.main import main\nassert [main(['nothing']) for _ in range(3)] == [2, 2, 2]"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr.count("unknown command 'nothing'") == 3, result.stderr


@pytest.mark.parametrize("task", ["tagging", "couplet", "word2vec"])
def test_config_prints_what_it_reads(task, tmp_path):
    from nlpkit.options import read_settings
    from nlpkit.tasks import get_declaration

    (tmp_path / "c.toml").write_text(nlpkit("config", task, "--set", "epochs=3").stdout, "utf-8")
    settings = get_declaration(task).settings
    assert settings.create(read_settings(tmp_path / "c.toml")) == settings.create({"epochs": 3})


def test_mistakes_are_told_before_a_framework_is_loaded(tmp_path, words_model):
    (tmp_path / "data.txt").write_text("我 爱\n", "utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis").touch()
    data, out = tmp_path / "data.txt", tmp_path / "m"
    program = (
        "import sys\n"
        "from nlpkit.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "sys.exit(3 if any(m in sys.modules for m in ('keras', 'tensorflow')) else code)"
    )
    for arguments in (
        ["train", "tagging", "--train", "no.txt", "--out", out],
        ["train", "taging", "--train", data, "--out", out],
        ["train", "tagging", "--train", data, "--out", out, "--set", "epoch=1"],
        ["train", "tagging", "--train", data, "--out", out, "--set", "epochs=0"],
        ["train", "tagging", "--train", data, "--out", out, "--preset", "fats"],
        ["train", "tagging", "--train", data, "--out", tmp_path / "full"],
        ["predict", tmp_path, "--input", data, "--output", out],
        ["train", "tagging", "--train", data, "--out", out, "--set", "lexicon=no.txt"],
        ["train", "tagging", "--train", data, "--out", out, "--set", "vectors=no.txt"],
        ["predict", words_model, "--input", "no.txt", "--output", out],
        ["predict", words_model, "--input", data, "--output", tmp_path / "no" / "out"],
        ["predict", words_model, "--input", data, "--output", tmp_path],
        ["predict", words_model, "--input", data, "--output", out, "--user-dictionary", "no.txt"],
        ["predict", words_model, "--input", data, "--output", out, "--user-bonus", "nan"],
        ["evaluate", words_model, "--data", "no.txt"],
        ["clusters", words_model, "--output", out],
        ["clusters", words_model, "--output", out, "--words", "1"],
        ["convert", words_model, "v.txt"],
        ["convert", "no.txt", tmp_path / "m"],
        ["convert", words_model, tmp_path / "no" / "v.txt"],
    ):
        result = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True)
        assert result.returncode == 2, (arguments, result.returncode, result.stderr)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torhc", "KERAS_BACKEND: unknown backend 'torhc', did you mean 'torch'"),
        ("torch", 'torch is not installed; pip install "nlpkit[torch]"'),
    ],
)
def test_a_backend_that_is_not_there(name, message, monkeypatch, capsys, tmp_path):
    from nlpkit.cli.main import main

    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr("nlpkit.cli.main._keep_libraries_quiet", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "tensorflow", sys.modules.get("tensorflow"))
    assert main(["train", "tagging", "--train", str(SAMPLES / "words-test.txt"), "--out", str(tmp_path / "m")]) == 2
    assert message in capsys.readouterr().err


def test_help_on_a_terminal_without_chinese():
    result = subprocess.run(
        [sys.executable, "-m", "nlpkit", "config", "word2vec"], capture_output=True, text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert result.returncode == 0 and "\\u82f9" in result.stdout


def test_evaluate_prints_one_json_object_and_nothing_else(words_model):
    result = nlpkit("evaluate", words_model, "--data", SAMPLES / "words-test.txt", "--json")
    assert json.loads(result.stdout)["f1"] > 0.6
    assert result.stderr == "" and result.returncode == 0


def test_predict_from_standard_input_to_standard_output(words_model, entities_model):
    result = nlpkit("predict", words_model, "--input", "-", "--output", "-", stdin="今天天气真好\n\n你好")
    assert result.returncode == 0 and result.stderr == ""
    assert [line.replace(" ", "") for line in result.stdout.splitlines()] == ["今天天气真好", "", "你好"]
    result = nlpkit("predict", entities_model, "--input", "-", "--output", "-", stdin="王小明在北京。\n")
    assert all("/" in entity for entity in result.stdout.strip().split("\t") if entity)


def test_a_signal_ends_a_command_as_ctrl_c_does(words_model, tmp_path):
    command = [sys.executable, "-m", "nlpkit", "predict", words_model, "--input", "-", "--output", tmp_path / "out.txt"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out.txt.partial").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143 and said.decode().startswith("nlpkit: stopped") and not [*tmp_path.iterdir()]


def test_check():
    result = nlpkit("check", "tagging", "--data", SAMPLES / "words-train.txt", SAMPLES / "words-test.txt")
    assert result.returncode == 0 and "tag scheme" in result.stderr and "BMES" in result.stderr
    result = nlpkit("check", "tagging", "--data", SAMPLES / "pos-train.conll", "--unit", "character")
    assert result.returncode == 0 and "characters" in result.stderr
    result = nlpkit("check", "word2vec", "--data", SAMPLES / "words-train.txt", "--cut", "jieba")
    assert result.returncode == 0 and "read as" in result.stderr
    result = nlpkit("check", "couplet", "--data", COUPLETS / "couplets-train.tsv", COUPLETS / "couplets-test.tsv")
    assert result.returncode == 0 and "keep the rule repetition" in result.stderr


def test_couplets_from_the_command_line(couplet_model):
    options = ["--n-best", "2", "--temperature", "0.8", "--seed", "3", "--rules", "no_share", "--forbidden", "春夏"]
    result = nlpkit("predict", couplet_model, "--input", "-", "--output", "-", *options, stdin="山高水长\n")
    assert result.returncode == 0, result.stderr
    assert [len(answer) for answer in result.stdout.strip().split("\t")] == [4, 4]
    assert not set("春夏山高水长") & set(result.stdout)
    result = nlpkit("predict", couplet_model, "--input", "-", "--output", "-", "--user-bonus", "2", stdin="山\n")
    assert result.returncode == 2 and "unknown option --user-bonus" in result.stderr


BAD = {
    "no name": (["train", "tagging", "--train", "{words}", "--out", "a" * 300], "File name too long"),
    "long name": (["predict", "字" * 100], "File name too long"),
    "long name of a file": (["train", "tagging", "--train", "字" * 100, "--out", "x"], "File name too long"),
    "long name of a folder": (["train", "tagging", "--train", "{words}", "--out", "字" * 100], "File name too long"),
    "missing file": (["train", "tagging", "--train", "no.txt", "--out", "{tmp}/m"], "no.txt: no such file"),
    "unknown task": (["train", "taging", "--train", "x", "--out", "{tmp}/m"], "did you mean 'tagging'"),
    "unknown key": (
        ["train", "tagging", "--train", "x", "--out", "{tmp}/m", "--set", "epoch=1"],
        "did you mean 'epochs'",
    ),
    "wrong encoding": (["train", "tagging", "--train", "{tmp}/gbk.txt", "--out", "{tmp}/m"], "line 1: is not UTF-8"),
    "empty file": (["check", "tagging", "--data", "{tmp}/empty.txt"], "empty.txt: is empty"),
    "wrong columns": (["check", "tagging", "--data", "{tmp}/bad.conll"], "line 2: 1 columns"),
    "unknown scheme": (["check", "tagging", "--data", "{tmp}/scheme.conll"], "unknown tag scheme: Q-X"),
    "foreign folder": (["train", "tagging", "--train", "{words}", "--out", "{tmp}"], "holds something else"),
    "no model": (["predict", "{tmp}", "--input", "-", "--output", "-"], "holds no task.json"),
    "unreadable config": (
        ["train", "tagging", "--train", "x", "--out", "y", "--config", "no.toml"],
        "no.toml: no such file",
    ),
    "unknown key in a file": (
        ["train", "tagging", "--train", "x", "--out", "{tmp}/m", "--config", "{tmp}/config.toml"],
        "config.toml: unknown setting 'epoch', did you mean 'epochs'",
    ),
    "no couplet": (["train", "couplet", "--train", "{tmp}/scheme.conll", "--out", "{tmp}/m"], "holds no couplet"),
    "bad couplet": (
        ["train", "couplet", "--train", "{tmp}/pairs.tsv", "--out", "{tmp}/m", "--on-error", "stop"],
        "line 2: the upper line has 1 characters, the lower 2",
    ),
    "unknown demo": (["demo", "tagginng"], "did you mean 'tagging'"),
    "unknown command": (["trian", "tagging"], "unknown command 'trian', did you mean 'train'"),
    "out of range": (
        ["train", "couplet", "--train", "{tmp}/pairs.tsv", "--out", "{tmp}/m", "--set", "hide=1"],
        "hide = 1.0: must be from 0 to below 1",
    ),
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "tagging", "--trian", "x", "--out", "y"], "unknown option --trian, did you mean --train?"),
        (["train", "tagging", "--epochs=3"], "unknown option --epochs, did you mean --set epochs=3?"),
        (["predict", "{model}", "--text", "今天"], "unknown option --text"),
        (
            ["predict", "{model}", "--input", "今天", "--output", "-"],
            "no such file; pass a text through a pipe",
        ),
        (
            ["predict", "{model}", "--input", "{tmp}/a.conll", "--output", "-"],
            "labelled columns are for nlpkit evaluate",
        ),
        (["predict", "{model}", "--input", "-", "--output", "-", "--confidence"], "text has no place for it"),
        (
            ["predict", "{tmp}/a.conll", "--input", "-", "--output", "-"],
            "is a file; give the folder written by nlpkit train",
        ),
        (["predict", "{model}", "--input", "{tmp}/gbk.txt", "--output", "{tmp}/out"], "none of its 2 lines can be"),
        (["search", "{sentences}", "--query", "-", "--output", "-"], "holds no index; nlpkit index DIR"),
    ],
)
def test_what_was_meant_is_told(arguments, message, words_model, similarity_model, tmp_path):
    (tmp_path / "a.conll").write_text("中\tB\n", "utf-8")
    (tmp_path / "gbk.txt").write_bytes("今天\n天气\n".encode("gbk"))
    names = {"tmp": tmp_path, "model": words_model, "sentences": similarity_model}
    result = nlpkit(*(each.format(**names) for each in arguments))
    assert result.returncode == 2 and message in result.stderr, result.stderr


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_status_2(name, tmp_path):
    (tmp_path / "gbk.txt").write_bytes("今天 天气\n".encode("gbk"))
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "bad.conll").write_text("中\tB\n国\n", "utf-8")
    (tmp_path / "scheme.conll").write_text("中\tQ-X\n国\tO\n", "utf-8")
    (tmp_path / "config.toml").write_text("epoch = 1\n")
    (tmp_path / "pairs.tsv").write_text("山\t水\n春\t夏雨\n", "utf-8")
    before = sorted(os.listdir(tmp_path))
    arguments, message = BAD[name]
    result = nlpkit(*(a.format(tmp=tmp_path, words=SAMPLES / "words-train.txt") for a in arguments))
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("nlpkit: error: ")]
    assert len(lines) == 1 and message in lines[0], result.stderr
    assert "Traceback" not in result.stderr and result.stdout == ""
    assert sorted(os.listdir(tmp_path)) == before


def test_demo_shows_the_whole_way():
    result = nlpkit("demo", "word2vec")
    assert result.returncode == 0, result.stderr
    assert all(text in result.stderr for text in ["Word vectors", "苹果", "Done in"])


@pytest.mark.parametrize("task", tasks.declarations(), ids=tasks.names())
def test_every_demo_has_its_files_and_settings(task):
    for each in task.demos:  # README's commands train each task on these samples
        task.settings.create(each.settings)
        names = [each.train, each.valid, each.records if isinstance(each.records, str) and each.records else None]
        assert all((sample_folder() / task.name / name).is_file() for name in names if name)


def test_a_demo_is_kept(tmp_path, capsys):
    task = tasks.get_declaration("couplet")
    demos = tuple(dataclasses.replace(each, settings={**each.settings, "epochs": 1}) for each in task.demos)
    demo(dataclasses.replace(task, demos=demos), tmp_path / "kept")
    shown = capsys.readouterr().err
    assert all(text in shown for text in [*(each.title for each in demos), "Done in", "report.html is for a browser"])
    assert all((folder / "report.html").exists() for folder in (tmp_path / "kept").iterdir())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nlpkit tr", {"train"}),
        ("nlpkit train ta", {"tagging"}),
        ("nlpkit train tagging --val", {"--valid"}),
        ("nlpkit train tagging --set learning_r", {"learning_rate="}),
        ("nlpkit train couplet --set ", {"epochs=", "width="}),
        ("nlpkit compare --ou", {"--output"}),
        ("nlpkit predict {model} --user-d", {"--user-dictionary"}),
        ("nlpkit predict {model} --segmenter r", {"rules"}),
        ("nlpkit nothing --x", set()),
    ],
)
def test_a_shell_completes(line, offered, words_model, tmp_path):
    line = line.format(model=words_model)
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "offered"), "_ARGCOMPLETE_IFS": "\n"}
    asked |= {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    subprocess.run([sys.executable, "-m", "nlpkit"], env={**os.environ, **asked}, capture_output=True)
    path = tmp_path / "offered"
    found = {word.strip() for word in path.read_text("utf-8").split("\n")} if path.exists() else set()
    assert offered <= found if len(offered) > 1 else offered == found - {""}
