"""docker-compose.yml as the tests read it: merged, and interpolated as Compose would."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import ROOT
from tieback.planes import PLANES, Plane

SECRETS = "/run/secrets/"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def example() -> dict[str, str]:
    """Return the variables that deploy/env.example sets."""
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated_names() -> dict[str, str]:
    """Return the variables the file asks the shell for: ``-`` has a default, ``?`` must be set."""
    return {found["name"]: found["kind"] for found in _VARIABLE.finditer(_text())}


@cache
def project() -> dict[str, Any]:
    """Return the whole file, with the example's variables filled in."""
    given = example()

    def fill(found: "re.Match[str]") -> str:
        default = found["rest"] if found["kind"] == "-" else ""
        return given.get(found["name"], default)

    return yaml.load(_VARIABLE.sub(fill, _text()), yaml.CSafeLoader)  # type: ignore[no-any-return]


def overlay() -> dict[str, Any]:
    """Return what docker-compose.chain.yml lays over it."""
    text = (ROOT / "docker-compose.chain.yml").read_text(encoding="utf-8")
    return yaml.load(text, yaml.CSafeLoader)  # type: ignore[no-any-return]


def services() -> dict[str, dict[str, Any]]:
    return project()["services"]  # type: ignore[no-any-return]


def ours() -> dict[str, dict[str, Any]]:
    """Return the services that run this project's own image."""
    return {name: each for name, each in services().items() if "build" in each}


def plane_of(service: dict[str, Any]) -> Plane:
    return PLANES[service["environment"]["TIEBACK_PLANE"]]


def environment_of(service: dict[str, Any], secrets: Path) -> dict[str, str]:
    """Return a service's variables, with its secrets in another folder."""
    return {
        name: str(value).replace(SECRETS, f"{secrets}/")
        for name, value in service["environment"].items()
    }


def _text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
