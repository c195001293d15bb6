"""What the script of a scenario can do: start the endpoint on trial, and play the other side with raw sockets.

A script is a short function that gets a stage. On a `ServerStage` it connects peers to a server, on a `ClientStage` it
listens and accepts the connections of a client.
"""

from comparison.play.machine import Skip
from comparison.play.stage.base import Busy
from comparison.play.stage.client import ClientStage
from comparison.play.stage.server import ServerStage

__all__ = ["Busy", "ClientStage", "ServerStage", "Skip"]
