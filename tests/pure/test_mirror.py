"""The two implementations are mirror images: the same sections, names, imports and wording, so that what is left of
their diff is what differs between the two APIs."""

import ast
import asyncio
import itertools
import re
from pathlib import Path

import pytest

from common.logs import EVENTS
from comparison.vocabulary import KINDS

ROOT = Path(__file__).parents[2]
APIS = ("protocol_impl", "streams_impl")
MOST_LINES = 120

PLACED_BY_THE_API = {"server": "Writing must wait", "client": None}
"""Streams has sent when it has waited; a Protocol hears afterwards that it must wait."""

role = pytest.mark.parametrize("role", ["server", "client"])
file = pytest.mark.parametrize("file", [f"{api}/{role}.py" for api in APIS for role in ("server", "client")])


def read(file: str) -> str:
    return (ROOT / file).read_text()


def of_both(look, role: str) -> list:
    """What `look` sees in the source of a role in Protocol and in Streams."""
    return [look(read(f"{api}/{role}.py")) for api in APIS]


def labels(source: str) -> list[str]:
    """The labels of the sections, in order."""
    return re.findall(r"^ *# --- (.+) ---$", source, re.MULTILINE)


def sections(source: str) -> dict[str, str]:
    """The code under each label."""
    _, *parts = re.split(r"^ *# --- (.+) ---$", source, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def snake_case(name: str) -> str:
    """`EchoServer` is the Protocol's way to write `echo_server`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def names(source: str) -> set[str]:
    """What is defined, at any depth, but for the callbacks that asyncio calls and what Python itself calls."""
    return {
        snake_case(node.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not hasattr(asyncio.Protocol, node.name)
        and not hasattr(asyncio.BufferedProtocol, node.name)
        and not re.fullmatch("__.+__", node.name)
    }


def signatures(source: str) -> dict[str, str]:
    """The functions of the module with their parameters and results."""
    return {
        node.name: f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def common_imports(source: str) -> list[str]:
    """Every name that is taken from `common`."""
    return sorted(
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "common"
        for alias in node.names
    )


def told(source: str) -> set[str]:
    """The events of the log that a source names."""
    return {event for event in strings(source) if event in EVENTS}


def strings(source: str) -> set[str]:
    """All literals of text but for docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings
    }


@role
def test_the_sections_have_the_same_labels_in_the_same_order(role):
    protocol, streams = of_both(labels, role)
    assert len(protocol) == len(set(protocol)) >= 7
    assert set(protocol) == set(streams)
    free = PLACED_BY_THE_API[role]
    assert [label for label in protocol if label != free] == [label for label in streams if label != free]


@file
def test_what_is_told_is_told_under_the_label_that_the_engine_names(file):
    side = Path(file).stem
    code = sections(read(file))
    where = {name: getattr(kind, side) for name, kind in KINDS.items() if getattr(kind, side) in code}
    told_in = {
        name: [label for label, text in code.items() if re.search(rf'log\.(tell\("{name}"|{name}\()', text)]
        for name in where
    }
    found = {name: labels for name, labels in told_in.items() if labels}
    assert found == {name: [where[name]] for name in found}
    assert found.keys() >= ({"received", "sent"} if side == "server" else {"sending", "received", "waiting"})


@role
def test_each_api_waits_under_the_label_of_waiting(role):
    protocol, streams = (
        [label for label, text in code.items() if re.search(waits, text)]
        for code, waits in zip(of_both(sections, role), [r"def (pause|resume)_writing", r"\.drain\(\)"], strict=True)
    )
    assert protocol == streams == ["Writing must wait"]


def test_both_clients_begin_to_read_and_write_under_one_label():
    begun = of_both(lambda source: [label for label, text in sections(source).items() if "TaskGroup" in text], "client")
    assert begun == [["Read and write at once"]] * 2


@file
def test_a_section_that_needs_no_code_says_so(file):
    lines = [line for line in read(file).splitlines() if line.strip()]
    empty = [line for line, after in itertools.pairwise(lines) if labels(line) and labels(after)]
    assert empty == []


@role
def test_the_names_are_the_same_however_each_api_writes_them(role):
    protocol, streams = of_both(names, role)
    assert protocol == streams != set()


@role
def test_functions_that_both_have_take_and_return_the_same(role):
    protocol, streams = of_both(signatures, role)
    shared = protocol.keys() & streams.keys()
    assert len(shared) >= 2
    assert {name: protocol[name] for name in shared} == {name: streams[name] for name in shared}


@role
def test_they_share_the_same_policy(role):
    protocol, streams = of_both(common_imports, role)
    assert protocol == streams != []


@role
def test_protocol_narrates_the_eof_and_that_is_all_that_one_tells_and_the_other_does_not(role):
    protocol, streams = of_both(told, role)
    assert protocol - streams == {"eof"}
    assert streams - protocol == set()


@file
def test_the_wording_of_the_log_is_that_of_common(file):
    assert strings(read(file)) - EVENTS.keys() == {"__main__"}


@pytest.mark.parametrize("folder", ["protocol_impl", "streams_impl", "common"])
def test_nobody_touches_a_private_attribute_of_another(folder):
    touched = [
        f"{path.name}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted((ROOT / folder).glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and re.match(r"_(?!_.*__$)", node.attr)
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ]
    assert touched == []


@file
def test_an_implementation_can_be_read_in_one_go(file):
    assert len(read(file).splitlines()) <= MOST_LINES
