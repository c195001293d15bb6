"""Who may import whom: an implementation knows no engine, the engine knows no API, and what both implementations use
stands in one place. Read from the sources, so that nothing needs to be installed."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "common": {"common"},
    "protocol_impl": {"common", "protocol_impl"},
    "streams_impl": {"common", "streams_impl"},
    "behaviours": {"behaviours", "common"},
    "comparison": {"behaviours", "common", "comparison"},
    "compare": {"common", "comparison"},
}
"""Besides the standard library."""

ENGINE = ("comparison", "compare")
ANY_NUMBERS = ("common", "behaviours")
"""Where numbers stand: in one place of what both implementations use, and in experiments of their own."""

EXTRAS = ("rich", "trustme", "psutil", "jinja2", "markupsafe", "distributed")
"""What the engine is prettier with."""

STARTERS = ("comparison/play/processes.py", "comparison/play/far.py")
"""The one that starts what takes part, and a program that it starts, which starts another elsewhere."""

MEASURED = "comparison/bench/servers"
"""Programs that the benchmark starts like any endpoint: they use the API, and the engine does not import them."""

APART = {"comparison/play/": "comparison.judge", "comparison/judge/": "comparison.play"}
"""Runs that were played elsewhere, or earlier, can be judged here."""

STARTS_PROCESSES = {"subprocess", "multiprocessing", "pty"}
STARTS_PROCESSES_IN_OS = tuple(f"os.{name}" for name in ("fork", "spawn", "exec", "posix_spawn", "system", "popen"))


def imports(path: str, source: str) -> Iterator[tuple[str, bool]]:
    """The full names that a source imports, each with whether the program can go on without it: the import stands in
    a function, a `try` or an `if TYPE_CHECKING`."""

    def walk(node: ast.AST, optional: bool) -> Iterator[tuple[str, bool]]:
        match node:
            case ast.Import(names):
                yield from ((alias.name, optional) for alias in names)
            case ast.ImportFrom(module, names, level):
                base = [*PurePosixPath(path).parts[:-level], module] if level else [module]
                yield from ((".".join(filter(None, [*base, alias.name])), optional) for alias in names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Try():
                optional = True
            case ast.If(test) if ast.unparse(test).endswith("TYPE_CHECKING"):
                optional = True
        for child in ast.iter_child_nodes(node):
            yield from walk(child, optional)

    return walk(ast.parse(source), False)


def numbers(source: str) -> list[str]:
    """The numbers above 1 that a source spells out."""
    constants = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [repr(value) for value in constants if isinstance(value, int | float) and value > 1]


def all_names(found: list[tuple[str, bool]]) -> set[str]:
    """The names of imports, necessary or not."""
    return {name for name, _ in found}


def dotted_names(source: str) -> list[str]:
    """All names like `os.fork` that a source uses."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]


def violations(sources: dict[str, str]) -> list[str]:
    """What sources, by their paths, do that their layer must not do."""
    imported = {path: list(imports(path, source)) for path, source in sources.items()}
    needed = [f"{name}." for found in imported.values() for name, optional in found if not optional]
    wrong = []
    for path, source in sources.items():
        module = path.removesuffix(".py").replace("/", ".")
        layer = module.partition(".")[0]
        tops = {
            name.partition(".")[0]: optional for name, optional in sorted(imported[path], key=lambda found: -found[1])
        }
        found = tops.keys() - sys.stdlib_module_names - MAY_IMPORT[layer]
        if layer == "behaviours":
            found -= {extra for extra in EXTRAS if tops.get(extra)}
        if layer in ENGINE:
            # A whole view may need an extra, as long as nobody needs the view.
            view = layer == "comparison" and not any(name.startswith(f"{module}.") for name in needed)
            found -= {extra for extra in EXTRAS if view or tops.get(extra)}
            if not path.startswith(MEASURED):
                found |= tops.keys() & {"asyncio"}
                found |= {name for name in all_names(imported[path]) if name.startswith(MEASURED.replace("/", "."))}
            for folder, other in APART.items():
                if path.startswith(folder):
                    found |= {name for name in all_names(imported[path]) if f"{name}.".startswith(f"{other}.")}
            if path not in STARTERS:
                found |= tops.keys() & STARTS_PROCESSES
                found |= {name for name in dotted_names(source) if name.startswith(STARTS_PROCESSES_IN_OS)}
        elif layer not in ANY_NUMBERS:
            found |= set(numbers(source))
        wrong += [f"{path}: {name}" for name in sorted(found)]
    return wrong


def test_each_layer_keeps_to_its_own():
    paths = [path for layer in MAY_IMPORT for path in (*ROOT.glob(f"{layer}.py"), *ROOT.glob(f"{layer}/**/*.py"))]
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    for role in ("server", "client"):
        assert sources.keys() >= {f"common/{role}.py", f"protocol_impl/{role}.py", f"streams_impl/{role}.py"}
    assert violations(sources) == []


@pytest.mark.parametrize(
    ("path", "source", "wrong"),
    [
        ("common/loops.py", "import asyncio, importlib\nfrom common.config import HOST\nfrom . import logs", []),
        ("common/loops.py", "def f():\n    import uvloop", ["uvloop"]),
        ("common/server.py", "from streams_impl.server import start", ["streams_impl"]),
        ("common/server.py", "import comparison.model", ["comparison"]),
        ("streams_impl/server.py", "import asyncio\nfrom common.server import run_server\nread(1)", []),
        ("streams_impl/server.py", "import protocol_impl.server, uvloop", ["protocol_impl", "uvloop"]),
        ("protocol_impl/client.py", "from comparison import model", ["comparison"]),
        ("protocol_impl/client.py", "read(65536)\nwait(0.5 + 1.5)", ["1.5", "65536"]),
        ("behaviours/data/x.py", "import asyncio\nfrom behaviours import kit\nread(2)", []),
        (
            "behaviours/data/x.py",
            "import uvloop, streams_impl\nfrom comparison import run",
            ["comparison", "streams_impl", "uvloop"],
        ),
        ("behaviours/kit/tls.py", "def f():\n    import trustme", []),
        ("compare.py", "import argparse\nfrom comparison.report import text", []),
        ("compare.py", "import rich.progress", ["rich"]),
        ("compare.py", "def f():\n    import rich\nimport rich", ["rich"]),
        ("compare.py", "def f():\n    import subprocess", ["subprocess"]),
        ("comparison/run.py", "try:\n    from rich import table\nexcept ImportError:\n    table = None", []),
        ("comparison/run.py", "def show():\n    from rich import table\n    import attr", ["attr"]),
        ("comparison/endpoints.py", "import asyncio, uvloop", ["asyncio", "uvloop"]),
        ("comparison/endpoints.py", "import protocol_impl.server", ["protocol_impl"]),
        ("comparison/play/processes.py", "import subprocess, os\nos.posix_spawn(x)", []),
        ("comparison/bench/servers.py", "import asyncio\nimport comparison.bench.servers.program", []),
        ("comparison/judge/causes.py", "from comparison.model import Run\nfrom comparison.judge import factors", []),
        ("comparison/judge/causes.py", "from comparison.play.peers import Peer", ["comparison.play.peers.Peer"]),
        ("comparison/play/peers.py", "def f():\n    from comparison import judge", ["comparison.judge"]),
        ("comparison/bench/servers.py", "import uvloop", ["uvloop"]),
        ("comparison/bench/connections.py", "def f():\n    import asyncio", ["asyncio"]),
        (
            "comparison/bench/command.py",
            "from comparison.bench.servers import buffered",
            ["comparison.bench.servers.buffered"],
        ),
        ("comparison/bench/rounds.py", "import os\nos.fork()\nfrom subprocess import run", ["os.fork", "subprocess"]),
    ],
)
def test_whoever_leaves_a_layer_is_found(path, source, wrong):
    assert violations({path: source}) == [f"{path}: {name}" for name in wrong]


@pytest.mark.parametrize(
    ("importer", "wrong"),
    [
        ("def show():\n    from comparison.report import terminal", []),
        ("from comparison.report import terminal", ["comparison/report/terminal.py: rich"]),
        ("from comparison.report.terminal import show", ["comparison/report/terminal.py: rich"]),
        ("from .report import terminal", ["comparison/report/terminal.py: rich"]),
    ],
)
def test_a_view_may_need_an_extra_as_long_as_nobody_needs_the_view(importer, wrong):
    sources = {"comparison/report/terminal.py": "from rich.table import Table", "comparison/run.py": importer}
    assert violations(sources) == wrong
