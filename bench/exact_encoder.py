"""Makes the encoder with 32-bit weights: ``.venv/app/bin/python -m bench.exact_encoder FOLDER``.

For ``python -m bench.candidates --exact FOLDER``: what the eight bits of the assistant's encoder
cost. In the app environment: only that has onnx.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from spinebot.language.encoder import encoder_directory
from spinebot.training.encoder_graph import write_exact


def build(folder: Path) -> Path:
    """Write ``encoder.onnx`` and ``tokenizer.json`` into ``folder``; return the ONNX file."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / "encoder.onnx"
    write_exact(graph)
    shutil.copy(encoder_directory() / "tokenizer.json", folder)
    return graph


def main() -> None:
    """Build, and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m bench.exact_encoder", description=__doc__)
    parser.add_argument("folder", type=Path)
    graph = build(parser.parse_args().folder)
    print(f"{graph}: {graph.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
