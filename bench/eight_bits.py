"""Makes the encoder with eight-bit weights: ``.venv/app/bin/python -m bench.eight_bits FOLDER``.

For ``python -m bench.candidates --eight-bits FOLDER``. In the app environment: only that has onnx.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from spinebot.language.encoder import encoder_directory


def build(folder: Path) -> Path:
    """Write ``encoder.onnx`` and ``tokenizer.json`` into ``folder``; return the ONNX file."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    graph, source = folder / "encoder.onnx", encoder_directory()
    quantize_dynamic(str(source / graph.name), str(graph), weight_type=QuantType.QInt8)
    shutil.copy(source / "tokenizer.json", folder)
    return graph


def main() -> None:
    """Build, and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m bench.eight_bits", description=__doc__)
    parser.add_argument("folder", type=Path)
    graph = build(parser.parse_args().folder)
    print(f"{graph}: {graph.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
