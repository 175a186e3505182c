"""The API's own description, as a client would read it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests.platform.routes import URLCONF, Route

Schema = dict[str, Any]


@cache
def description() -> Schema:
    """Return the OpenAPI document of the web plane."""
    generator = SchemaGenerator(urlconf=URLCONF)  # type: ignore[no-untyped-call]
    document: Schema = generator.get_schema(request=None, public=True)
    return document


def operation_paths() -> Iterator[tuple[str, str, Schema]]:
    """Yield path, method and description of every operation."""
    for path, methods in description()["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def operation(route: Route, method: str) -> Schema | None:
    """Return what is told of a method of a route; ``None`` where nothing is."""
    pattern = "/" + "/".join(
        f"{{{part.strip('<>').rpartition(':')[2]}}}" if part.startswith("<") else part
        for part in route.pattern.split("/")
    )
    found: Schema | None = description()["paths"].get(pattern, {}).get(method.lower())
    return found


def query_parameters(route: Route) -> list[str]:
    """Return the names of a list's query parameters."""
    told = operation(route, "GET") or {}
    return [item["name"] for item in told.get("parameters", []) if item["in"] == "query"]


def body_fields(route: Route, method: str) -> dict[str, Schema] | None:
    """Return the fields of a JSON body by name; ``None`` where none is taken."""
    told = operation(route, method) or {}
    content = told.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    return {
        name: resolved(field)
        for name, field in resolved(content["schema"]).get("properties", {}).items()
    }


def resolved(schema: Schema) -> Schema:
    """Follow a reference, also one that is wrapped to carry more."""
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return {**resolved(schema["allOf"][0]), **{k: v for k, v in schema.items() if k != "allOf"}}
    if "$ref" not in schema:
        return schema
    found: Schema = description()
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)
