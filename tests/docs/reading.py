"""What the code reads from the environment, found in its syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs.markdown import ROOT
from tieback.planes import PLANES

SETTINGS = sorted((ROOT / "tieback").glob("*settings.py"))
PACKAGES = ("tieback", "minting", "exports", "resolver")
_PASSWORD = "PLANE.password_variable"


@dataclass(frozen=True)
class Variable:
    """One ``env.kind(NAME, default)`` of the settings; ``default`` is its source, if it has one."""

    name: str
    default: str | None


def variables() -> dict[str, Variable]:
    """Return every variable that the settings read."""
    return {found.name: found for found in _calls_of_env()}


def _calls_of_env() -> Iterator[Variable]:
    nodes = (node for path in SETTINGS for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[name, *rest]):
                default = ast.unparse(rest[0]) if rest else None
                if isinstance(name, ast.Constant):
                    yield Variable(str(name.value), default)
                else:
                    assert ast.unparse(name) == _PASSWORD, "a name the tests cannot read"
                    yield from (
                        Variable(plane.password_variable, default) for plane in PLANES.values()
                    )


@cache
def read_past_the_settings() -> frozenset[str]:
    """Return the variables that any other module asks the environment for by a literal name."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path not in SETTINGS:
                found |= set(_literal_names(path))
    return frozenset(found)


def _literal_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=owner, attr="get" | "setdefault" | "pop"),
                args=[ast.Constant(value=str(name)), *_],
            ) if _is_environment(owner):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="os"), attr="getenv"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(name))) if _is_environment(
                owner
            ):
                yield name


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in {"os.environ", "self._environ"}
