"""Options of the server: its address and its limits."""

from __future__ import annotations

from nlpkit.options import Options, option, options


@options
class ServerOptions(Options):
    """Options of a server; requests above a limit are refused with the reason."""

    group = "server"

    host: str = option("address to listen on; 0.0.0.0 means all addresses of this machine", default="127.0.0.1")
    port: int = option("port to listen on; 0 means a free one", default=8000, least=0, below=65536)
    max_bytes: int = option("largest size of a request, in bytes", default=1 << 20, least=1)
    max_records: int = option("largest number of records in a request", default=256, least=1)
    max_characters: int = option("largest number of characters of all records in a request", default=20_000, least=1)
    max_option: int = option("largest value of a numeric prediction option, such as n_best", default=256, least=1)
    timeout: float = option(
        "seconds within which a request must arrive, and within which it must be answered", default=20, above=0
    )
    waiting: int = option("largest number of waiting records; further requests are refused", default=4096, least=1)
    batch: int = option("largest number of records computed together", default=64, least=1)
    connections: int = option("largest number of simultaneous connections", default=512, least=1)
