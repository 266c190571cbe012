"""The web process: the only one that visitors reach."""
