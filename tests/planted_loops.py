"""Event loops with habits that others have and asyncio has not: for `--loop tests.planted_loops:NAME`."""

import asyncio


class ClosesWhatItIsGiven(asyncio.SelectorEventLoop):
    """Serves from a copy of the listening socket; the object that it was given is closed."""

    def taken(self, sock):
        copy = sock.dup()
        sock.close()
        return copy

    async def create_server(self, factory, *args, sock, **options):
        return await super().create_server(factory, *args, sock=self.taken(sock), **options)


class TakesTheDescriptor(ClosesWhatItIsGiven):
    """Takes the descriptor of the socket, and leaves an empty object behind: as rloop does."""

    def taken(self, sock):
        family, kind, protocol = sock.family, sock.type, sock.proto
        return type(sock)(family, kind, protocol, fileno=sock.detach())
