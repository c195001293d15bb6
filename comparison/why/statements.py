"""From the source of a program to its alterations, one change of one statement each. Pure."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from comparison.endpoints import sections_of

CHANGES = {
    "left out": "without it",
    "opposite": "were it the opposite",
    "always true": "were it always so",
    "always false": "were it never so",
    "close": "with close() instead",
    "abort": "with abort() instead",
    "no handler": "without its except",
    "no finally": "were its finally left out after an error",
    "bare": "without it, but with what stands in it",
}
"""Each change, and how a sentence about it begins."""

# What is no statement of its own here: without it, what stands below it or in it goes, too, or nothing does.
FRAME = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)

Key = tuple[str, str, str, int]
"""What an alteration goes by from one version of a program to the next: the file, the code, the change, and which of
those with both it is."""


@dataclass(frozen=True)
class Alteration:
    """A change of a statement, whose own lines are `first` to `last`, and the whole program without and with it."""

    file: str
    first: int
    last: int
    section: str
    code: str
    change: str
    nth: int
    usual: str
    source: str

    @property
    def key(self) -> Key:
        return self.file, self.code, self.change, self.nth

    @property
    def place(self) -> str:
        """As the command line names it."""
        return f"{self.file}:{self.first}"


def alterations(file: str, source: str) -> list[Alteration]:
    """All of a program, from its first line to its last. That an `await` of a drain or a close is taken away is the
    same as the statement left out: it stands alone."""
    tree = ast.parse(source)
    usual = _written(tree)
    sections = {number: label for label, lines in sections_of(source).items() for number, _ in lines}
    found, times = [], Counter[tuple[str, str]]()
    for body in sorted(_bodies(tree), key=lambda body: body[0].lineno):
        for at, statement in enumerate(list(body)):
            if isinstance(statement, FRAME) or _is_text(statement):
                continue
            last, code = _head(statement)
            where = file, statement.lineno, last, sections[statement.lineno], code
            for change, instead in _changes(statement, outside=body is tree.body):
                body[at : at + 1] = instead or [ast.Pass()]
                altered = _written(tree)
                body[at : at + max(1, len(instead))] = [statement]
                times[code, change] += 1
                found.append(Alteration(*where, change, times[code, change], usual, altered))
    return sorted(found, key=lambda alteration: alteration.first)


def _written(tree: ast.Module) -> str:
    """A program in the form that all have here, altered or not: what they quote of themselves is then the same."""
    return f"{ast.unparse(ast.fix_missing_locations(tree))}\n"


def digest(source: str) -> str:
    """What stays the same as long as only comments, docstrings and the layout of a program change."""
    tree = ast.parse(source)
    for body in _bodies(tree):
        body[:] = [statement for statement in body if not _is_text(statement)]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


def _bodies(tree: ast.AST) -> list[list[ast.stmt]]:
    """Every list of statements."""
    fields = [getattr(node, name, None) for node in ast.walk(tree) for name in ("body", "orelse", "finalbody")]
    return [field for field in fields if isinstance(field, list) and field]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _head(statement: ast.stmt) -> tuple[int, str]:
    """The last of its own lines, and its code, each without what stands in it."""
    code = ast.unparse(statement)
    if not hasattr(statement, "body"):
        return statement.end_lineno or statement.lineno, code
    own = (part for part in ast.iter_child_nodes(statement) if not isinstance(part, ast.stmt | ast.ExceptHandler))
    ends = [getattr(node, "end_lineno", 0) for part in own for node in ast.walk(part)]
    return max([statement.lineno, *ends]), code.split("\n")[0]


def _changes(statement: ast.stmt, *, outside: bool) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Each change, and what then stands there; `outside` of all functions a condition is not touched."""
    match statement:
        case ast.If(test, body, orelse) if not outside:
            if orelse or len(body) > 1:  # else it is the same as its one statement left out
                yield "always false", orelse
            yield "always true", body
            yield "opposite", [_with(statement, test=ast.UnaryOp(ast.Not(), test))]
        case ast.While(test):
            yield "left out", []
            if not isinstance(test, ast.Constant):
                yield "always true", [_with(statement, test=ast.BoolOp(ast.Or(), [test, ast.Constant(True)]))]
                yield "opposite", [_with(statement, test=ast.UnaryOp(ast.Not(), test))]
        case ast.Try(body, handlers, orelse, finalbody):
            for handler in handlers:
                rest = [other for other in handlers if other is not handler]
                without = _with(statement, handlers=rest, orelse=orelse if rest else [])
                yield "no handler", [without] if rest or finalbody else [*body, *orelse]
            if finalbody:
                yield "no finally", [*([_with(statement, finalbody=[])] if handlers else [*body, *orelse]), *finalbody]
        case ast.With(items, body) | ast.AsyncWith(items, body):
            named = any(item.optional_vars is not None for item in items)
            yield ("left out", []) if named else ("bare", body)
        case ast.Expr(ast.Call(ast.Attribute(owner, "abort"))):
            yield "left out", []
            yield "close", ast.parse(f"{ast.unparse(owner)}.close()").body
        case ast.Expr(ast.Call(ast.Attribute(owner, "close"))):
            yield "left out", []
            closed = ast.unparse(owner)
            transport = closed if closed.endswith("transport") else f"{closed}.transport"
            yield "abort", ast.parse(f"{transport}.abort()").body
        case _:
            yield "left out", []


def _with(statement: ast.stmt, **fields: object) -> ast.stmt:
    return type(statement)(**(vars(statement) | fields))
