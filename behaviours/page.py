"""A behaviour's file as a reader sees it: its docstring in parts, and the code of each case in each API."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
GROUPS = {
    "data": "Data",
    "ends": "The ends of a connection",
    "servers": "Servers",
    "connecting": "Connecting",
    "tls": "TLS",
    "rely": "What you may rely on",
}
"""By where a reader meets them, in this order."""

SECTIONS = {"Streams": "streams", "Protocol": "protocol", "Either API": "either"}
"""The labels of the lesson."""

Part = tuple[str, str]
"""An API and a case."""


@dataclass(frozen=True)
class Page:
    """The text of a behaviour, without running anything. `code` has what the lesson says for a part, also where that
    is None: then the reason beside it."""

    module: str
    """What `python -m` is given."""
    group: str
    name: str
    title: str
    text: tuple[str, ...]
    instead: str
    sources: str
    code: dict[Part, str]
    constants: dict[str, str]
    """What stands above the lesson, by name: some of it the lesson uses."""


def pages() -> list[Page]:
    """Those of all behaviours, by group and title."""
    paths = [path for group in GROUPS for path in sorted((HERE / group).glob("[!_]*.py"))]
    return [read(path) for path in paths]


def read(path: Path) -> Page:
    """The page of a file."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    title, *paragraphs = [" ".join(part.split()) for part in (ast.get_docstring(tree) or "").split("\n\n")]
    text = [part for part in paragraphs if not part.startswith(("Instead: ", "Sources: "))]
    named = dict(part.split(": ", 1) for part in paragraphs if part not in text)
    return Page(
        ".".join(path.relative_to(HERE.parent).with_suffix("").parts),
        path.parent.name,
        path.stem.replace("_", "-"),
        title,
        tuple(text),
        named.get("Instead", ""),
        named.get("Sources", ""),
        _code(tree, source.splitlines()),
        {
            node.targets[0].id: ast.unparse(node)
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        },
    )


def labels(lines: list[str]) -> list[tuple[int, str]]:
    """The labels of the parts of a file, and the line after each."""
    found = ((number, re.fullmatch(r"# --- (.+) ---", line)) for number, line in enumerate(lines, 1))
    return [(number, match[1]) for number, match in found if match]


def _code(tree: ast.Module, lines: list[str]) -> dict[Part, str]:
    """The lesson, cut where a case begins: what stands before a case without being one belongs to it."""
    code: dict[Part, str] = {}
    starts = labels(lines)
    for (start, label), (end, _) in zip(starts, [*starts[1:], (len(lines) + 1, "")], strict=True):
        if label not in SECTIONS:
            continue
        done = start
        for node in tree.body:
            case = _case(node, SECTIONS[label])
            if start < node.lineno < end and case is not None:
                last = node.end_lineno or node.lineno
                code[SECTIONS[label], case] = "\n".join(lines[done:last]).strip("\n")
                done = last
    return code


def _case(node: ast.stmt, api: str) -> str | None:
    """The case that a definition is for."""
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            pass
        case ast.Assign([ast.Name(name)]):
            pass
        case _:
            return None
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return name.removeprefix(f"{api}_") if name.startswith(f"{api}_") else None


def is_none(code: str) -> str | None:
    """Why there is no code, in the words beside it; None where there is some."""
    match = re.fullmatch(r"\w+ = None(?:  # (.+))?", code)
    return (match[1] or "") if match else None


def beside(page: Page) -> str:
    """What the lesson uses and does not show: constants, and what it takes of the kit, with what that takes."""
    source = (HERE / "kit" / "given.py").read_text(encoding="utf-8")
    given = {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    lesson = "\n".join(page.code.values())
    constants = [line for name, line in page.constants.items() if re.search(rf"\b{name}\b", lesson) and name.isupper()]
    taken = [name for name in given if f"kit.{name}" in lesson]
    taken += [name for name in given if name not in taken and any(f"({name}," in given[other] for other in taken)]
    return "\n\n".join(["\n".join(constants), *(given[name] for name in taken)]).strip()
