"""Starts Rasa's server as the assistant needs it: ``python -m spinebot.bot.serve MODEL PORT``.

As ``rasa run`` does, and beyond it: on loopback only, the HTTP API's token from the environment
(an argument could be read in the list of processes), and no start with a store that would forget.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

_show = warnings.showwarning


def _show_useful(message: Any, category: Any, *rest: Any, **more: Any) -> None:
    """Show a warning unless it is of something deprecated.

    Rasa's dependencies warn of one another and set the filters anew, too: some forty lines at each
    start that nobody who runs the bot can do anything about.
    """
    if not issubclass(category, (DeprecationWarning, PendingDeprecationWarning)):
        _show(message, category, *rest, **more)


warnings.showwarning = _show_useful

import rasa.core.run  # noqa: E402
import rasa.utils.common  # noqa: E402
import rasa.utils.log_utils  # noqa: E402
from rasa.core.utils import AvailableEndpoints  # noqa: E402

from spinebot import logs  # noqa: E402
from spinebot.bot.action_server import ActionServer  # noqa: E402
from spinebot.bot.tracker_store import endpoint_is_ours  # noqa: E402


def main(model: str, port: str) -> None:
    """Serve ``model`` on loopback port ``port`` until the process is ended."""
    # A path that does not exist would mean "the newest model in that folder".
    if not Path(model).is_file():
        sys.exit(f"There is no model {model}: run `make train`")
    endpoints = AvailableEndpoints.read_endpoints("endpoints.yml")
    if not endpoint_is_ours(endpoints.tracker_store):
        sys.exit("endpoints.yml: tracker_store.type is not spinebot's: conversations would be lost")
    if endpoints.action is None:
        sys.exit("endpoints.yml: action_endpoint is missing: the bot would have nothing to say")
    endpoints.action = ActionServer.of(endpoints.action)
    rasa.utils.common.configure_logging_and_warnings(
        log_level=logging.WARNING, warn_only_once=True, filter_repeated_logs=True
    )
    rasa.utils.log_utils.configure_structlog(logging.WARNING)
    logs.set_up("rasa", "spinebot")
    rasa.core.run.serve_application(
        model_path=model,
        interface="127.0.0.1",
        port=int(port),
        credentials="credentials.yml",
        enable_api=True,
        auth_token=os.environ.get("SPINEBOT_RASA_TOKEN") or None,
        endpoints=endpoints,
        server_listeners=[(_rest_the_heap, "after_server_start")],
    )


def _rest_the_heap(*_: Any) -> None:
    """Take what the start left (TensorFlow among it) out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main(*sys.argv[1:])
