"""The definition of the REST API, made from the short list of routes in template.yaml.

One SAM event per path and method would be some hundred lines, and would give the function one policy statement each,
of which a function's policy holds about sixty.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

METHODS = ("delete", "get", "head", "options", "patch", "post", "put")
"""Every method a REST API can have. Spelled out, because not every gateway takes `ANY`."""

_PARAMETER = re.compile(r"\{(\w+)\}")
_RESPONSE = "AWS::ApiGateway::GatewayResponse"
_INVOKE_API = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${ApiFunction.Arn}/invocations"
)


def definition(routes: Iterable[Mapping[str, str]], resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the OpenAPI document of an API that sends every method of every route to ApiFunction.

    A route is `{"Path": ..., "Auth": "NONE"}`; without `Auth`, SAM adds the API's default authorizer to it. The gateway
    responses among `resources` become part of the document: AWS deploys a stage from it, and would leave out responses
    that are made beside it a moment later.
    """
    return {
        "openapi": "3.0.1",
        "info": {"title": {"Fn::Sub": "${AWS::StackName}-rest"}, "version": "1"},
        "paths": {route["Path"]: _path(route) for route in routes},
        "x-amazon-apigateway-gateway-responses": {
            body["Properties"]["ResponseType"]: _gateway_response(body["Properties"])
            for body in resources.values()
            if body["Type"] == _RESPONSE
        },
    }


def _path(route: Mapping[str, str]) -> dict[str, Any]:
    path = {method: _operation(open_to_all=route.get("Auth") == "NONE") for method in METHODS}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route["Path"])
    ]
    return {**path, "parameters": parameters} if parameters else path


def _operation(*, open_to_all: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "responses": {},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": {"Fn::Sub": _INVOKE_API}},
    }
    if open_to_all:
        operation["security"] = [{"NONE": []}]
    return operation


def _gateway_response(properties: Mapping[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "responseParameters": dict(properties["ResponseParameters"]),
        "responseTemplates": dict(properties["ResponseTemplates"]),
    }
    if "StatusCode" in properties:
        response["statusCode"] = properties["StatusCode"]
    return response
