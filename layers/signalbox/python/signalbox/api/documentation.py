"""`/openapi.json` and `/docs`: what can be asked, made from what the endpoints declare, once in a worker's life."""

import json
from functools import cache
from typing import Any

from chalice.app import Blueprint, Response

from signalbox.api.endpoint import JSON, Endpoints
from signalbox.settings import settings

HTML = "text/html"
_KEPT: dict[str, str | list[str]] = {"Cache-Control": "public, max-age=300"}

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/openapi.json", dict[str, Any], is_open=True)
def openapi() -> Response:
    """Return this API's description, as an OpenAPI 3.1 document."""
    return Response(_texts()[JSON], headers={**_KEPT, "Content-Type": JSON})


@endpoints.add("GET", "/docs", {HTML: str}, is_open=True)
def docs() -> Response:
    """Return this API's description, as a page to read."""
    headers: dict[str, str | list[str]] = {
        **_KEPT,
        "Content-Type": f"{HTML}; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    }
    return Response(_texts()[HTML], headers=headers)


@cache
def _texts() -> dict[str, str]:
    """Return the document and the page. What makes them is imported here: most workers are never asked."""
    from signalbox.api.app import declared
    from signalbox.api.docs_page import render
    from signalbox.api.openapi import document

    described = document(declared(), version=settings().code_version)
    return {JSON: json.dumps(described), HTML: render(described)}
