"""Whatever a view suggests brings again what stands beside it: every command is harvested as a person would copy it,
typed into a shell where the run was started, and held against the result of that run."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from harness import DEADLINE_S, ROOT
from test_compare_cli import NEEDS_RICH, environment, program_file, story

import compare
from comparison.endpoints import third_party
from comparison.model import Pairing
from comparison.play.transports import TCP, TRANSPORTS
from comparison.report import repeat
from comparison.scenarios import TUTORIAL
from comparison.selection import chosen

COMPARE = str(ROOT / "compare.py")
PLAIN = ROOT / "tests" / "plain_echo.py"
ODD = "an odd $HOME's `name`"
TELLS = 'log.tell("waiting")'


def sh(line: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    """What comes of a line that is typed into a shell."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S,
        check=False, **more,
    )  # fmt: skip


@dataclass
class Started:
    """A run, by the line that was typed in `folder`, and all that came of it."""

    line: str
    folder: Path
    code: int = 0
    view: str = ""
    results: dict[str, dict] = field(default_factory=dict)
    """The comparison of each scenario."""

    def __post_init__(self):
        done = sh(f"{self.line} --save kept", self.folder)
        assert "Traceback" not in done.stderr, done.stderr
        self.code, self.view = done.returncode, done.stdout
        self.results = results_in(self.folder / "kept")

    def page(self) -> "Page":
        """What `report` makes of the saved results."""
        start = self.line.partition(" --")[0]
        files = " ".join(shlex.quote(str(path)) for path in sorted((self.folder / "kept").glob("*/result.json")))
        done = sh(f"{start} report {files} -o page.html", self.folder)
        assert done.returncode == 0, done.stderr
        return Page((self.folder / "page.html").read_text("utf-8"))


def results_in(folder: Path) -> dict[str, dict]:
    """Scenario -> its comparison, of all that was saved."""
    found = [json.loads(path.read_text())["comparisons"] for path in sorted(folder.glob("*/result.json"))]
    return {comparison["scenario"]["name"]: comparison for [comparison] in found}


def verdicts(comparison: dict) -> dict[tuple[str, str], object]:
    """What is told of each pairing, where it is alike at each run and however often it ran."""
    told = {
        pairing(cell): (cell["verdict"], cell["verdicts"], re.sub(r"port \d+", "port", cell["reason"]))
        for cell in comparison["cells"]
    }
    return told | {("reference",): pairing(comparison["reference"])}


def pairing(fields: dict) -> tuple[str, str]:
    return fields["server"], fields["client"]


class Page(HTMLParser):
    """What can be copied from a page: the commands that stand in it, and those that its script shows of each cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.copied: list[str] = []
        self._open: list[str] = []
        self._data = ""
        self.feed(text)
        data = json.loads(self._data)
        self.cells = {
            name.partition("/")[0]: {
                pairing(cell): [data["texts"][text] for _, text in cell["commands"]] for cell in scenario["cells"]
            }
            for name, scenario in data["scenarios"].items()
        }

    def handle_starttag(self, tag, attrs):
        self._open = [*self._open[-1:], dict(attrs).get("class") or dict(attrs).get("id") or tag]

    def handle_data(self, data):
        if self._open == ["command", "code"]:
            self.copied.append(data)
            self._open = []
        elif self._open[-1:] == ["data"]:
            self._data += data


def suggested(view: str) -> list[str]:
    """What a view in words suggests; Markdown has it between backticks."""
    return [command.strip("`") for command in re.findall("(?:Next|By itself): (`[^`]*`|.*)", view)]


def check_again(command: str, run: Started, fresh: str) -> None:
    """A command brings the verdicts of the run for the scenarios that it plays, and their exit code; what it leaves is
    in `fresh`."""
    assert "\n" not in command
    save = "" if "--save" in command else f" --save {fresh}"
    done = sh(command + save, run.folder)
    folder = run.folder / (fresh if save else shlex.split(command)[-1])
    again = results_in(folder)
    assert again, command
    for name, comparison in again.items():
        assert verdicts(comparison) == verdicts(run.results[name]), command
    bad = {cell["verdict"] for name in again for cell in run.results[name]["cells"]} & {"different", "failed"}
    assert done.returncode == (1 if bad else 0), (command, done.stderr)


def check_by_hand(serve: str, connect: str, folder: Path, run: dict) -> None:
    """The two commands of a pairing write the logs of its run, and end as it has ended; the port is any."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    serve, connect = (re.sub(r"\b10000\b", port, command) for command in (serve, connect))
    with subprocess.Popen(
        ["bash", "-c", serve.replace(" && ", " && exec ") if " && " in serve else f"exec {serve}"],
        cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as server:  # fmt: skip
        try:
            first = []
            while not (listening(server.pid) if "server" in run["silent"] else first and "starting up" in first[-1]):
                if "server" not in run["silent"]:
                    first.append(server.stderr.readline())
                assert server.poll() is None, (serve, first, server.communicate())
            client = sh(connect, folder)
            server.send_signal(signal.SIGTERM)
            rest = server.communicate(timeout=DEADLINE_S)[1]
        finally:
            server.kill()
    logs = {"server": "".join(first) + rest, "client": client.stderr}
    assert client.returncode == run["client"]["exit_code"], client.stderr
    # How much came before a failure is up to TCP.
    for side in {"server", "client"} - set(run["silent"]) if client.returncode == 0 else ():
        assert story(logs[side].splitlines()) == story(run[side]["lines"])


def listening(pid: int) -> bool:
    """Whether a process listens on a TCP port."""
    sockets = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[3] == "0A" and f"socket:[{row[9]}]" in sockets for row in rows)


def check_everything(run: Started) -> None:
    """Everything that any view of a run suggests; what differs in what is shown only, once."""
    page = run.page()
    of_cells = [commands for cells in page.cells.values() for commands in cells.values()]
    commands = [*(first for first, *_ in of_cells), *page.copied[1:], *suggested(run.view)]
    apart = {re.sub(" --raw| --save .*", "", command): command for command in reversed(commands)}
    for number, command in enumerate(apart.values()):
        check_again(command, run, f"again-{number}")
    played = [cell | {"of": name} for name, comparison in run.results.items() for cell in comparison["cells"]]
    for number, cell in enumerate(played):
        by_hand, where = page.cells[cell["of"]][pairing(cell)][1:], run.folder
        label = re.sub(r"[^\w.-]", "-", "--".join(pairing(cell)))
        for saved in (run.folder / "kept").glob(f"{cell['of']}-*/{label}/commands.txt"):
            assert by_hand
            if number % 2:
                by_hand, where = saved.read_text().splitlines()[1:], ROOT
        if by_hand:
            check_by_hand(*by_hand, where, cell["runs"][0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user stands: not in the project."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


def copy(folder: Path, name: str, old: str = "", new: str = "") -> Path:
    """A copy of the project in a folder with an odd name; in file `name` of it a text is another."""
    place = folder.parent / ODD
    place.mkdir()
    shutil.copy(COMPARE, place)
    for package in ("behaviours", "common", "comparison", "docs", "protocol_impl", "streams_impl"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (place / name).read_text()
    assert text.count(old) >= 1
    (place / name).write_text(text.replace(old, new, 1))
    return place


def plain(defect: str = "", folder: Path | None = None) -> list[str]:
    """The options of a program that nobody here wrote, in a folder with an odd name, and with an odd name itself."""
    program = PLAIN
    if folder is not None:
        program = folder / ODD
        shutil.copy(PLAIN, program)
    commands = {
        role: shlex.join([sys.executable, str(program), role, "{host}", "{port}", *[defect] * bool(defect)])
        for role in ("server", "client")
    }
    return ["--endpoint", ODD, "--server-command", commands["server"], "--client-command", commands["client"]]


PYTHON = shlex.quote(sys.executable)


@NEEDS_RICH
def test_of_a_good_run_with_every_option(folder):
    script = shlex.quote(os.path.relpath(COMPARE, folder))
    who = f"--loop asyncio --server protocol,streams --client streams --reference streams --python {PYTHON}"
    run = Started(f"{PYTHON} -X dev {script} {who} --scenario every-byte --repeat 2 --jobs 1", folder)
    assert run.code == 0
    check_everything(run)


@NEEDS_RICH
def test_of_a_changed_copy_in_an_odd_folder(folder):
    """Its reference is what blames the copy; alone it would be its own."""
    more = f"{TELLS}; __import__('logging').getLogger('main').info('more')"
    place = copy(folder, "streams_impl/client.py", TELLS, more)
    program_file(folder.parent / "python3", f'exec {PYTHON} "$@"')
    start = f"PATH={shlex.quote(str(folder.parent))}:$PATH {shlex.quote(str(place / 'compare.py'))}"
    run = Started(f"{start} --loop asyncio --reference protocol", folder)
    assert run.code == 1
    assert {cell["verdict"] for cell in run.results["tutorial"]["cells"]} >= {"reference", "different"}
    [command] = suggested(run.view)
    check_again(command, run, "again")
    assert {commands[0] for commands in run.page().cells["tutorial"].values()} == {command}


@NEEDS_RICH
def test_of_a_failing_program_of_somebody_else(folder):
    who = shlex.join([*plain("alters", folder), "--server", f"streams,{ODD}", "--client", "streams"])
    run = Started(f"{PYTHON} {COMPARE} --scenario tutorial,one-byte --loop asyncio {who}", folder)
    assert run.code == 1
    assert [cell["verdict"] for cell in run.results["tutorial"]["cells"]] == ["reference", "failed"]
    check_everything(run)


@NEEDS_RICH
@pytest.mark.parametrize("scenarios", ["one-byte,nothing", "tutorial,one-byte"])
def test_of_a_server_that_cannot_start(folder, scenarios):
    """After the tutorial it is not tried any further: what shows that comes before what else is asked for."""
    who = "--endpoint dead --server-command 'false {port}' --server streams,dead --client streams"
    run = Started(f"{PYTHON} {COMPARE} --scenario {scenarios} --loop asyncio {who}", folder)
    _, dead = run.results["one-byte"]["cells"]
    assert (run.code, dead["verdict"]) == (1, "skipped" if "tutorial" in scenarios else "failed")
    [of_cell, *_], *_ = run.page().cells["one-byte"].values()
    for number, command in enumerate({of_cell, *suggested(run.view)}):
        check_again(command, run, f"again-{number}")
    assert "Logs of one-byte, as they came" in sh(of_cell, folder).stdout


def test_of_a_server_with_a_port_of_its_own_in_markdown(folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = shlex.join([sys.executable, str(PLAIN), "server", "127.0.0.1", str(port), "says-more"])
    who = shlex.join(["--endpoint=-mine", "--server-command", server, "--server-address", f"127.0.0.1:{port}"])
    run = Started(f"{PYTHON} {COMPARE} --format markdown --loop asyncio --server=-mine --client streams {who}", folder)
    assert run.code == 1
    check_everything(run)


def test_of_a_lesson_and_of_what_is_listed(folder):
    """What a lesson suggests shows its cause, and what a list suggests plays the scenario."""
    lesson = sh(
        f"{PYTHON} {COMPARE} explain eof-c --loop asyncio --server protocol,streams --reference streams", folder
    )
    [command] = suggested(lesson.stdout)
    assert sh(f"{command} --save again", folder).returncode == 0
    [cause] = results_in(folder / "again")["tutorial"]["causes"]
    assert cause["explanation"]["name"] == "eof-callback"
    listed = sh(f"{PYTHON} {COMPARE} --list one-byte", folder).stdout
    words = shlex.split(re.search("Try it: (.*)", listed)[1])
    assert [words[0], words[1]] == [sys.executable, COMPARE]
    assert compare.parser().parse_args(words[2:]).scenario == ["one-byte"]


ODD_WORDS = [
    "-v",
    "two words",
    "it\\'s",
    '"quoted"',
    "$HOME `id` !! \\\\ * ~",
    "~/a",
    "größe",
    "two\nlines",
    "\ta\x1b[31m",
    "\u2028\u202e",
    "\udcff",
]


def test_any_words_can_be_typed_again():
    """As they are shown: in one line, without what ends a code span of Markdown, or what a terminal takes for its
    own."""
    words = ["--server", "streams", "--client", "streams", "--loop", "asyncio"]
    for number, word in enumerate(ODD_WORDS):
        words += ["--endpoint", f"odd {number}", f"--server-command={word} {{port}}"]
    selection = chosen(compare.parser().parse_args(words))
    command = repeat.typed(["printf", "%s\\0", *selection.options])
    assert command.isprintable()
    assert "`" not in command
    typed = subprocess.run(["bash", "-c", os.fsencode(command)], stdout=subprocess.PIPE, check=True).stdout
    again = compare.parser().parse_args([os.fsdecode(part) for part in typed.split(b"\0")[:-1]])
    assert vars(again) == vars(compare.parser().parse_args(words))


def test_by_hand_a_program_of_somebody_else_keeps_its_own_options():
    own = "serve --log-format json --port 0 {port}"
    plain = third_party("plain", own, own)
    serve, connect = repeat.by_hand(TUTORIAL, TCP, Pairing(plain, plain), Path("place"))
    assert serve == own.format(port=10000)
    assert connect == f"{own.format(port=10000)} < place/payload"


def test_by_hand_a_unix_socket_has_a_path_that_the_system_takes_however_long_that_of_the_folder_is(folder):
    long = folder / ("long" * 40)
    plain = dataclasses.replace(third_party("plain", "serve {port}", "connect {port}"), takes_options=True)
    serve, connect = map(
        shlex.split, repeat.by_hand(TUTORIAL, TRANSPORTS["unix"], Pairing(plain, plain), long / "tutorial-unix")
    )
    path = serve[serve.index("--unix") + 1]
    assert path == connect[connect.index("--unix") + 1]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    os.unlink(path)


def test_a_program_under_another_name_is_named_as_it_was_started(tmp_path, monkeypatch):
    (tmp_path / "versus").symlink_to(COMPARE)
    monkeypatch.setattr(sys, "orig_argv", ["python", str(tmp_path / "versus"), "--raw"])
    monkeypatch.setattr(sys, "argv", ["versus", "--raw"])
    assert repeat.again("--diff") == f"python {tmp_path}/versus --diff"


def test_an_extra_that_an_error_names_is_there():
    text = "".join(path.read_text() for path in (ROOT / "comparison").rglob("*.py"))
    named = set(re.findall(r"'\.\[(\w+)\]'", text))
    assert named
    assert named <= set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
