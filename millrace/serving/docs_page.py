"""What can a person ask of this service? One page, with nothing on it from anywhere else."""

import shlex
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from millrace.domain.kinds import Task
from millrace.pages.style import read_style
from millrace.serving.describing import example_label, example_row
from millrace.serving.fields import describe_column
from millrace.serving.labels import key_names

if TYPE_CHECKING:
    from millrace.serving.served import Served
    from millrace.serving.service import Service

DOCS_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}

_STYLE = read_style(Path(__file__).with_name("docs.css"))
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Millrace: what this service answers</title>
<style>{style}</style>
</head>
<body>
<h1>What this service answers</h1>
<p>Every answer tells the digest of the bundle that gave it. A request is answered whole or not at all;
a refusal names the row, the field, what came and what is allowed.{token}</p>
<p class="muted">For programs: <a href="/openapi.json">openapi.json</a>.
One click selects a whole example.</p>
<nav aria-label="Models"><ul>{links}</ul></nav>
{models}
<section><h2>The service</h2>{service}</section>
</body>
</html>
"""
_OF_SERVICE = (
    ("GET", "/healthz", "Does the process live?"),
    ("GET", "/readyz", "Does everything answer, and if not, why?"),
    ("GET", "/metrics", "Counts for Prometheus"),
    ("GET", "/v1/models", "What answers, and from which bundles?"),
    ("GET", "/v2", "The Open Inference Protocol: this server"),
)


def write_docs(service: "Service", address: str) -> str:
    """Write the page; `address` is where the reader found the service."""
    served = [one for _, one in sorted(service.models.items())]
    needs_token = service.gatekeeper.needs_token
    links = "".join(f'<li><a href="#{_anchor(one)}">{escape(one.model)}</a></li>' for one in served)
    return _PAGE.format(
        style=_STYLE,
        token=" It wants a token: <code>authorization: Bearer …</code>." if needs_token else "",
        links=links or '<li class="muted">No model answers yet; <a href="/readyz">/readyz</a> says why.</li>',
        models="".join(_write_model(one, address, needs_token=needs_token) for one in served),
        service=_write_paths(_OF_SERVICE),
    )


def _write_model(served: "Served", address: str, *, needs_token: bool) -> str:
    path, protocol = f"/v1/models/{served.model}", f"/v2/models/{served.model}"
    paths = (
        ("POST", f"{path}/predict", "Answer one row (an object) or many (an array)"),
        ("POST", f"{path}/labels", "Tell what became true of rows that were answered"),
        ("GET", path, "What answers, and what may it be asked?"),
        ("GET", protocol, "The Open Inference Protocol: the model's tensors"),
        ("POST", f"{protocol}/infer", "The Open Inference Protocol: one tensor per column"),
    )
    arms = "".join(
        f"<tr><th scope=row>{escape(arm.role)}</th><td class=number>{arm.weight} %</td>"
        f"<td><code>{escape(arm.digest)}</code></td></tr>"
        for arm in served.pointer.arms
    )
    answer = _curl(f"{address}{path}/predict", example_row(served), needs_token=needs_token)
    label = _curl(f"{address}{path}/labels", example_label(served), needs_token=needs_token)
    return (
        f'<section id="{_anchor(served)}"><h2>{escape(served.model)}</h2>'
        f'<p class="muted">{_task(served)} Generation {served.generation}.</p>'
        f"<h3>Ask</h3><pre>{escape(answer)}</pre>"
        f"<h3>Tell what became true</h3><pre>{escape(label)}</pre>"
        f"<p class=muted>{_ways_to_label(served)}</p>"
        f"<h3>A row</h3>{_write_columns(served)}<h3>Paths</h3>{_write_paths(paths)}"
        "<h3>Who answers</h3><div class=scroll><table><thead><tr><th>Role</th><th class=number>Share</th>"
        f"<th>Bundle</th></tr></thead><tbody>{arms}</tbody></table></div></section>"
    )


def _write_columns(served: "Served") -> str:
    required = len(served.schema.required)
    rows = "".join(
        f"<tr><th scope=row><code>{escape(column.name)}</code></th><td>{escape(column.type)}</td>"
        f"<td>{escape(describe_column(column))}</td><td>{'yes' if at < required else 'no'}</td></tr>"
        for at, column in enumerate(served.schema.columns)
    )
    head = "<tr><th>Field</th><th>Type</th><th>Allowed</th><th>Required</th></tr>"
    return f"<div class=scroll><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def _write_paths(paths: tuple[tuple[str, str, str], ...]) -> str:
    rows = "".join(
        f"<tr><td><span class=method>{method}</span> <code>{escape(path)}</code></td>"
        f"<td>{escape(about)}</td></tr>"
        for method, path, about in paths
    )
    return f"<div class=scroll><table><tbody>{rows}</tbody></table></div>"


def _task(served: "Served") -> str:
    schema = served.champion.schema
    classes = escape(", ".join(schema.classes))
    match schema.task:
        case Task.BINARY:
            about = (
                f"The answer is the probability of {escape(schema.classes[-1])!r}, of the classes {classes}."
            )
            if schema.threshold is None:
                return about
            return f"{about} From {schema.threshold:.4g} on that is the decision too."
        case Task.MULTICLASS:
            return f"The answer is a probability for each of the classes {classes}."
        case Task.REGRESSION:
            return "The answer is a number."


def _ways_to_label(served: "Served") -> str:
    key = [f"<code>{escape(column.name)}</code>" for column in served.champion.schema.key]
    names = " and ".join(key) or "columns of the row"
    by_key = f"; or by <code>key</code>, an object with {names}, in place of both"
    return (
        "By the request's id, the <code>x-request-id</code> of its answer, and <code>row</code>, "
        f"the row's position in a request of many{by_key if key_names(served) else ''}."
    )


def _curl(url: str, body: object, *, needs_token: bool) -> str:
    token = " \\\n  -H 'authorization: Bearer TOKEN'" if needs_token else ""
    data = shlex.quote(msgspec.json.encode(body).decode())
    return f"curl {shlex.quote(url)} \\\n  -H 'content-type: application/json'{token} \\\n  -d {data}"


def _anchor(served: "Served") -> str:
    return f"model-{escape(served.model, quote=True)}"
