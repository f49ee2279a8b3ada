"""How do tensors travel as bytes behind their JSON? By the protocol's extension `binary_tensor_data`."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from starlette.responses import Response

from millrace.serving.requests import InvalidRowsError, MalformedRequestError, Problem, shown
from millrace.serving.tensors import InferRequest, InputTensor

LENGTH = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON."""
OCTETS = "application/octet-stream"
SIZE = "binary_data_size"

_LAYOUTS = {"BOOL": "u1"} | {
    f"{kind}{8 * size}": f"<{code}{size}"
    for kind, code, sizes in (("INT", "i", (1, 2, 4, 8)), ("UINT", "u", (1, 2, 4, 8)), ("FP", "f", (2, 4, 8)))
    for size in sizes
}
_TEXT_LENGTH = struct.Struct("<I")


def split_body(body: bytes, length: bytes) -> tuple[bytes, bytes]:
    """Return the JSON of a body, and the bytes behind it.

    Raises
    ------
    MalformedRequestError
        If the length is no number, or the body is shorter.
    """
    if not (length.isdigit() and len(length) < len(str(2**63)) and int(length) <= len(body)):
        found = length[:20].decode("latin-1")
        raise MalformedRequestError(
            f"{LENGTH}: found {found!r}, needed a number up to {len(body)}, the body's"
        )
    return body[: int(length)], body[int(length) :]


def fill(tensors: Sequence[InputTensor], behind: bytes) -> None:
    """Give each tensor that says its `binary_data_size` its values out of the bytes behind the JSON.

    Raises
    ------
    InvalidRowsError
        If a tensor's bytes are not there, or not of its datatype.
    MalformedRequestError
        If bytes are left over.
    """
    at = 0
    for tensor in tensors:
        size = tensor.parameters.get(SIZE)
        if size is None:
            continue
        if type(size) is not int or not 0 <= size <= len(behind) - at or tensor.data is not None:
            also = " beside 'data'" if tensor.data is not None else ""
            raise _problem(
                tensor, f"{SIZE} {shown(size)}{also}", f"one up to {len(behind) - at}, and no 'data'"
            )
        tensor.data = _values(tensor, behind[at : at + size])
        at += size
    if at < len(behind):
        raise MalformedRequestError(f"behind the JSON: found {len(behind) - at} bytes that no {SIZE} names")


def list_binary(asked: InferRequest, outputs: Iterable[str]) -> frozenset[str]:
    """Name the outputs that are wanted as bytes: those that say so, or where they say nothing the request."""
    said = {one.name: one.parameters.get("binary_data") for one in asked.outputs}
    whole = asked.parameters.get("binary_data_output") is True
    return frozenset(
        name for name in outputs if (said[name] if said.get(name) is not None else whole) is True
    )


def write_answer(answer: dict[str, Any], binary: frozenset[str], request_id: str) -> Response:
    """Write an answer as JSON, and the outputs that are wanted so as bytes behind it."""
    headers, behind = {"x-request-id": request_id}, []
    for output in answer["outputs"]:
        if output["name"] in binary:
            behind.append(_bytes(output.pop("data"), output["datatype"]))
            output["parameters"] = {SIZE: len(behind[-1])}
    said = msgspec.json.encode(answer)
    if not behind:
        return Response(said, headers=headers, media_type="application/json")
    return Response(b"".join([said, *behind]), headers=headers | {LENGTH: str(len(said))}, media_type=OCTETS)


def _values(tensor: InputTensor, data: bytes) -> list[Any]:
    if tensor.datatype == "BYTES":
        return _texts(tensor, data)
    layout = np.dtype(_LAYOUTS.get(tensor.datatype, "u1"))  # a datatype that is none is refused later
    if len(data) % layout.itemsize:
        raise _problem(tensor, f"{len(data)} bytes", f"a multiple of {layout.itemsize}, as {tensor.datatype}")
    values = np.frombuffer(data, layout)
    return list((values != 0).tolist() if tensor.datatype == "BOOL" else values.tolist())


def _texts(tensor: InputTensor, data: bytes) -> list[str]:
    texts, at = [], 0
    try:
        while at < len(data):
            (length,) = _TEXT_LENGTH.unpack_from(data, at)
            at += _TEXT_LENGTH.size + length
            texts.append(data[at - length : at].decode())
    except (struct.error, UnicodeDecodeError) as error:
        raise _problem(tensor, f"bytes that are no text ({error})", "a length and UTF-8 for each") from error
    if at > len(data):
        raise _problem(tensor, f"{len(data)} bytes", f"the {at} that the lengths of its texts need")
    return texts


def _bytes(values: list[Any], datatype: str) -> bytes:
    if datatype == "BYTES":
        texts = [text.encode() for text in values]
        return b"".join(_TEXT_LENGTH.pack(len(text)) + text for text in texts)
    return np.array(values, _LAYOUTS[datatype]).tobytes()


def _problem(tensor: InputTensor, found: str, allowed: str) -> InvalidRowsError:
    return InvalidRowsError([Problem(None, tensor.name, found, allowed)])
