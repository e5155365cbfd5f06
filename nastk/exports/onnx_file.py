"""ONNX: the network for onnxruntime and the many programs that read it."""

from __future__ import annotations

import json

import onnx
import onnxruntime
import torch
from google.protobuf.message import Message

from nastk.exports.exported import Exported
from nastk.exports.torch_export import sample, trace
from nastk.networks.classifier import Classifier

TOLERANCE = 1e-5  # of the largest logit


def write(exported: Exported) -> bytes:
    """Logits of normalised images [batch, C, H, W], of a batch of any size; the facts are in the model's metadata.

    What onnxruntime computes of the file has been held against the network.
    """
    with torch.no_grad():
        program = torch.onnx.export(
            trace(exported.network),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes={"images": {0: "batch"}},  # its name: traced it is already
            dynamo=True,
            verbose=False,  # it prints to stdout
        )
    assert program is not None
    model = program.model_proto
    _forget_origin(model)
    for name, fact in exported.facts.items():
        text = fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
        model.metadata_props.add(key=name, value=text)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param, "the batch is of a fixed size"
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    _check(content, exported.network)
    return content


def _forget_origin(message: Message) -> None:
    """Take away what every part remembers of the source it came from, down to the paths on this machine."""
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                _forget_origin(part)


def _check(content: bytes, network: Classifier) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    images = sample(network, 3)
    with torch.inference_mode():
        wanted = network(images)
    (found,) = session.run(None, {"images": images.numpy()})
    difference = (torch.from_numpy(found) - wanted).abs().max() / wanted.abs().max()
    assert difference <= TOLERANCE, f"onnxruntime differs from PyTorch by {difference:.1e}"
