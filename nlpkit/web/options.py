"""Where the server listens, and how much it takes on."""

from __future__ import annotations

from nlpkit.options import Options, option, options


@options
class ServerOptions(Options):
    """How a server behaves; what is above a limit is refused with the reason."""

    group = "server"

    host: str = option("address to listen at; 0.0.0.0 is all of this machine", default="127.0.0.1")
    port: int = option("port to listen at; 0 takes one that is free", default=8000, least=0, below=65536)
    max_bytes: int = option("bytes of a request at most", default=1 << 20, least=1)
    max_records: int = option("records of a request at most", default=256, least=1)
    max_characters: int = option("characters of all records of a request at most", default=20_000, least=1)
    max_option: int = option("largest number of a prediction option, such as n_best", default=256, least=1)
    timeout: float = option("seconds in which a request must come, and in which it is answered", default=20, above=0)
    waiting: int = option("records that may wait at once; what is more is refused", default=4096, least=1)
    batch: int = option("records that are computed together at most", default=64, least=1)
    connections: int = option("connections that are served at once", default=512, least=1)
