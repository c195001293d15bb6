"""Who takes part: implementation x event loop x Python interpreter -> the commands that start a server and a client,
and the sources behind them.

The one module of the engine with the names of the implementations and of the loops. A further implementation, in any
language, is a row in `IMPLEMENTATIONS`: the commands of its server and of its client.
"""

import itertools
import json
import os
import platform
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common.logs import escape
from common.loops import LOOPS, USUAL, packages
from comparison.model import NO_LEVEL, CannotCompare, Endpoint, Interpreter
from comparison.options import did_you_mean, words
from comparison.play.processes import ROOT, Launcher


class Commands(NamedTuple):
    """How an implementation is started. `{python}` and `{loop}`, each a word, stand for an interpreter and a loop; an
    implementation whose commands have neither is one endpoint, whatever the loops and interpreters of the others."""

    server: tuple[str, ...]
    client: tuple[str, ...]


def _package(name: str) -> Commands:
    """The commands of a Python package that has a `server` and a `client`; its log lines are JSON."""
    options = ("--loop", "{loop}", "--log-format", "json")
    return Commands(("{python}", "-m", f"{name}.server", *options), ("{python}", "-m", f"{name}.client", *options))


IMPLEMENTATIONS = {"streams": _package("streams_impl"), "protocol": _package("protocol_impl")}
"""Implementation -> its commands, run in the folder of the project. The first is the reference."""

BY_NAME = {
    f"smallest-{api}": Commands(("{python}", f"docs/smallest/{api}_server.py", "{host}", "{port}"), ())
    for api in ("streams", "protocol")
}
"""The same for those that take part only where they are named, and take no options."""

ASK_S = 30.0  # what an interpreter gets to answer
_PROBE = r"""
import importlib.metadata, importlib.util, json, os, platform, sys

def behind(loop):
    parts = [*type(loop).__mro__, *getattr(loop, "__dict__", {}).values()]  # what it inherits, and what was patched
    modules = {(getattr(part, "__module__", None) or "").partition(".")[0] for part in parts}
    of_module = importlib.metadata.packages_distributions()
    return {name for module in modules for name in of_module.get(module, ())}

versions, problem = {}, ""
try:
    for loop in sys.argv[1:] if sys.version_info >= (3, 11) else ():  # to another it is said that it is too old
        from common.loops import LOOPS, loop_factory, packages
        if loop in LOOPS:
            found = [name for name in packages(loop) if importlib.util.find_spec(name) is not None]
        else:
            made = loop_factory(loop)()
            found = sorted({*packages(loop), *behind(made)})
            made.close()
        for name in found:
            known = importlib.metadata.distributions(name=name)
            versions[name] = next((distribution.version for distribution in known), "")
except BaseException as error:
    problem = str(error) or repr(error)
told = [platform.python_implementation(), sys.version_info[:3], versions, problem]
os.write(1, b"\n" + json.dumps(told).encode())  # the last line: a module may print while it is imported
os._exit(0)  # and it may have started a thread
"""


def meant(loops: Sequence[str] | None) -> tuple[str, ...]:
    """The loops that somebody asks for: the usual ones where nobody does; `all` stands for every one with a name."""
    asked = USUAL if loops is None else loops
    return tuple(dict.fromkeys(each for loop in asked for each in (LOOPS if loop == "all" else (loop,))))


def interpreters(paths: Sequence[str], loops: Sequence[str] | None) -> list[Interpreter]:
    """Ask each interpreter for its version and for the packages of `loops`, see `meant`; no path stands for the running
    one. Raises CannotCompare where one cannot be run or is too old, and where a loop is not one."""
    for loop in meant(loops):
        if loop not in LOOPS and ":" not in loop:
            known, guess = ", ".join(LOOPS), did_you_mean(loop, LOOPS)
            raise CannotCompare(f"unknown event loop {loop!r}: choose {known}, all, or MODULE:FACTORY{guess}")
    # Endpoints run in the folder of the project, and a path may be relative to the user's.
    absolute = dict.fromkeys(os.path.abspath(shutil.which(path) or path) for path in paths or [sys.executable])
    return [_ask(path, meant(loops)) for path in absolute]


def _ask(path: str, loops: Sequence[str]) -> Interpreter:
    try:
        with Launcher() as launcher:
            log = launcher.start([path, "-c", _PROBE, *loops]).wait(ASK_S)
        if log.exit_code != 0:
            raise OSError(log.trouble or f"exit code {log.exit_code}")
        implementation, (major, minor, micro), versions, problem = json.loads("".join(log.lines[-1:]))
    except (OSError, ValueError, TypeError) as error:
        named = ", ".join(loop for loop in loops if ":" in loop)
        if named and _ask(path, ()):
            remedy = "name a function that makes a loop"
            raise CannotCompare(f"event loop {escape(named)!r} cannot be tried ({error}); {remedy}") from None
        raise CannotCompare(f"--python {path!r} is no Python that can be run ({error}); give the path of one") from None
    version = f"{major}.{minor}.{micro}"
    if (major, minor) < (3, 11):
        raise CannotCompare(f"--python {path!r} is Python {version}; give one of 3.11 or newer")
    if problem:
        raise CannotCompare(escape(problem))
    return Interpreter(path, version if implementation == "CPython" else f"{implementation} {version}", versions)


def available(pythons: Sequence[Interpreter], loops: Sequence[str] | None) -> tuple[list[Endpoint], list[str]]:
    """Every endpoint that this machine can run, also by name only, and notes of what is missing. Raises CannotCompare,
    see `arms`."""
    found, notes = arms(pythons, loops)
    names = (*IMPLEMENTATIONS, *BY_NAME)
    endpoints = (_endpoint(name, loop, python, pythons) for name in names for loop, python in found)
    return list(dict.fromkeys(endpoints)), notes


def arms(
    pythons: Sequence[Interpreter], loops: Sequence[str] | None
) -> tuple[list[tuple[str, Interpreter]], list[str]]:
    """Every loop with every Python that has it, see `meant`, and a note for what is missing. Raises CannotCompare, with
    the command that installs it, where that is a loop that the user named."""
    found, notes = [], []
    for loop, python in itertools.product(meant(loops), pythons):
        install = f"{shlex.quote(python.path)} -m pip install {' '.join(packages(loop))}"
        if python.versions.keys() >= set(packages(loop)):
            found.append((loop, python))
        elif loops is not None and loop in loops:
            raise CannotCompare(f"event loop {loop!r} is not installed; install it with: {install}")
        else:
            note = f"{loop} is not installed for Python {python.version}, so it is left out; to add it: {install}"
            notes.append(note)
    return found, notes


def third_party(
    name: str, server_command: str | None, client_command: str | None, server_address: str | None = None
) -> Endpoint:
    """An endpoint that is two commands, or one, of any program; `{host}` and `{port}` in them are filled in. Its server
    may have an address of its own instead, `HOST:PORT`.

    It takes no options of ours: its client reads what it has to send from standard input. Raises CannotCompare.
    """
    if not name or name in (*IMPLEMENTATIONS, *BY_NAME) or not name.isprintable() or "," in name:
        known = ", ".join((*IMPLEMENTATIONS, *BY_NAME))
        raise CannotCompare(f"--endpoint {name!r}: give it a name of its own, without a comma; taken are {known}")
    if server_command is None and client_command is None:
        raise CannotCompare(f"--endpoint {name}: give it a --server-command, a --client-command, or both")
    if server_address is not None and server_command is None:
        raise CannotCompare(f"--endpoint {name}: --server-address says where a --server-command listens; give both")
    address = None if server_address is None else _address(server_address)
    or_else = "say with --server-address HOST:PORT where it always listens"
    server = _words("--server-command", server_command, or_else if address is None else None)
    or_else = "wrap one that always has the same in a script: each server has another port"
    client = _words("--client-command", client_command, or_else)
    return Endpoint(name, NO_LEVEL, NO_LEVEL, name, server, client, takes_options=False, server_address=address)


def _address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, an IPv6 address in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):([0-9]{1,5})", text, re.ASCII)
    if match is None or not 0 < int(match[3]) < 65536:
        raise CannotCompare(f"--server-address {text!r}: give HOST:PORT such as localhost:10000 or [::1]:10000")
    host, port = match[1] or match[2], int(match[3])
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError):  # a part of it that is empty or too long
        raise CannotCompare(f"--server-address {text!r}: no host has that name; give one that is known here") from None
    return host, port


def _words(option: str, command: str | None, or_else: str | None) -> tuple[str, ...]:
    """The words of a command; none where there is none. It has a `{port}` where there is something to do `or_else`."""
    if command is not None and or_else is not None and "{port}" not in command:
        place = "put it where the program takes its port"
        raise CannotCompare(f"{option} {command!r} has no {{port}}; {place}, or {or_else}")
    return () if command is None else words(option, command)


def select(endpoints: Sequence[Endpoint], names: Sequence[str] | None, option: str) -> list[Endpoint]:
    """The endpoints that one of `names` stands for: an implementation, a loop, or a whole label; without names, all
    that take part of themselves. Raises CannotCompare."""
    if names is None:
        return [endpoint for endpoint in endpoints if endpoint.implementation not in BY_NAME]
    goes_by = {end: {end.implementation, end.loop, end.label, f"{end.implementation}/{end.loop}"} for end in endpoints}
    for name in names:
        if not any(name in own for own in goes_by.values()):
            known = dict.fromkeys(part for end in endpoints for part in (end.implementation, end.label))
            rest = did_you_mean(name, [*known, *(end.loop for end in endpoints)]) or f"; known here: {', '.join(known)}"
            raise CannotCompare(f"{option} {name!r} stands for no endpoint{rest}")
    return [endpoint for endpoint, own in goes_by.items() if not own.isdisjoint(names)]


def environment(pythons: Sequence[Interpreter]) -> dict[str, str]:
    """What is compared with what, for the head of a report."""
    versions = [("Python", python.version) for python in pythons]
    versions += [found for python in pythons for found in python.versions.items()]
    told = {name: ", ".join(dict.fromkeys(own for other, own in versions if other == name)) for name, _ in versions}
    return told | {"system": f"{platform.system()} {platform.release()} {platform.machine()}"}


def _endpoint(name: str, loop: str, python: Interpreter, pythons: Sequence[Interpreter]) -> Endpoint:
    commands = IMPLEMENTATIONS.get(name) or BY_NAME[name]
    every_word = (*commands.server, *commands.client)
    has_loop, has_python = "{loop}" in every_word, "{python}" in every_word
    # Among several interpreters the version tells which, and among several of one version the path.
    alike = [other for other in pythons if other.version == python.version]
    version = python.version if len(alike) == 1 else f"{python.version} {python.path}"
    label = "/".join((name, *[loop] * has_loop, *[version] * (has_python and len(pythons) > 1)))
    levels = loop if has_loop else NO_LEVEL, version if has_python else NO_LEVEL
    filled = {"{python}": python.path, "{loop}": loop}
    server, client = (tuple(filled.get(word, word) for word in command) for command in commands)
    return Endpoint(name, *levels, label, server, client, takes_options=name not in BY_NAME)


def source_of(command: Sequence[str]) -> Path | None:
    """The file of a module of this project that a command starts, `-m NAME`; None where it starts something else."""
    for option, name in itertools.pairwise(command):
        if option == "-m":
            path = Path(*name.split(".")).with_suffix(".py")
            return path if (ROOT / path).is_file() else None
    return None


LABEL = re.compile(r" *# --- (.+) ---")
HEAD = "Imports"  # what stands before the first label
Numbered = list[tuple[int, str]]


def sections_of(source: str) -> dict[str, Numbered]:
    """Label -> the numbered lines of its section, without the label and without empty lines around."""
    label = HEAD
    found: dict[str, Numbered] = {label: []}
    for number, line in enumerate(source.splitlines(), 1):
        if match := LABEL.fullmatch(line):
            label = match[1]
        own = found.setdefault(label, [])
        if not match and (own or line.strip()):
            own.append((number, line))
    for own in found.values():
        while own and not own[-1][1].strip():
            own.pop()
    return found
