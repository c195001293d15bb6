"""A behaviour as a program: its command line, its one experiment, and the watchdog."""

import argparse
import asyncio
import json
import linecache
import os
import platform
import subprocess
import sys
import threading
import time
import traceback
from types import ModuleType
from typing import Any, NoReturn

from behaviours.kit import subject as on_trial
from behaviours.kit import telling, waiting
from behaviours.kit.subject import Subject, python_command, run_program
from behaviours.known import APIS, Outcome, part_of
from common.config import INTERRUPTED, UsageError
from common.loops import LOOPS, loop_factory

USAGE = 2

_end = threading.Lock()


def main() -> None:
    """Run the cases of the module that is run: each in a process of its own."""
    module = sys.modules["__main__"]
    options = _parser(module).parse_args()
    try:
        make_loop = loop_factory(options.loop)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USAGE)
    if options.api is None or options.case is None:
        sys.exit(_all(module, options))
    waiting.patience_s = options.patience
    telling.silent = options.json
    part = part_of(module, options.api, options.played_by or options.case)
    if part is None:
        print(f"error: {options.api} has no {options.case} here; leave out --api and --case for all", file=sys.stderr)
        sys.exit(USAGE)
    if options.program is not None or options.listening is not None:
        run_program(part, make_loop, arguments=options.program, descriptor=options.listening)
        return
    words = [*python_command(), "--api", options.api, "--case", options.played_by or options.case]
    subject = Subject(part, options.api, options.case, [*words, "--loop", options.loop])
    _Trial(module, subject, options).run(make_loop)


def _parser(module: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=" ".join(["python", *python_command()[1:]]),
        description=(module.__doc__ or "").partition("\n")[0],
        allow_abbrev=False,
    )
    cases = tuple(module.KNOWN)
    add = parser.add_argument
    add("--api", choices=APIS, help="which API (all)")
    add("--loop", default="asyncio", help=f"{', '.join(LOOPS)}, or any MODULE:FACTORY (%(default)s)")
    add("--case", choices=cases, help="what is tried (all)")
    add("--patience", type=float, default=waiting.patience_s, metavar="S", help="for what may not happen (%(default)s)")
    add("--deadline", type=float, default=waiting.DEADLINE_S, metavar="S", help="for the whole case (%(default)s)")
    add("--json", action="store_true", help="print one line of JSON, with --api and --case")
    # For tests: another case in the place of the one that is tried. For itself: what a program of the lesson is given.
    add("--played-by", choices=cases, help=argparse.SUPPRESS)
    add("--program", help=argparse.SUPPRESS)
    add("--listening", type=int, help=argparse.SUPPRESS)
    return parser


def _all(module: ModuleType, options: argparse.Namespace) -> int:
    """Every case and API that the options leave open: the worst exit code."""
    print((module.__doc__ or "").partition("\n")[0], flush=True)
    codes = [0]
    for case in [options.case] if options.case else module.KNOWN:
        for api in [options.api] if options.api else APIS:
            words = [f"--api={api}", f"--case={case}", f"--loop={options.loop}"]
            words += [f"--patience={options.patience}", f"--deadline={options.deadline}"]
            if part_of(module, api, case) is not None:
                try:
                    codes.append(subprocess.run([*python_command(), *words], check=False).returncode)
                except KeyboardInterrupt:
                    return INTERRUPTED
    return max(codes, key=abs)


class _Trial:
    """One case: the loop has the main thread, the experiment one beside it."""

    def __init__(self, module: ModuleType, subject: Subject, options: argparse.Namespace) -> None:
        self._module = module
        self._subject = subject
        self._options = options
        self._thread = threading.Thread(target=self._experiment, daemon=True)

    def run(self, make_loop: Any) -> None:
        if not telling.silent:
            telling.write(f"  {self._options.case}, {self._options.api} on {self._options.loop}:")
        telling.listen()
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            with asyncio.Runner(loop_factory=make_loop) as runner:
                runner.run(self._live())
        except KeyboardInterrupt:
            self._finish(INTERRUPTED)
        except BaseException as error:  # whatever the lesson let out of its loop
            self._subject.ended = repr(error)
        self._thread.join()

    async def _live(self) -> NoReturn:
        self._subject.loop = asyncio.get_running_loop()
        waiting.before_giving_up.append(self._subject.let_turn)
        self._thread.start()
        while True:
            await asyncio.get_running_loop().create_future()

    def _experiment(self) -> None:
        try:
            outcome = self._module.experiment(self._subject)
            if not isinstance(outcome, Outcome):
                raise telling.Failed(f"the experiment returned {outcome!r}; let it return an outcome")
        except telling.Skipped as lacking:
            self._finish(0, skipped=str(lacking))
        except telling.Failed as error:
            self._finish(1, failed=str(error))
        except BaseException as error:
            if not isinstance(error, OSError) and error not in on_trial.raised:
                self._finish(1, failed=f"the experiment has a defect: {traceback.format_exc()}")
            outcome = telling.unforeseen(telling.cleaned(f"{type(error).__name__}: {error}"))
        self._finish(0, outcome=outcome.text, bites=outcome.bites)

    def _watch(self) -> None:
        time.sleep(self._options.deadline)
        self._finish(1, failed=f"nothing more after {self._options.deadline:g} s{self._where()}")

    def _where(self) -> str:
        """The line of the experiment that waits."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        file = self._module.__file__ or ""
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        if frame is None:
            return ""
        return f", at line {frame.f_lineno}: {linecache.getline(file, frame.f_lineno).strip()}"

    def _finish(self, code: int, **result: str) -> NoReturn:
        """Say what came out, and end at once, whatever else still runs."""
        _end.acquire()  # and keep it: one result
        try:
            for program in on_trial.programs:
                program.kill()
            if telling.silent:
                telling.write(json.dumps({**self._place(), **result, "told": telling.told}))
            elif "outcome" in result:
                telling.write(f"    = {result['outcome']}" + (f": {result['bites']}" if result["bites"] else ""))
            else:
                for kind, reason in result.items():
                    telling.write(f"    {kind}: {reason}")
        finally:
            os._exit(code)  # also where nobody reads any more

    def _place(self) -> dict[str, str]:
        options = self._options
        return {
            "behaviour": python_command()[-1],
            "case": options.case,
            "api": options.api,
            "loop": options.loop,
            "python": platform.python_version(),
        }
