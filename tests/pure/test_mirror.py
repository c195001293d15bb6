"""The two implementations are mirror images: the same sections, names, imports and wording, so that what is left of
their diff is what differs between the two APIs."""

import ast
import asyncio
import itertools
import re
from pathlib import Path

import pytest

from common.logs import EVENTS

ROOT = Path(__file__).parents[2]
APIS = ("protocol_impl", "streams_impl")
MOST_LINES = 120

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
    assert protocol == streams
    assert len(protocol) == len(set(protocol)) >= 7


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
