"""How do clients of the Open Inference Protocol (version 2, REST) ask? Through the path of `predict`."""

import time
from asyncio import to_thread
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from starlette.requests import Request

from millrace.domain.kinds import Task
from millrace.serving.binary_tensors import LENGTH, OCTETS, fill, list_binary, split_body
from millrace.serving.http import Head, RefusedError, ensure_json, name_request, read_body, read_head
from millrace.serving.predict import LARGE_BODY_BYTES, Given, answer_rows, refused_rows
from millrace.serving.requests import (
    MAX_PROBLEMS,
    InvalidRowsError,
    MalformedRequestError,
    Problem,
    Row,
    cut,
    malformed,
    refuse_repeated_fields,
)
from millrace.serving.tensors import ANSWER, DECISION, DIGEST, InferRequest, datatype_of, values_of

if TYPE_CHECKING:
    from millrace.serving.served import Served
    from millrace.serving.service import Service

_decoder = msgspec.json.Decoder(InferRequest)


async def infer(
    service: "Service", served: "Served", request: Request
) -> tuple[dict[str, Any], frozenset[str]]:
    """Answer rows that come as one tensor per column; name the outputs that are wanted as bytes too.

    Raises
    ------
    RefusedError
        With every reason why no row was answered.
    """
    head = read_head(request.scope)
    length = _binary_length(request, head)
    _ensure_one_shape(served)
    body = await read_body(request.receive, head, service.receiving)
    started = time.perf_counter()
    try:
        # with no turn left it would be decoded for nothing
        with service.turns:
            is_large = len(body) > LARGE_BODY_BYTES
            asked, wanted, rows = (
                await to_thread(_read, served, body, length) if is_large else _read(served, body, length)
            )
    except (InvalidRowsError, MalformedRequestError) as error:
        raise refused_rows(service, served.model, error) from error
    request_id = request.scope["request_id"] = _named(asked, request.scope["request_id"])
    given = await answer_rows(service, served, request_id, rows, started)
    service.seconds(served.model, "infer").observe(time.perf_counter() - started)
    return _answer(served, request_id, given, wanted), list_binary(asked, wanted)


def _read(served: "Served", body: bytes, length: bytes | None) -> tuple[InferRequest, set[str], list[Row]]:
    said, behind = (body, b"") if length is None else split_body(body, length)
    asked = _decode(said)
    fill(asked.inputs, behind)
    wanted, columns = _wanted(served, asked), _columns(served, asked)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return asked, wanted, served.schema.check(rows)


def describe_model(served: "Served") -> dict[str, Any]:
    """Return the metadata of a model; columns that only name a row, or only a shadow needs, are optional."""
    schema = served.champion.schema
    inputs = [
        {
            "name": column.name,
            "datatype": datatype_of(column.type),
            "shape": [-1],
            "parameters": {"optional": at >= len(served.schema.required), "nullable": column.nullable},
        }
        for at, column in enumerate(served.schema.columns)
    ]
    parameters = {"classes": msgspec.json.encode(schema.classes).decode()} if schema.classes else {}
    answer = {
        "name": ANSWER,
        "datatype": "FP64",
        "shape": _shape(served, -1),
        "parameters": parameters,
    }
    texts = [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in served.outputs[1:]]
    return {
        "name": served.model,
        "versions": [str(served.generation)],
        "platform": f"millrace_{served.champion.manifest.engine}",
        "inputs": inputs,
        "outputs": [answer, *texts],
    }


def ensure_version(served: "Served", version: str | None) -> None:
    """Refuse a generation other than the one that answers: only one ever does.

    Raises
    ------
    RefusedError
        404 for any other.
    """
    if version is not None and version != str(served.generation):
        raise RefusedError(
            404,
            "unknown_version",
            f"version: found {version[:100]!r}; what answers is generation {served.generation}. "
            "Leave /versions/... out to ask whatever answers",
        )


def _binary_length(request: Request, head: Head) -> bytes | None:
    """Return how much of the body is JSON, as the client says it; None where all of it is."""
    length = request.headers.get(LENGTH)
    # clients of the protocol that send JSON do not say so
    if head.content_type and not (length is not None and head.content_type == OCTETS.encode()):
        ensure_json(head)
    return None if length is None else length.encode("latin-1")


def _ensure_one_shape(served: "Served") -> None:
    answering = [arm for arm in served.arms.values() if arm.arm.weight > 0]
    if len({arm.scorer.schema.classes for arm in answering}) > 1:
        raise RefusedError(
            409,
            "classes_differ",
            "the bundles that answer now know different classes, so their answers are no one tensor. "
            f"Ask /v1/models/{served.model}/predict, which names the classes of each answer",
        )


def _decode(body: bytes) -> InferRequest:
    try:
        asked = _decoder.decode(body)
        refuse_repeated_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error, "an object with 'inputs', a list of tensors") from error
    return asked


def _wanted(served: "Served", asked: InferRequest) -> set[str]:
    known = served.outputs
    names = {output.name for output in asked.outputs} or {*known}
    if unknown := names - {*known}:
        raise InvalidRowsError(
            [
                Problem(
                    None,
                    "outputs",
                    repr(cut(min(unknown))),
                    f"{' and '.join(map(repr, known))}, or no outputs for all of them",
                )
            ]
        )
    return names


def _named(asked: InferRequest, request_id: str) -> str:
    """Return the client's name for its request: that in the body, else that in the header, else a new one."""
    if not asked.id:
        return request_id
    return name_request(Head(request_id=asked.id.encode()))


def _columns(served: "Served", asked: InferRequest) -> dict[str, list[Any]]:
    """Return the values of each tensor, all of one length."""
    if problems := list(islice(_misnamed(served, asked), MAX_PROBLEMS)):
        raise InvalidRowsError(problems)
    by_name = {column.name: column for column in served.schema.columns}
    columns = {tensor.name: values_of(tensor, by_name[tensor.name]) for tensor in asked.inputs}
    rows = len(next(iter(columns.values())))
    for name, values in columns.items():
        if len(values) != rows:
            first = next(iter(columns))
            raise InvalidRowsError(
                [Problem(None, name, f"{len(values)} values", f"{rows}, as many as tensor {first!r} has")]
            )
    if not rows:
        raise InvalidRowsError([Problem(None, None, "tensors without a value", "one value or more in each")])
    return columns


def _misnamed(served: "Served", asked: InferRequest) -> Iterator[Problem]:
    names = Counter(tensor.name for tensor in asked.inputs)
    known = ", ".join(served.schema.names)
    for column in served.schema.required:
        if column.name not in names:
            allowed = f"a tensor of datatype {datatype_of(column.type)} for this column"
            yield Problem(None, column.name, "nothing", allowed)
    for name, times in names.items():
        if name not in served.schema.names:
            yield Problem(None, cut(name), "an unknown tensor", f"one of {known}")
        elif times > 1:
            yield Problem(None, name, f"{times} tensors of this name", "one")


def _answer(served: "Served", request_id: str, given: Given, wanted: set[str]) -> dict[str, Any]:
    arms, answers = given
    digests = [arm.digest for arm in arms]
    numbers = np.array(answers, dtype=np.float64)
    outputs = [
        {
            "name": ANSWER,
            "datatype": "FP64",
            "shape": _shape(served, len(arms)),
            "data": numbers.ravel().tolist(),
        },
        _texts(DIGEST, digests),
    ]
    if DECISION in served.outputs:
        decided = [arm.decide(one) or "" for arm, one in zip(arms, numbers.tolist(), strict=True)]
        outputs.append(_texts(DECISION, decided))
    one = {"digest": digests[0]} if len(set(digests)) == 1 else {}
    return {
        "model_name": served.model,
        "model_version": str(served.generation),
        "id": request_id,
        "parameters": {"generation": served.generation, "arm": arms[0].role, **one},
        "outputs": [output for output in outputs if output["name"] in wanted],
    }


def _texts(name: str, data: list[str]) -> dict[str, Any]:
    return {"name": name, "datatype": "BYTES", "shape": [len(data)], "data": data}


def _shape(served: "Served", rows: int) -> list[int]:
    schema = served.champion.schema
    return [rows, len(schema.classes)] if schema.task is Task.MULTICLASS else [rows]
