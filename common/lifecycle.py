"""How every endpoint starts and ends: logging, file descriptors, signals, the event loop, the exit code."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine, Iterator

from common import logs
from common.config import INTERRUPTED, UsageError
from common.loops import loop_factory
from common.options import Config, exit_with_usage
from common.tls import TLSArguments

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

FILES_AT_LEAST = 32
"""With fewer open files not even a loop can be made: uvloop takes twelve, and libuv aborts with fewer than seven."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Main = Callable[[TLSArguments], Coroutine[None, None, int]]


def run(config: Config, tls_arguments: Callable[[Config], TLSArguments], main: Main) -> int:
    """Run `main` on the chosen loop: its exit code, or 130 after Ctrl-C. Without such a loop or certificate: 2."""
    try:
        factory, tls = loop_factory(config.loop), tls_arguments(config)
        open_standard_streams()
        logs.configure(config.log_level, config.log_format)
        raise_file_limit()
        with asyncio.Runner(loop_factory=factory) as runner:
            hear_signals_at_once(runner.get_loop())
            try:
                return runner.run(main(tls))
            finally:
                logs.tell("main", "closing_loop")
    except UsageError as error:
        exit_with_usage(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def hear_signals_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Have every signal wake the loop.

    asyncio's own, up to 3.13 at least, is woken by signals only once it has a handler for one. Without, a Ctrl-C that
    comes just before the loop falls asleep, or to another thread, waits until something else wakes it: for ever, where
    nothing does. SIGURG means nothing to us, and by default nothing to anybody.
    """
    with contextlib.suppress(RuntimeError, AttributeError):  # not in the main thread; Windows
        loop.add_signal_handler(signal.SIGURG, lambda: None)


@contextlib.contextmanager
def stopped_by_signals(on_second: Callable[[], None]) -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; each further signal calls `on_second`. Afterwards both signals are
    ignored: the program is ending anyway, and a late one must not spoil its exit code.

    `serve_forever()` is not used: on Python 3.12 and 3.13 it ignores SIGINT while a client is connected, on uvloop it
    survives `close()`.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def on_signal() -> None:
        if stopping.is_set():
            on_second()
        stopping.set()

    for number in STOP_SIGNALS:
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
    try:
        yield stopping
    finally:
        # Blocked meanwhile, since removing a handler brings back the default, which would end the program.
        _mask_signals("SIG_BLOCK")
        for number in STOP_SIGNALS:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        _mask_signals("SIG_UNBLOCK")


def _mask_signals(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(getattr(signal, how), STOP_SIGNALS)


def open_standard_streams() -> None:
    """Open the null device where standard input, output or error is closed: a socket that got the number 0, 1 or 2
    would be taken for it, and libuv aborts the program for less."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: the soft one is a relic of select(), which asyncio does
    not use here. Raises UsageError where that is too low for anything."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= hard < FILES_AT_LEAST:
            raise UsageError(f"{hard} open files are too few: raise the limit (ulimit -n) to {FILES_AT_LEAST} at least")
        with contextlib.suppress(OSError, ValueError):  # macOS calls the hard limit unlimited and then refuses it
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
