"""Makes the encoder as published: ``.venv/app/bin/python -m bench.published_encoder FOLDER``.

For ``python -m bench.candidates --published FOLDER``: what is compared on other fields than ours
must not use an encoder that was tuned to ours. FOLDER gets it twice: ``8`` as the assistant runs
it, and ``32`` with its full weights. In the app environment: only that has onnx.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from spinebot.language.encoder import encoder_directory
from spinebot.training.encoder_graph import to_eight_bits, write_exact


def build(folder: Path) -> list[Path]:
    """Write ``encoder.onnx`` and ``tokenizer.json`` into ``8`` and ``32``; return the graphs."""
    graphs = [folder / bits / "encoder.onnx" for bits in ("8", "32")]
    for graph in graphs:
        graph.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(encoder_directory() / "tokenizer.json", graph.parent)
    write_exact(graphs[1])
    to_eight_bits(graphs[1], graphs[0])
    return graphs


def main() -> None:
    """Build, and say how large they are."""
    parser = argparse.ArgumentParser(prog="python -m bench.published_encoder", description=__doc__)
    parser.add_argument("folder", type=Path)
    for graph in build(parser.parse_args().folder):
        print(f"{graph}: {graph.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
