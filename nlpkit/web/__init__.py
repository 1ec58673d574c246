"""Models behind HTTP: JSON in and out, and a page for people. Needs the extra ``web``."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.web.app import create_app
    from nlpkit.web.options import ServerOptions
    from nlpkit.web.server import open_folders, serve

__all__ = [
    "ServerOptions",
    "create_app",
    "open_folders",
    "serve",
]

__getattr__ = on_demand(__name__)
