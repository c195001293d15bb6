"""Who takes part: implementation x event loop x Python interpreter -> the commands that start a server and a client.

The one module of the engine with the names of the implementations and of the loops. A further implementation, in any
language, is a row in `IMPLEMENTATIONS`: the commands of its server and of its client.
"""

import json
import os
import platform
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from common.logs import escape
from common.loops import LOOPS, USUAL, packages
from comparison.model import NO_LEVEL, CannotCompare, Endpoint, Interpreter
from comparison.options import did_you_mean
from comparison.play.processes import ROOT, output_of


@dataclass(frozen=True)
class Commands:
    """How an implementation is started. `{python}` and `{loop}` stand for an interpreter and a loop; an implementation
    whose commands have neither is one endpoint, whatever the loops and interpreters of the others."""

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

_PROBE = """
import importlib.metadata, importlib.util, json, os, platform, sys
answer = os.dup(1)
os.dup2(2, 1)  # a module may print while it is imported

def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""

def behind(loop):
    inherited = [kind.__module__ for kind in type(loop).__mro__]
    patched = [getattr(value, "__module__", None) or "" for value in getattr(loop, "__dict__", {}).values()]
    of_module = importlib.metadata.packages_distributions()
    return {name for module in inherited + patched for name in of_module.get(module.partition(".")[0], ())}

versions, problems = {}, {}
for loop in sys.argv[1:] if sys.version_info >= (3, 11) else ():  # to another it is said that it is too old
    try:
        from common.loops import LOOPS, loop_factory, packages
        if loop in LOOPS:
            found = [name for name in packages(loop) if importlib.util.find_spec(name) is not None]
        else:
            made = loop_factory(loop)()
            found = sorted({*packages(loop), *behind(made)})
            made.close()
        versions |= {name: version(name) for name in found}
    except BaseException as error:
        problems[loop] = str(error) or repr(error)
found = [platform.python_implementation(), sys.version_info[:3], versions, problems]
os.write(answer, json.dumps(found).encode())
os._exit(0)  # a module may have started a thread
"""


def meant(loops: Sequence[str] | None) -> tuple[str, ...]:
    """The loops that somebody asks for: the usual ones where nobody does; `all` stands for every one with a name."""
    if loops is None:
        return USUAL
    return tuple(dict.fromkeys(each for loop in loops for each in (LOOPS if loop == "all" else (loop,))))


def interpreters(paths: Sequence[str], loops: Sequence[str] | None) -> list[Interpreter]:
    """Ask each interpreter for its version and for the packages of `loops`, see `meant`; no path stands for the running
    one.

    Raises CannotCompare where one cannot be run or is too old, and where a loop is not one.
    """
    asked = meant(loops)
    for loop in asked:
        module, colon, factory = loop.partition(":")
        if loop not in LOOPS and not (module and colon and factory):
            known = ", ".join(LOOPS)
            guess = did_you_mean(loop, LOOPS)
            raise CannotCompare(f"unknown event loop {loop!r}: choose {known}, all, or MODULE:FACTORY{guess}")
    # Endpoints run in the folder of the project, and a path may be relative to the user's.
    absolute = dict.fromkeys(os.path.abspath(shutil.which(path) or path) for path in paths or [sys.executable])
    return [_ask(path, asked) for path in absolute]


def _ask(path: str, loops: Sequence[str]) -> Interpreter:
    try:
        output = output_of([path, "-c", _PROBE, *loops], cwd=ROOT)
        implementation, (major, minor, micro), versions, problems = json.loads(output)
    except (OSError, ValueError, TypeError) as error:
        named = ", ".join(loop for loop in loops if ":" in loop)
        if named and _ask(path, ()):
            raise CannotCompare(
                f"event loop {escape(named)!r} cannot be tried ({error}); name a function that makes a loop"
            ) from None
        raise CannotCompare(f"--python {path!r} is no Python that can be run ({error}); give the path of one") from None
    version = f"{major}.{minor}.{micro}"
    if (major, minor) < (3, 11):
        raise CannotCompare(f"--python {path!r} is Python {version}; give one of 3.11 or newer")
    for problem in problems.values():
        raise CannotCompare(escape(problem))
    return Interpreter(path, version if implementation == "CPython" else f"{implementation} {version}", versions)


def available(pythons: Sequence[Interpreter], loops: Sequence[str] | None) -> tuple[list[Endpoint], list[str]]:
    """Every endpoint that this machine can run, and a note for what is missing. Raises CannotCompare, see `arms`."""
    found, notes = arms(pythons, loops)
    endpoints = [_endpoint(name, loop, python, pythons) for loop, python in found for name in IMPLEMENTATIONS]
    order = list(IMPLEMENTATIONS)
    return sorted(dict.fromkeys(endpoints), key=lambda endpoint: order.index(endpoint.implementation)), notes


def arms(
    pythons: Sequence[Interpreter], loops: Sequence[str] | None
) -> tuple[list[tuple[str, Interpreter]], list[str]]:
    """Every loop with every Python that has it, see `meant`, and a note for what is missing.

    A loop that the user named must be there: raises CannotCompare with the command that installs it.
    """
    found, notes = [], []
    for loop in meant(loops):
        missing = [python for python in pythons if not python.versions.keys() >= set(packages(loop))]
        for python in missing:
            install = f"{shlex.quote(python.path)} -m pip install {' '.join(packages(loop))}"
            if loops is not None and loop in loops:
                raise CannotCompare(f"event loop {loop!r} is not installed; install it with: {install}")
            notes.append(
                f"{loop} is not installed for Python {python.version}, so it is left out; to add it: {install}"
            )
        found += [(loop, python) for python in pythons if python not in missing]
    return found, notes


def by_name(pythons: Sequence[Interpreter]) -> list[Endpoint]:
    """Those that take part only where they are named."""
    return [_endpoint(name, NO_LEVEL, python, pythons) for name in BY_NAME for python in pythons]


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
    or_else = "or say with --server-address HOST:PORT where it always listens"
    server = _words("--server-command", server_command, or_else if address is None else None)
    or_else = "or wrap one that always has the same in a script: each server has another port"
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
    """A command as a shell would split it; empty where there is none. It has a `{port}`, unless there
    is no `or_else`, the remedy for whoever cannot put one in."""
    if command is None:
        return ()
    if or_else is not None and "{port}" not in command:
        raise CannotCompare(f"{option} {command!r} has no {{port}}; put it where the program takes its port, {or_else}")
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise CannotCompare(f"{option} {command!r}: {str(error).lower()}; quote it as for a shell") from None


def select(endpoints: Sequence[Endpoint], names: Sequence[str] | None, option: str) -> list[Endpoint]:
    """The endpoints that one of `names` stands for: an implementation, a loop, or a whole label; without names, all
    that take part of themselves. Raises CannotCompare."""
    if names is None:
        return [endpoint for endpoint in endpoints if endpoint.implementation not in BY_NAME]
    for name in names:
        if not any(_matches(endpoint, name) for endpoint in endpoints):
            known = dict.fromkeys(part for e in endpoints for part in (e.implementation, e.label))
            guess = did_you_mean(name, [*known, *(end.loop for end in endpoints)])
            raise CannotCompare(
                f"{option} {name!r} stands for no endpoint{guess or '; known here: ' + ', '.join(known)}"
            )
    return [endpoint for endpoint in endpoints if any(_matches(endpoint, name) for name in names)]


def environment(pythons: Sequence[Interpreter]) -> dict[str, str]:
    """What is compared with what, for the head of a report."""
    loops: dict[str, dict[str, None]] = {}
    for python in pythons:
        for name, version in python.versions.items():
            loops.setdefault(name, {})[version] = None
    return {
        "Python": ", ".join(dict.fromkeys(python.version for python in pythons)),
        **{name: ", ".join(versions) for name, versions in loops.items()},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _endpoint(name: str, loop: str, python: Interpreter, pythons: Sequence[Interpreter]) -> Endpoint:
    commands = IMPLEMENTATIONS.get(name) or BY_NAME[name]
    words = "".join((*commands.server, *commands.client))
    # Among several interpreters the version tells which, and among several of one version the path.
    alike = [other for other in pythons if other.version == python.version]
    version = python.version if len(alike) == 1 else f"{python.version} {python.path}"
    levels = [loop] if "{loop}" in words else []
    levels += [version] if "{python}" in words and len(pythons) > 1 else []
    server, client = (
        tuple(word.replace("{python}", python.path).replace("{loop}", loop) for word in command)
        for command in (commands.server, commands.client)
    )
    return Endpoint(
        implementation=name,
        loop=loop if "{loop}" in words else NO_LEVEL,
        python=version if "{python}" in words else NO_LEVEL,
        label="/".join((name, *levels)),
        server_command=server,
        client_command=client,
        takes_options=name not in BY_NAME,
    )


def _matches(endpoint: Endpoint, name: str) -> bool:
    own = (endpoint.implementation, endpoint.loop)
    return name in (*own, endpoint.label, "/".join(own))
