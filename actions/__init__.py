"""Rasa's actions: read the tracker, call a function, say the result."""

import sys
from pathlib import Path

from spinebot import logs

# In the action server's own process (`python -m rasa_sdk`), not where a test loads an action.
if Path(sys.argv[0]).parent.name == "rasa_sdk":
    logs.set_up("actions", "actions", "spinebot")
