"""Echo clients with one defect each, in both APIs: what a comparison must find out.

`python -m tests.mutants.clients API DEFECT` and then the options of a client.
"""

import asyncio
import contextlib
import os
import sys
import warnings

import common.client
import common.lifecycle
import common.options
import common.sources
import protocol_impl.client
import streams_impl.client
from common.connections import ChunkLog, ConnectionLog
from common.exchange import Exchange
from tests.mutants.lies import LIES
from tests.mutants.transports import close_politely, say_no_goodbye


def overlook_extra_bytes():
    """Check no more of the echo than was sent."""
    check = Exchange.check
    Exchange.check = lambda exchange, data: check(exchange, data[: exchange._outstanding_bytes])


def believe_everything():
    """Take whatever comes back for the echo."""
    check = Exchange.check

    def believes(exchange, data):
        return check(exchange, b"".join(exchange._outstanding)[: len(data)])

    Exchange.check = believes


def write_before_reading():
    """Read nothing before everything is written."""
    opened = ConnectionLog.opened
    tell = ChunkLog.tell

    def paused(log, transport):
        opened(log, transport)
        log.transport = transport
        asyncio.get_running_loop().call_soon(transport.pause_reading)

    def resumed(log, event, *fields, **values):
        tell(log, event, *fields, **values)
        if event == "waiting":
            log.transport.resume_reading()

    ChunkLog.opened, ChunkLog.tell = paused, resumed


def ignore_timeout():
    common.client.asyncio = _OtherTimeout(lambda seconds: None)


def halve_timeout():
    common.client.asyncio = _OtherTimeout(lambda seconds: seconds and seconds / 2)


class _OtherTimeout:
    """asyncio, with a time-out that passes at another time, or never."""

    def __init__(self, change):
        self.change = change

    def __getattr__(self, name):
        return getattr(asyncio, name)

    def timeout(self, seconds):
        return asyncio.timeout(self.change(seconds))


def leave_without_closing():
    """End the process when the echo is complete, without another word."""
    check = Exchange.check

    def leaves(exchange, data):
        right = check(exchange, data)
        if exchange.complete:
            sys.stderr.flush()
            os._exit(0)
        return right

    Exchange.check = leaves


def warn():
    warnings.warn("something is old-fashioned", DeprecationWarning, stacklevel=1)


def send_something_else():
    next_chunk = Exchange.next_chunk

    async def other(exchange):
        return (await next_chunk(exchange)).swapcase()

    Exchange.next_chunk = other


def miscount():
    account = ChunkLog.account
    ChunkLog.account = lambda log: account(log) | {"received_bytes": 1}


def stop_checking_certificates():
    import ssl

    given = common.client.client_tls

    def unchecked(config):
        arguments = given(config)
        if arguments["ssl"] is not None:
            arguments["ssl"].check_hostname = False
            arguments["ssl"].verify_mode = ssl.CERT_NONE
        return arguments

    common.client.client_tls = unchecked


def know_no_window():
    """Send on, however much has not come back."""
    Exchange.__init__.__kwdefaults__["window_bytes"] = 1 << 40


def ignore_lockstep():
    begin = Exchange.__init__
    Exchange.__init__ = lambda exchange, *source, **options: begin(exchange, *source, **options | {"lockstep": False})


def overlook_errors():
    """Tell of every end as of a good one."""
    ended = ConnectionLog.ended
    ConnectionLog.ended = lambda log, error=None: ended(log)


def fail_at_every_error():
    """Tell of an error as of a failure, though the whole echo is back."""
    ended = ConnectionLog.ended

    def fails(log, error=None):
        if error is not None:
            log.tell_ending("failed", reason=error, returned=0, expected=0, address="nowhere")
        ended(log)

    ConnectionLog.ended = fails


def show_a_traceback_at_ctrl_c():
    common.lifecycle.KeyboardInterrupt = ZeroDivisionError


def take_any_file():
    """Do not look before connecting whether a file can be read."""
    common.options._check_source = lambda config, given: None


def send_what_can_be_read():
    """Take a file that cannot be read for an empty one."""
    given = common.sources.from_file

    async def from_file(path, jobs):
        with contextlib.suppress(common.sources.SourceError):
            async for chunk in given(path, jobs):
                yield chunk

    common.sources.from_file = from_file


def connect_twice(connect):
    """Open a connection that is of no use, and then the right one."""

    async def twice(config, exchange, log, tls):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(config.host, config.port)
            writer.close()
            await writer.wait_closed()
        await connect(config, exchange, log, tls)

    return twice


DEFECTS = {
    "nothing": lambda: None,
    "overlooks-extra-bytes": overlook_extra_bytes,
    "believes-everything": believe_everything,
    "writes-before-it-reads": write_before_reading,
    "ignores-its-timeout": ignore_timeout,
    "halves-its-timeout": halve_timeout,
    "leaves-without-closing": leave_without_closing,
    "warns": warn,
    "sends-something-else": send_something_else,
    "miscounts": miscount,
    "checks-no-certificate": stop_checking_certificates,
    "knows-no-window": know_no_window,
    "ignores-lockstep": ignore_lockstep,
    "overlooks-errors": overlook_errors,
    "fails-at-every-error": fail_at_every_error,
    "shows-a-traceback-at-ctrl-c": show_a_traceback_at_ctrl_c,
    "takes-any-file": take_any_file,
    "sends-what-can-be-read": send_what_can_be_read,
    "closes-politely": close_politely,
    "says-no-goodbye": say_no_goodbye,
    **LIES,
}


def main():
    api, defect = sys.argv[1:3]
    del sys.argv[1:3]
    DEFECTS.get(defect, DEFECTS["nothing"])()
    module = protocol_impl.client if api == "protocol" else streams_impl.client
    connect = module.echo_client
    if defect == "connects-twice":
        connect = connect_twice(connect)
    code = common.client.run_client(connect)
    return 0 if defect == "says-success" else code


if __name__ == "__main__":
    sys.exit(main())
