"""What is tried."""

from common.config import TUTORIAL_MESSAGES
from comparison.model import Scenario

TUTORIAL = Scenario(
    name="tutorial",
    description="the tutorial's three messages, echoed and compared byte for byte",
    client_options=(),
    payload=b"".join(TUTORIAL_MESSAGES),
)
