"""Word segmentation of running text by jieba in several processes."""

import collections
import contextlib
import os
import queue
import re
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from nlpkit.errors import NlpkitError

_WORD = re.compile(r"[^\W_]")  # a letter or digit, which every word contains
_SIZE = struct.Struct("<q")


def cut_in_parallel(blocks: Iterable[str], workers: int | None = None) -> Iterator[str]:
    """Cut lines of running text into words with spaces between them, without words that have no letter or digit.

    Each worker is a new process, not a fork, so that it is safe beside any framework and needs no
    ``if __name__ == "__main__"`` in the caller.

    Args:
        blocks: strings of whole lines.
        workers: number of processes; by default one per core.

    Returns:
        The segmented blocks, in order.

    Raises:
        NlpkitError: if a worker was killed.
    """
    workers = workers or os.cpu_count() or 1
    free: queue.SimpleQueue = queue.SimpleQueue()
    command = [sys.executable, "-m", "nlpkit.text.parallel_cut"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(workers)]
    for process in processes:
        free.put(process)

    def cut(block: str) -> str:
        process = free.get()
        try:
            _send(process.stdin, block)
            answer = _receive(process.stdout)
        except BrokenPipeError:
            answer = None
        finally:
            free.put(process)
        if answer is None:
            raise NlpkitError("a process that cuts words has died, perhaps out of memory; start again")
        return answer

    waiting: collections.deque = collections.deque()
    try:
        with ThreadPoolExecutor(workers) as threads:
            for block in blocks:
                waiting.append(threads.submit(cut, block))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        for process in processes:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()
            process.wait()


def _send(pipe: IO[bytes], text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    pipe.write(_SIZE.pack(len(content)) + content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> str | None:
    """The next text, or None if the other process has ended."""
    header = pipe.read(_SIZE.size)
    if len(header) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(header)
    content = pipe.read(size)
    return content.decode("utf-8", "surrogatepass") if len(content) == size else None


def _work() -> None:
    """Segment the texts of standard input until it ends."""
    from nlpkit.text.words import WordTokenizer

    tokenizer = WordTokenizer()
    while (block := _receive(sys.stdin.buffer)) is not None:
        lines = (" ".join(w for w, _ in tokenizer.words(line) if _WORD.search(w)) for line in block.split("\n"))
        _send(sys.stdout.buffer, "\n".join(lines))


if __name__ == "__main__":
    _work()
