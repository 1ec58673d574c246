"""Who may import whom: rooms on floors, no cycles, and names that cross a room's border stand in its `__init__`."""

import ast
import functools
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nlpkit"
FLOORS = {
    "text": 0, "ops": 0, "layers": 1, "losses": 1, "metrics": 1, "optimizers": 1, "datasets": 1, "decoding": 1,
    "training": 2, "prediction": 2, "tasks": 3, "artefacts": 4, "runs": 5, "export": 5, "reports": 5, "cli": 6,
    "web": 6,
}  # fmt: skip
ABOVE_TASKS = ("artefacts", "runs", "export", "reports", "cli", "web")


def module_of(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if "templates" not in path.parts}


@functools.cache
def imports_of(module):
    """What a module imports of this package: pairs of a module and a name of it or None, and whether at run time.

    Imports within functions count; those of type checkers alone don't happen at run time.
    """
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    of_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for each in node.body
        for inner in ast.walk(each)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(each.name, None, id(node) not in of_types) for each in node.names if each.name in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nlpkit":
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                target = (inner, None) if inner in MODULES else (node.module, each.name)
                found.append((*target, id(node) not in of_types))
    return found


def room_of(module):
    return [*module.split("."), ""][1]


def test_nothing_imports_upwards():
    for module in MODULES:
        room = room_of(module)
        for target, _, _ in imports_of(module):
            other = room_of(target)
            if room not in FLOORS or other not in FLOORS:
                continue
            assert FLOORS[other] <= FLOORS[room], f"{module} imports {target}"
            parts = target.split(".")
            if room == other == "tasks" and len(parts) > 3:
                own = module.split(".")[2:3]
                assert parts[2] in (*own, "shared"), f"{module} imports {target} of another task"


def test_only_what_stands_above_tasks_names_what_stands_there():
    for module in MODULES:
        for target, _, _ in imports_of(module):
            if room_of(target) in ABOVE_TASKS and module != "nlpkit":
                assert room_of(module) in (*ABOVE_TASKS, "__main__"), f"{module} imports {target}"


def test_no_cycle_of_imports():
    """Of run-time imports, those within functions included: each module can be understood after what it imports."""
    # That the package gives out names of its rooms, and a room those of its modules, makes no cycle.
    links = {
        module: {target for target, _, is_run in imports_of(module) if is_run and target != module}
        for module in MODULES
        if module != "nlpkit"
    }
    done, path = set(), []

    def visit(module):
        if module in path:
            raise AssertionError("a cycle: " + " → ".join([*path[path.index(module) :], module]))
        if module in done or module not in links:
            return
        path.append(module)
        for target in sorted(links[module]):
            visit(target)
        done.add(path.pop())

    for module in links:
        visit(module)


def names_of(room):
    """The names in the `__all__` of a room."""
    tree = ast.parse((PACKAGE / room / "__init__.py").read_text("utf-8"))
    values = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"]
    return {each.value for each in values[0].elts} if values else set()


def test_a_room_gives_out_what_others_use():
    """A module stands for its names where these are used through it, as `linear_chain.viterbi_decode`."""
    for module in MODULES:
        for target, name, _ in imports_of(module):
            room = room_of(target)
            if room in ("", room_of(module)) or room not in FLOORS or (module == "nlpkit" and room == "tasks"):
                continue
            last = target.rpartition(".")[2]
            assert {name, last} & names_of(room), (
                f"{module} imports {name} of {target}, which nlpkit.{room} keeps to itself"
            )


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_gives_out_what_it_says(room):
    module = importlib.import_module(f"nlpkit.{room}")
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        module.nothing  # noqa: B018
    assert getattr(importlib.import_module("nlpkit"), room) is module
