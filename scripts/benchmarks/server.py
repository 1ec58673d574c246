"""A server at full load: requests per second, latency, memory, wrong answers; then with clients that misbehave.

    python scripts/benchmarks/server.py [MODEL] [--seconds 600] [--clients 16] [--bad 1000]

MODEL is a trained folder or a name, `zh-words` by default. The server and the clients share this machine. Each client
keeps a connection and asks for one text after the other, the texts being the built-in samples of all tasks. 10,000
answers are compared with those of `nlpkit.load`. Afterwards, for a tenth of the time, requests that are malformed,
oversized, slow or hung up come beside those of the clients, whose latency is seen again.
"""

import argparse
import asyncio
import collections
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import nlpkit
from nlpkit.cli.demo import sample_folder

COMPARED = 10_000
TIMEOUT = 5  # seconds, of the server


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="zh-words")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bad", type=int, default=1000)
    args = parser.parse_args()
    texts = [line for line in sorted(_lines()) if 4 <= len(line) <= 200]
    random.Random(0).shuffle(texts)
    right = [answer.to_dict() for answer in nlpkit.load(args.model).predict(texts)]
    right = [json.loads(json.dumps(each)) for each in right]
    command = [sys.executable, "-m", "nlpkit", "serve", args.model, "--port", "0", "--timeout", str(TIMEOUT)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        name, port = Path(args.model).name, int(process.stderr.readline().split()[-3].rstrip(",").rpartition(":")[2])
        asyncio.run(_measured(args, name, port, texts, right, process.pid))
    finally:
        process.terminate()
        process.wait()


def _lines():
    for path in sample_folder().rglob("*.txt"):
        yield from path.read_text("utf-8").splitlines()


async def _measured(args, name, port, texts, right, pid):
    load = Load(name, port, texts, right)
    print(f"{len(texts):,} texts, {args.clients} clients, {args.seconds:g} s")
    memory = asyncio.create_task(_memory(pid, args.seconds))
    await load.run(args.clients, args.seconds)
    first, last, most = await memory
    print(f"alone: {load}; memory {first:.0f} MB after a tenth, {last:.0f} MB at the end, {most:.0f} MB at most")
    print(f"{min(load.compared, COMPARED):,} answers compared, {load.wrong} wrong")
    beside = Load(name, port, texts, right)
    ends = collections.Counter()
    running = asyncio.create_task(beside.run(args.clients, args.seconds / 10))
    share = asyncio.Semaphore(64)
    seconds = await asyncio.gather(*(_misbehave(name, port, kind % len(BAD), ends, share) for kind in range(args.bad)))
    await running
    print(f"beside {args.bad:,} bad requests: {beside}; {beside.wrong} wrong")
    print(f"how these ended: {dict(sorted(ends.items()))}; the slowest after {max(seconds):.1f} s")


class Load:
    """Clients that ask as fast as they are answered."""

    def __init__(self, name, port, texts, right):
        self._name, self._port, self._texts, self._right = name, port, texts, right
        self.seconds, self.wrong, self.compared, self._took = [], 0, 0, 0.0

    async def run(self, clients, seconds):
        begin = time.perf_counter()
        await asyncio.gather(*(self._client(number, begin + seconds) for number in range(clients)))
        self._took = time.perf_counter() - begin

    async def _client(self, number, end):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        place = number
        while (begin := time.perf_counter()) < end:
            place = (place + 31) % len(self._texts)
            body = json.dumps({"records": [self._texts[place]]}, ensure_ascii=False).encode()
            status, content = await _request(reader, writer, self._name, body)
            self.seconds.append(time.perf_counter() - begin)
            if status != 200:
                self.wrong += 1
            elif self.compared < COMPARED:
                self.compared += 1
                self.wrong += json.loads(content)["answers"][0] != self._right[place]
        writer.close()

    def __str__(self):
        taken = sorted(self.seconds)
        p50, p99 = (1000 * taken[int(share * len(taken))] for share in (0.5, 0.99))
        rate = len(taken) / self._took
        return f"{rate:,.0f} requests/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {1000 * taken[-1]:.0f} ms"


async def _request(reader, writer, name, body):
    writer.write(b"POST /api/models/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (name.encode(), len(body)))
    writer.write(body)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


HEAD = b"POST /api/models/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
BAD = {
    "no JSON": lambda name: HEAD % (name, 5) + b"{oops",
    "no records": lambda name: HEAD % (name, 2) + b"{}",
    "oversized": lambda name: HEAD % (name, 1 << 30),
    "too many characters": lambda name: HEAD % (name, 50_020) + b'{"records":["' + b"x" * 50_004 + b'"]}',
    "no such model": lambda name: HEAD % (b"nobody", 2) + b"{}",
    "no HTTP": lambda name: b"\x16\x03\x01\x02\r\n\r\n",
    "slow head": lambda name: b"POST /api/mod",
    "slow body": lambda name: HEAD % (name, 100) + b'{"rec',
    "hangs up": lambda name: None,
}


async def _misbehave(name, port, kind, ends, share):
    """Send one bad request; the seconds until it was over."""
    kind, sent = [*BAD.items()][kind]
    async with share:
        begin = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        content = sent(name.encode())
        writer.write(content or HEAD % (name.encode(), 100))
        if content is not None:
            try:
                answer = await asyncio.wait_for(reader.read(1 << 16), 3 * TIMEOUT)
                ends[f"{kind}: {answer.split()[1].decode() if answer else 'closed'}"] += 1
            except (ConnectionResetError, TimeoutError) as error:
                ends[f"{kind}: {type(error).__name__}"] += 1
        else:
            ends[f"{kind}: –"] += 1
        writer.close()
        return time.perf_counter() - begin


async def _memory(pid, seconds):
    """MB of the server after a tenth of the time, at the end, and at most."""
    seen = []
    for _ in range(50):
        await asyncio.sleep(seconds / 50)
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        seen.append(pages * 4096 / 1e6)
    return seen[4], seen[-1], max(seen)


if __name__ == "__main__":
    main()
