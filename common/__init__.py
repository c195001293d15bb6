"""What both implementations share: policy, never a choice between the two APIs.

A module here may know asyncio's loops, transports and sockets. It must not read or write a connection: how that is
done is what the two implementations are there to show.
"""
