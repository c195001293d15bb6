"""The echo server and client with asyncio's Protocol and Transport: callbacks, called by the loop when something
happens."""
