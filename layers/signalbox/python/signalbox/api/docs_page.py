"""The documentation as one page: everything in it comes from the OpenAPI document, nothing from anywhere else."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]

_STYLE = """
:root{color-scheme:light dark;--line:#d9dee5;--soft:#f5f7f9;--ink:#1b2430;--dim:#5b6775;--get:#1d6fb8;--post:#1f8a4c;
--put:#a86400;--delete:#b8322a;--link:#1d5fa8}
@media(prefers-color-scheme:dark){:root{--line:#313a46;--soft:#171d25;--ink:#e4e9ef;--dim:#9aa7b5;--get:#62b0f2;
--post:#5cc98a;--put:#e3a44a;--delete:#f0837c;--link:#7fbcf5}body{background:#10151b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 4rem;color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.75rem}h2{margin:2.5rem 0 .75rem;font-size:1.25rem;text-transform:capitalize}
a{color:var(--link)}p{max-width:46rem}.dim{color:var(--dim)}
code,pre{font:13px/1.5 ui-monospace,Menlo,Consolas,monospace}
pre{margin:.25rem 0 1rem;padding:.75rem;overflow:auto;max-height:22rem;background:var(--soft);border-radius:6px}
nav ul{columns:2 22rem;padding:0;list-style:none}nav li{break-inside:avoid;overflow-wrap:anywhere}
nav a{text-decoration:none}
details{margin:.5rem 0;border:1px solid var(--line);border-radius:8px}
summary{padding:.6rem .8rem;cursor:pointer;display:grid;grid-template-columns:4.2rem minmax(0,1fr);gap:.1rem .75rem;
align-items:baseline}
summary>code{font-weight:600;overflow-wrap:anywhere}summary>span:last-child{grid-column:2}
#shapes summary{grid-template-columns:minmax(0,1fr)}#shapes summary>span:last-child{grid-column:1}
.inside{padding:0 .8rem .4rem;border-top:1px solid var(--line);scroll-margin-top:5rem}
.method{font:600 13px ui-monospace,Menlo,Consolas,monospace}
.get{color:var(--get)}.post{color:var(--post)}.put,.patch{color:var(--put)}.delete{color:var(--delete)}
h3{margin:1rem 0 .25rem;font-size:.95rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{text-align:left;color:var(--dim);font-weight:500}
th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
@media print{details{break-inside:avoid}}
"""
_KEY = {"ApiKey": "X-Api-Key", "Bearer": "Authorization: Bearer"}


def render(document: Document) -> str:
    """Return the page of an OpenAPI document. Every text of it is escaped."""
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    tags = list(dict.fromkeys(tag for _, _, operation in operations for tag in operation["tags"]))
    info = document["info"]
    sections = "".join(
        f"<section><h2>{escape(tag)}</h2>"
        + "".join(
            _operation(method, path, operation, document)
            for method, path, operation in operations
            if tag in operation["tags"]
        )
        + "</section>"
        for tag in tags
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(info['title'])} API</h1>"
        f'<p class="dim">Version {escape(info["version"])} &middot; <a href="openapi.json">openapi.json</a></p>'
        f"<p>{escape(info['description'])}</p></header>"
        f"{_contents(operations)}<main>{sections}{_schemas(document)}</main></body></html>"
    )


def _contents(operations: Iterable[tuple[str, str, Document]]) -> str:
    first: dict[str, Document] = {}
    for _, path, operation in operations:
        first.setdefault(path, operation)
    links = "".join(
        f'<li><a href="#{_anchor(operation)}"><code>{escape(path)}</code></a></li>' for path, operation in first.items()
    )
    return f'<nav aria-label="Paths"><ul>{links}</ul></nav>'


def _anchor(operation: Document) -> str:
    """Return the id of what is inside: a browser that goes there opens what is around it."""
    return escape(operation["operationId"], quote=True)


def _prose(text: str) -> str:
    """Return a text with its `words of code` marked."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(method: str, path: str, operation: Document, document: Document) -> str:
    parts = [
        f'<p class="dim">{escape(_who(operation))}</p>',
        f"<p>{_prose(operation['description'])}</p>" if "description" in operation else "",
        _parameters(operation.get("parameters", [])),
        _body(operation.get("requestBody")),
        _answers(operation["responses"], document),
    ]
    return (
        "<details><summary>"
        f'<span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>'
        f"<span class='dim'>{_prose(operation['summary'])}</span></summary>"
        f'<div class="inside" id="{_anchor(operation)}">{"".join(parts)}</div></details>'
    )


def _who(operation: Document) -> str:
    security = operation["security"]
    if not security:
        return "Open to all."
    if {} in security:
        return "Anybody may ask; with a key, as its account's tier."
    (scopes,) = {tuple(next(iter(each.values()))) for each in security}
    headers = " or ".join(_KEY[next(iter(each))] for each in security)
    return f"Needs a key with the scope {', '.join(scopes)} ({headers})."


def _parameters(parameters: Iterable[Document]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td>"
        f"<td>{escape(each['in'])}{', required' if each['required'] else ''}</td>"
        f"<td>{_type(each['schema'])}{_bounds(each['schema'])}</td>"
        f"<td><code>{escape(_shown(each['example']))}</code></td></tr>"
        for each in parameters
    )
    head = "<tr><th>Name</th><th>In</th><th>Type</th><th>Example</th></tr>"
    return f"<h3>Parameters</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""


def _body(request: Document | None) -> str:
    if request is None:
        return ""
    return "".join(
        f"<h3>Body <span class='dim'>{escape(media_type)}</span>, {_type(content['schema'])}</h3>"
        f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>"
        for media_type, content in request["content"].items()
    )


def _answers(responses: Document, document: Document) -> str:
    shown, refused = [], []
    for status, response in responses.items():
        found = _resolved(response, document)
        if int(status) >= 400:
            (content,) = found["content"].values()
            refused.append(
                f"<tr><td><code>{escape(status)}</code></td><td>{escape(found['description'])}</td>"
                f"<td><code>{escape(content['example']['detail'])}</code></td></tr>"
            )
            continue
        shown.append(f"<h3>{escape(status)} {escape(found['description'])}</h3>")
        shown += [
            f"<p class='dim'>{escape(media_type)}, {_type(content['schema'])}</p>"
            + (f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>" if "json" in media_type else "")
            for media_type, content in found.get("content", {}).items()
        ]
    head = "<tr><th>Status</th><th>When</th><th>Such as</th></tr>"
    return f"{''.join(shown)}<h3>Refusals</h3><table><thead>{head}</thead><tbody>{''.join(refused)}</tbody></table>"


def _schemas(document: Document) -> str:
    shown = "".join(
        f"<details><summary><code>{escape(name)}</code>"
        f"<span class='dim'>{_prose(' '.join(schema.get('description', '').split()))}</span></summary>"
        f'<div class="inside" id="schema-{escape(name, quote=True)}">{_fields(schema)}</div></details>'
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    return f'<section id="shapes"><h2>Shapes</h2>{shown}</section>'


def _fields(schema: Document) -> str:
    if "properties" not in schema:
        return f"<p>{_type(schema)}{_bounds(schema)}</p>"
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td>"
        f"<td>{'always' if name in schema.get('required', []) else 'may be left out'}</td>"
        f"<td>{_type(part)}{_bounds(part)}</td></tr>"
        for name, part in schema["properties"].items()
    )
    return f"<table><thead><tr><th>Field</th><th>There</th><th>Type</th></tr></thead><tbody>{rows}</tbody></table>"


def _type(schema: Document) -> str:
    """Return the words for a schema, with links to the shapes it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{escape(name, quote=True)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return escape(", ".join(map(str, schema.get("enum", [schema.get("const")]))))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"name to {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("format", kind)))


def _bounds(schema: Document) -> str:
    words = {
        "minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below",
        "minLength": "at least so long:", "maxLength": "at most so long:", "minItems": "at least so many:",
        "maxItems": "at most so many:", "pattern": "as", "default": "else",
    }  # fmt: skip
    found = [f"{word} {_shown(schema[name])}" for name, word in words.items() if schema.get(name) not in (None, "")]
    return f' <span class="dim">{escape(", ".join(found))}</span>' if found else ""


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _resolved(response: Document, document: Document) -> Document:
    if "$ref" not in response:
        return response
    found: Document = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found
