"""``python -m spinebot`` is ``spinebot``."""

from spinebot.cli import main

main()
