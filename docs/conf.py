"""Sphinx: `pip install ".[docs]" && sphinx-build -W docs build/docs`."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nlpkit import __version__

project = "nlpkit"
author = "the nlpkit authors"
copyright = author
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = f"nlpkit {version}"
exclude_patterns = ["conf.py"]
default_role = "code"  # docstrings write names in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_custom_sections = [("Call arguments", "params_style")]
# Pages link to files of the repository, which are no pages.
suppress_warnings = ["myst.xref_missing", "myst.header"]
