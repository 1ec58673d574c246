"""The server: what it answers, what it refuses, and the page that it shows."""

import asyncio
import contextlib
import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from unittest import mock

import pytest

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError, MissingPackageError
from nlpkit.web.options import ServerOptions

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient

from nlpkit.runs.benchmark import peak_memory
from nlpkit.web.app import _memory, create_app
from nlpkit.web.batching import Batcher, Overloaded, PredictRequest
from nlpkit.web.requests import Refusal, read_request
from nlpkit.web.server import open_folders, serve

LIMITS = ServerOptions(max_records=8, max_characters=500, max_bytes=4000, timeout=5)


@pytest.fixture(scope="module")
def words():
    return nlpkit.load("zh-words", nlpkit.Tagger)


@pytest.fixture(scope="module")
def client(words):
    with TestClient(create_app({"zh-words": words}, LIMITS), raise_server_exceptions=False) as client:
        yield client


def _asked(client, content, name="zh-words"):
    body = content if isinstance(content, (str, bytes)) else json.dumps(content)
    return client.post(f"/api/models/{name}", content=body)


def test_answers_are_those_of_predict(client, words):
    texts = ["今天天气真好", "", "去北京 大学\t读书", "x" * 100, "👨‍👩‍👧 ok"]
    got = _asked(client, {"records": texts, "options": {"confidence": True}})
    assert got.status_code == 200 and got.headers["x-content-type-options"] == "nosniff"
    right = [answer.to_dict() for answer in words.predict(texts, confidence=True)]
    assert got.json() == {"answers": json.loads(json.dumps(right))}
    shown = _asked(client, {"records": ["<b>&"], "show": "html"}).json()["html"][0]
    assert "&lt;" in shown and "<b>" not in shown
    listed = client.get("/api/models").json()["models"]
    assert listed[0]["name"] == "zh-words" and "CC BY-SA" in listed[0]["licence"]
    assert client.get("/health").json()["status"] == "ok"
    assert 'nlpkit_requests_total{model="zh-words",status="200"}' in client.get("/metrics").text


def test_every_task_is_served(
    entities_model, couplet_model, title_model, extraction_model, similarity_model, word2vec_model
):
    folders = [entities_model, couplet_model, title_model, extraction_model, similarity_model, word2vec_model]
    models = {folder.name: nlpkit.load(folder) for folder in folders}
    with TestClient(create_app(models)) as client:
        for name, model in models.items():
            records = model.samples()[:3]
            plain = [[*each] if isinstance(each, tuple) else each for each in records]
            got = _asked(client, {"records": plain, "show": "picture"}, name)
            assert got.status_code == 200, got.text
            right = [answer.to_dict() for answer in model.predict(records)]
            assert got.json()["answers"] == json.loads(json.dumps(right))
            assert all(html.startswith("<p>") for html in got.json()["html"])
        word = models[word2vec_model.name].samples()[0]
        assert "class='map'" in _asked(client, {"records": [word], "show": "picture"}, word2vec_model.name).text


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("今", 400, "the body is not JSON: Expecting value, at character 0"),
        (b"\xff{}", 400, "the body is not UTF-8: byte 0"),
        ("[1]", 400, "the body must be a JSON object"),
        ("[" * 3000, 400, "nested too deeply"),
        ('{"records": ["\\ud800"]}', 400, "half of a surrogate pair"),
        ('{"records": [NaN]}', 400, "the body holds NaN, which is not JSON"),
        ("{}", 400, "records must be a list of one record or more"),
        ({"records": []}, 400, "records must be a list of one record or more"),
        ({"records": "今天"}, 400, "records must be a list of one record or more"),
        ({"recods": ["今天"]}, 400, "unknown field 'recods', did you mean 'records'?"),
        ({"records": ["今天"], "options": []}, 400, "options must be an object"),
        ({"records": ["今天"], "options": {"confidnce": True}}, 400, "did you mean 'confidence'?"),
        ({"records": ["今天"], "options": {"user_bonus": 1e99}}, 400, "user_bonus"),
        ({"records": ["今天"], "options": {"user_dictionary": "/etc/passwd"}}, 400, "no file can be named here"),
        ({"records": ["今天"], "show": "all"}, 400, "unknown show 'all'"),
        ({"records": [1]}, 422, "none of the records can be answered: record 0: expected a text"),
        ({"records": ["x"] * 9}, 413, "9 records: at most 8 may come in one request"),
        ({"records": ["x" * 501]}, 413, "501 characters: at most 500 may come in one request"),
        ("x" * 4001, 413, "the body has more than 4,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_refused(client, body, status, reason):
    got = _asked(client, body)
    assert got.status_code == status and reason in got.json()["error"], got.text


def test_addresses_and_methods(client):
    assert "did you mean 'zh-words'?" in _asked(client, {"records": ["x"]}, "zh-wrods").json()["error"]
    assert client.get("/api/models/zh-words").status_code == 405
    assert client.post("/health").status_code == 405
    assert client.get("/../setup.cfg").status_code == client.get("/page/index.html").status_code == 404
    assert client.get("/nothing").json() == {"error": "there is nothing here; see /api/models"}


def test_one_bad_record_does_not_spoil_the_others(client):
    got = _asked(client, {"records": ["今天", {"txt": "明天"}, {"text": "后天"}]})
    assert got.status_code == 200
    assert [each["record"] for each in got.json()["problems"]] == [1]
    assert got.json()["answers"][2]["text"] == "后天"


def test_a_failure_in_the_model_tells_nothing_of_the_machine(words):
    with (
        mock.patch.object(type(words), "run", side_effect=RuntimeError("/secret/place")),
        TestClient(create_app({"zh-words": words}), raise_server_exceptions=False) as client,
    ):
        got = _asked(client, {"records": ["今天"]})
    assert got.status_code == 500 and got.json() == {"error": "internal error; see the log of the server"}


def _ask(*records, **options):
    return PredictRequest(records, nlpkit.Tagger.declaration.prediction.create(options), "")


def test_requests_are_computed_together(words):
    sizes = []

    def answered(records, options):
        sizes.append(len(records))
        time.sleep(0.02)
        if "bad" in records:
            raise ValueError("bad")
        return type(words).answered(words, records, options)

    async def many(batcher):
        task = asyncio.create_task(batcher.run())
        requests = [_ask(f"第{i}天", confidence=i % 4 == 3) for i in range(20)] + [_ask("bad"), _ask("今天", "明天")]
        found = await asyncio.gather(*map(batcher.answer, requests), return_exceptions=True)
        task.cancel()
        return requests, found

    with mock.patch.object(words, "answered", answered):
        requests, found = asyncio.run(many(Batcher(words, 16, 100)))
    assert isinstance(found[20], ValueError) and sum(isinstance(each, Exception) for each in found) == 1
    for request, replies in zip(requests, found):
        if not isinstance(replies, Exception):
            right = words.answered(request.records, request.options)[0]
            assert [reply.answer for reply in replies] == [answer.to_dict() for answer in right]
    assert max(sizes) == 16 and len(sizes) < 26


def test_too_much_at_once_is_refused(words):
    async def full():
        batcher = Batcher(words, 8, 3)
        waiting = asyncio.create_task(batcher.answer(_ask("一", "二")))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.answer(_ask("三", "四"))
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert batcher.records == 0

    asyncio.run(full())
    with TestClient(create_app({"zh-words": words}, ServerOptions(waiting=1))) as client:
        got = _asked(client, {"records": ["一", "二"]})
    assert got.status_code == 503 and got.headers["retry-after"] == "1"


def test_memory_is_in_bytes(tmp_path):
    (tmp_path / "statm").write_text("900 300 100 1 0 50 0\n")
    with mock.patch("os.sysconf", {"SC_PAGE_SIZE": 16384}.__getitem__):
        assert _memory(str(tmp_path / "statm")) == 300 * 16384
    assert 10e6 < _memory() <= 1.1 * peak_memory()
    assert 10e6 < _memory(str(tmp_path / "nothing")) <= peak_memory()


def test_options_that_are_too_large():
    declaration = nlpkit.CoupletWriter.declaration
    for options, reason in (({"beam_width": 10**9}, "at most 256 here"), ({"rules": "x" * 2000}, "is too long")):
        with pytest.raises(Refusal, match=reason):
            read_request(json.dumps({"records": ["x"], "options": options}).encode(), declaration, LIMITS)
    read_request(b'{"records": ["x"], "options": {"seed": 123456}}', declaration, LIMITS)


def test_what_a_server_needs(tmp_path, words_model):
    with pytest.raises(ArtefactError, match="did you mean the model zh-words"):
        open_folders(["zh-wrds"])
    shutil.copytree(words_model, tmp_path / "words")
    with pytest.raises(ConfigError, match="another model is served as words"):
        open_folders([words_model, tmp_path / "words"])
    with (
        mock.patch("importlib.util.find_spec", lambda name: None),
        pytest.raises(MissingPackageError, match=r'starlette is not installed; pip install "nlpkit\[web\]"'),
    ):
        open_folders([])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"127\.0\.0\.1:{port}: {os.strerror(errno.EADDRINUSE)}; another program listens"
        ):
            serve([words_model], ServerOptions(port=port))
    with pytest.raises(ConfigError, match=r"nowhere\.invalid:8000: "):
        serve([words_model], ServerOptions(host="nowhere.invalid"))


@pytest.fixture(scope="module")
def address():
    """Of a server in a process of its own."""
    command = [sys.executable, "-m", "nlpkit", "serve", "zh-words", "zh-verse", "--port", "0", "--timeout", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        told = process.stderr.readline()
        assert "zh-words, zh-verse at http://127.0.0.1:" in told
        yield re.search(r"http://[\d.:]+", told)[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read().endswith("nlpkit: stopped\n")


def _connected(address):
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _received(connection):
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(4096), b""))
    return b""


def test_clients_that_misbehave(address):
    head, begin = b"POST /api/models/zh-words HTTP/1.1\r\nHost: x\r\n", time.monotonic()
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(_connected(address)) for _ in range(4)]
        for connection, sent in zip(slow, (b"", b"POST /api", head, head + b"Content-Length: 20\r\n\r\n{")):
            connection.sendall(sent)
        for _ in range(5):
            with _connected(address) as connection:  # hangs up
                connection.sendall(head + b"Content-Length: 99\r\n\r\n{")
        with _connected(address) as connection:
            connection.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
            assert b" 400 " in _received(connection)
        body = b'{"records": ["x"]}'
        with urllib.request.urlopen(f"{address}/api/models/zh-words", body, timeout=5) as answer:
            assert answer.status == 200
        *closed, late = [_received(connection) for connection in slow]
    assert closed == [b""] * 3 and b" 408 " in late and time.monotonic() - begin < 4


CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None, reason="no Chromium, or no playwright"
)
@pytest.mark.parametrize(("width", "language"), [(390, "zh-CN"), (1280, "en-GB")])
def test_the_page_by_keyboard(address, width, language):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, locale=language)
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.wait_for_selector("#answers span")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Tab")  # past the link to the input
        page.keyboard.press("Tab")  # and the language
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.textContent") == "zh-verse"
        page.wait_for_selector("#answers ol")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "record"
        page.keyboard.press("Control+a")
        page.keyboard.type("<img src=x onerror=alert(1)>海上生明月")
        page.keyboard.press("Control+Enter")
        page.locator("#answers", has_text="<img src=x").wait_for()
        assert not page.query_selector("#answers img")
        texts = [page.text_content("#run")]
        page.press("#language", "Enter")
        texts.append(page.text_content("#run"))
        assert texts == (["回答", "Answer"] if language == "zh-CN" else ["Answer", "回答"])
        assert [each for each in wrong if "status of 422" not in each] == []  # the line with a tag can't be answered
        browser.close()


@pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None, reason="no Chromium, or no playwright"
)
@pytest.mark.parametrize(("fragment", "chosen"), [("zh-verse", "zh-verse"), ("%", "zh-words"), ("nothing", "zh-words")])
def test_the_address_of_the_page_chooses_a_model(address, fragment, chosen):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{address}#{fragment}")
        page.wait_for_selector("#answers > div")
        assert page.text_content("[role=tab][aria-selected=true]") == chosen
        browser.close()
