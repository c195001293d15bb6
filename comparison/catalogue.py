"""The explanations: what a reader new to asyncio should know about an event that differs.

An entry is keyed to the event and names the axis that should predict it, seen from the endpoint that wrote the line.
Whether that axis does is computed elsewhere; where it does not, the entry explains nothing and the difference is a
finding.
"""

from comparison.model import Explanation

CATALOGUE = {
    entry.event: entry
    for entry in (
        Explanation(
            event="eof",
            name="EOF has a callback in one API only",
            axis="own implementation",
            text=(
                "A Protocol is told of the peer's end of file by a call of its own, eof_received(), so there is a "
                "place in the code that can log it. With Streams the same news is an empty result of read(), which "
                "just ends the loop."
            ),
            source="Python documentation, Transports and Protocols: Protocol.eof_received(); StreamReader.read()",
        ),
        Explanation(
            event="selector",
            name="only asyncio's own loop names its selector",
            axis="own loop",
            text=(
                "asyncio's event loop on POSIX waits for sockets with a selector, and logs at debug level which one "
                "it found. uvloop waits inside libuv, a library in C, and logs nothing when it starts."
            ),
            source="Python documentation, Event Loop: asyncio.SelectorEventLoop; uvloop documentation",
        ),
    )
}
"""Event -> its explanation."""
