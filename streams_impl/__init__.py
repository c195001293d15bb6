"""The echo server and client with asyncio's Streams: coroutines that read, write and wait."""
