"""Runs a command on another host, behind a prefix that does so, as if it ran here: its output, its exit code, and the
signals that it gets. `python -m comparison.play.far PREFIX COMMAND...`

There it runs in the same folder. It tells its process id first, by which a signal finds it: ending `ssh` ends nothing
on the other side."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PLACE = "{command}"  # where a prefix has it, as one word for a shell there (`ssh host {command}`); else it comes last
TELL = 'cd "$0" && echo "$$" >&2 && exec "$@"'
HANDED_ON = (signal.SIGTERM, signal.SIGINT)
PIECE_BYTES = 65536
KILL_S = 20.0  # to hand on a signal


def behind(prefix: str, command: Sequence[str]) -> list[str]:
    """A command behind a prefix. Raises ValueError where the quotes of the prefix do not close."""
    words = shlex.split(prefix)
    if any(PLACE in word for word in words):
        return [word.replace(PLACE, shlex.join(command)) for word in words]
    return [*words, *command]


def run(prefix: str, command: Sequence[str]) -> int:
    """Run a command there to its end; its exit code."""
    there = behind(prefix, ["sh", "-c", TELL, os.getcwd(), *command])
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)  # until there is somebody to get them

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)

    # Without a buffer, which hands nothing out before it is full.
    with subprocess.Popen(there, bufsize=0, stderr=subprocess.PIPE, preexec_fn=unblock) as process:
        assert process.stderr is not None
        data = process.stderr.readline()
        if data.strip().isdigit():
            threading.Thread(target=_hand_on, args=(prefix, int(data)), daemon=True).start()
            data = process.stderr.read(PIECE_BYTES)
        else:  # it has not come to run there
            unblock()
        while data:
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
            data = process.stderr.read(PIECE_BYTES)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _hand_on(prefix: str, pid: int) -> None:
    while True:
        kill = behind(prefix, ["kill", f"-{signal.sigwait(HANDED_ON)}", str(pid)])
        with contextlib.suppress(subprocess.TimeoutExpired):  # whoever waits for its end has a limit of his own
            subprocess.run(kill, stdin=subprocess.DEVNULL, capture_output=True, timeout=KILL_S)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
