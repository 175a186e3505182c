"""Every error code the code can answer, found in its classes, syntax trees and serializers."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rest_framework import serializers

import exports
import minting
import resolver
import tieback.api
import tieback.brands
from minting.field_problems import _COMPLAINTS
from tests.docs.markdown import ROOT
from tieback.api.envelope import CODES
from tieback.api.fields import StrictSerializer
from tieback.errors import TiebackError

PACKAGES = (tieback.api, tieback.brands, minting, exports, resolver)
_OURS = ("tieback.", "minting.", "exports.", "resolver.")
#: Calls of the API framework that take a code, and where among their arguments it stands.
_FRAMEWORK = {"ErrorDetail": 1, "ValidationError": 1}
#: What a caller cannot cause: faults of our own declarations.
_NEVER_ANSWERED = {"INCORRECT_TYPE"}


def modules() -> list[ModuleType]:
    """Import every module that can answer an API request."""
    return [
        importlib.import_module(info.name)
        for package in PACKAGES
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if ".migrations" not in info.name
        and ".management" not in info.name
        # They start the public plane, and a chain.
        and not info.name.endswith(".wsgi")
    ]


def answers() -> dict[str, set[int]]:
    """Return every ``error.code`` and the statuses it comes with."""
    modules()
    found: dict[str, set[int]] = {}
    for status, code in CODES.items():
        found.setdefault(code, set()).add(int(status))
    for error in _subclasses(TiebackError):
        if error.__module__.startswith(_OURS):
            found.setdefault(error.code, set()).add(int(error.status))
    return found


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def field_codes() -> set[str]:
    """Return every code that can stand in ``error.fields``, those of mint requests included."""
    complaints = {code for code, _ in _COMPLAINTS.values()}
    return (set(_literals()) | complaints | set(_of_serializers())) - _NEVER_ANSWERED


def _literals() -> Iterator[str]:
    """Yield every code that is written out in a call of something that takes one."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _sources()]
    takers = dict(_FRAMEWORK)
    for tree in trees:
        takers |= _takers(tree)
    for tree in trees:
        yield from _codes_in(tree, {**takers, **_takers(tree)}, _defined_otherwise(tree))


def _sources() -> Iterator[Path]:
    yield ROOT / "tieback" / "errors.py"
    yield ROOT / "resolver" / "tag_registry.py"
    for package in PACKAGES:
        for path in ROOT.joinpath(*package.__name__.split(".")).rglob("*.py"):
            # The envelope's codes are those of whole answers.
            if "migrations" not in path.parts and path.name != "envelope.py":
                yield path


def _takers(tree: ast.AST) -> dict[str, int]:
    """Return functions and classes with a parameter ``code``, and its position."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name, args=ast.arguments(args=args)) if name != "__init__":
                names = [arg.arg for arg in args]
            case ast.ClassDef(name=name, body=body):
                names = _fields(body)
            case _:
                continue
        if "code" in names:
            found[name] = names.index("code")
    return found


def _defined_otherwise(tree: ast.AST) -> set[str]:
    """Return functions that take no code here, whatever those of their name take elsewhere."""
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return defined - _takers(tree).keys()


def _fields(body: list[ast.stmt]) -> list[str]:
    for part in body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return [arg.arg for arg in part.args.args[1:]]
    return [
        part.target.id
        for part in body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]


def _codes_in(tree: ast.AST, takers: dict[str, int], others: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in others:
            continue
        given = [word.value for word in node.keywords if word.arg == "code"]
        at = takers.get(name, len(node.args))
        for value in [*given, *node.args[at : at + 1]] if name in takers else []:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value.upper()


def _of_serializers() -> Iterator[str]:
    """Yield the codes with which the fields of bodies and queries refuse a value."""
    modules()
    for kind in _subclasses(StrictSerializer):
        ours = kind.__module__.startswith(_OURS)
        if not ours or (
            issubclass(kind, serializers.ModelSerializer) and not hasattr(kind, "Meta")
        ):
            continue
        for field in _all_fields(kind()):
            yield from (code.upper() for code in field.error_messages)
            yield from (
                validator.code.upper()
                for validator in field.validators
                if isinstance(getattr(validator, "code", None), str)
            )


def _all_fields(field: Any) -> Iterator[Any]:
    yield field
    if isinstance(field, serializers.Serializer):
        for each in field.fields.values():
            yield from _all_fields(each)
    elif getattr(field, "child", None) is not None:
        yield from _all_fields(field.child)
