"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import nlpkit

MODULES = [name for _, name, _ in pkgutil.walk_packages(nlpkit.__path__, "nlpkit.") if not name.endswith("__main__")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
