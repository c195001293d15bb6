"""The commands that bring again what a view shows: as a person would type them, with the same verdicts and exit code.
A pairing is not run by itself: what it is held against, and who else takes part, decides its verdict."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from common.config import PORT
from comparison.layout import Command
from comparison.model import RAW, Cell, Comparison, Pairing, Scenario, Survey, Transport
from comparison.play.processes import ROOT
from comparison.play.transports import HOSTS, TRANSPORTS, client_command, filled, server_command
from comparison.run import shown_elsewhere
from comparison.scenarios import SCENARIOS, TUTORIAL


def again(*words: str) -> str:
    """This program with other words, as it was started: by the interpreter, its options and the script."""
    start = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    is_this = Path(start[-1]).resolve().stem == "compare"
    return typed([*(start if is_this else ("python3", "compare.py")), *words])


def compare(comparison: Comparison, *more: str) -> str:
    """The command that compares it once more; before it the tutorial, where that has shown who drops out."""
    if comparison.saved_in:
        return again("judge", *comparison.saved_in, *more)
    scenario, transport = comparison.scenario, comparison.transport
    before = f"{TUTORIAL.name}," * any(shown_elsewhere(cell.reason) for cell in comparison.cells)
    words = ["--scenario", before + scenario.name] if scenario.name != TUTORIAL.name else []
    words += ["--transport", transport.name] if transport.name != scenario.transports[0] else []
    words += comparison.selection
    words += ["--repeat", str(comparison.repeat)] if comparison.repeat > 1 and "--repeat" not in more else []
    return again(*words, *more)


def next_step(survey: Survey) -> str:
    """What to type next: to see trouble line by line, else whether one comparison is steady, or one that tells most."""
    first, *others = survey.comparisons
    if trouble := [one for one in survey.comparisons if any(cell.verdict.is_trouble for cell in one.cells)]:
        return compare(trouble[0], "--raw")
    if others:
        return compare(max(survey.comparisons, key=lambda one: len(one.causes)))
    return compare(first, *(("--repeat", "20") if first.repeat == 1 and not first.saved_in else ("--raw",)))


def behaviours(comparison: Comparison) -> str:
    """The command that shows how the same loops and Pythons behave in experiments."""
    pairs = zip(comparison.selection, comparison.selection[1:], strict=False)
    return again("behaviours", *(word for pair in pairs if pair[0] in ("--loop", "--python") for word in pair))


def commands(comparison: Comparison, cell: Cell) -> list[Command]:
    """All of it through compare.py, which leaves in a folder what the other two refer to, such as certificates; and the
    server and the client by hand. Nobody can play by hand what the engine plays."""
    title, more = "All pairings of the scenario, with verdicts and logs", ["--raw"]
    scenario, transport = SCENARIOS.get(comparison.scenario.name), TRANSPORTS.get(comparison.transport.name)
    by_engine = RAW in (cell.pairing.server, cell.pairing.client)
    if not cell.runs or scenario is None or transport is None or by_engine or comparison.saved_in:
        return [Command(title, compare(comparison, *more))]
    name = f"{scenario.name}-{transport.name}"
    saved, there = f"saved-{name}", ""
    if not os.path.samefile(".", ROOT):  # where the two are run
        saved, there = os.path.abspath(saved), f"cd {word_of(str(ROOT))} && "
    server, client = by_hand(scenario, transport, cell.pairing, Path(saved, name))
    if saved in f"{server} {client}":
        title, more = f"{title}; it leaves in {saved} what the others need", [*more, "--save", saved]
    by_hands = [Command("The server", f"{there}{server}"), Command("The client", f"{there}{client}")]
    return [Command(title, compare(comparison, *more)), *by_hands]


def by_hand(scenario: Scenario, transport: Transport, pairing: Pairing, place: Path) -> tuple[str, str]:
    """The commands of both sides with plain logs and a known port; `place` is a folder that `prepare` has filled."""
    host, port = pairing.server.server_address or (HOSTS.get(transport.name, ""), PORT)
    serve = typed(filled(server_command(scenario, transport, pairing.server, place), port, host=host))
    command, payload = client_command(scenario, transport, pairing, place, port)
    connect = typed(command)
    if pairing.server.takes_options:
        serve = serve.replace(" --log-format json", "").replace("--port 0", f"--port {PORT}")
    if pairing.client.takes_options:
        connect = connect.replace(" --log-format json", "")
    return serve, connect if payload is None else f"{connect} < {word_of(str(payload))}"


def typed(words: Iterable[str]) -> str:
    """Words as a shell takes them."""
    return " ".join(map(word_of, words))


def word_of(word: str) -> str:
    """One of them; what no view can show as it is, such as a file name of any bytes, as bash and zsh spell it."""
    try:
        data = b"" if word.isprintable() and "`" not in word else os.fsencode(word)
    except UnicodeEncodeError:  # a saved result that was damaged
        data = b""
    letters = (chr(byte) if 32 <= byte < 127 and byte not in b"\\'`" else f"\\{byte:03o}" for byte in data)
    return f"$'{''.join(letters)}'" if data else shlex.quote(word)
