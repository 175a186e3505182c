"""Drives schemathesis over the whole API in every phase, and tells what it did and found."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from zlib import crc32

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.transport.wsgi import WSGITransport

#: The promises that hold for every answer, whatever was asked.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ignored_auth",
)
PHASES = ("examples", "coverage", "fuzzing", "stateful")
#: Answers given before an operation looks at what it was sent.
_TURNED_AWAY = {401, 403, 404, 405}
#: What schemathesis takes for a refusal of unsound data, but for errors of the server, which are
#: none; and 413, since bodies get as large as that.
_REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
_LONGEST_BODY_SHOWN = 300
_LONGEST_NAME = 160


@dataclass
class Findings:
    """What a run did: cases by phase, answers by operation; and each kind of fault, once."""

    operations: set[str] = field(default_factory=set)
    cases: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many requests were sent."""
        return self.cases.total()

    @property
    def unreached(self) -> set[str]:
        """The operations that never got to look at what they were sent."""
        return {name for name in self.operations if not set(self.statuses[name]) - _TURNED_AWAY}

    def __str__(self) -> str:
        phases = ", ".join(f"{count} {name}" for name, count in self.cases.most_common())
        answers = sum(self.statuses.values(), Counter[int]())
        told = ", ".join(f"{status}: {count}" for status, count in sorted(answers.items()))
        return (
            f"{self.total} cases of {len(self.operations)} operations ({phases});"
            f" answers {told}; {len(self.faults)} kinds of fault"
        )

    def take(self, phase: str, recorder: ScenarioRecorder) -> None:
        """Add a finished scenario."""
        for case_id, sent in recorder.interactions.items():
            self.cases[phase] += 1
            if sent.response is not None:
                label = recorder.cases[case_id].value.operation.label
                self.statuses[label][sent.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    self._blame(recorder, case_id, check)

    def _blame(self, recorder: ScenarioRecorder, case_id: str, check: Any) -> None:
        said = check.failure_info.failure.message
        label = recorder.cases[case_id].value.operation.label
        name = f"{label}: {check.name}: {said.splitlines()[0][:_LONGEST_NAME]}"
        response = recorder.interactions[case_id].response
        body = response.content[:_LONGEST_BODY_SHOWN] if response is not None else b""
        told = f"{name}\n  {said}\n  {check.failure_info.code_sample}\n  {body!r}"
        self.faults.setdefault(name, told)


@contextmanager
def _no_network() -> Iterator[None]:
    """Keep settings of sockets from calls inside the process, which have none.

    schemathesis drops them only where it hands over a session; its probes without credentials
    hand over none and would fail on the first of these names.
    """
    send = WSGITransport.send

    def sent(transport: WSGITransport, case: schemathesis.Case, **kwargs: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            kwargs.pop(name, None)
        return send(transport, case, **kwargs)

    with mock.patch.object(WSGITransport, "send", sent):
        yield


def run(
    application: Callable[..., Any],
    *,
    headers: dict[str, str],
    parameters: dict[str, str],
    seed: int,
    examples: int,
    share: int = 1,
) -> Findings:
    """Ask everything the API describes, as the caller whom ``headers`` name.

    ``parameters`` are given as they are and never made up. With a ``share`` of n, one operation in
    n is asked; the seed says which.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "headers": headers,
            "parameters": parameters,
            "workers": 1,
            "continue-on-failure": True,
            "warnings": False,
            "suppress-health-check": ["all"],
            "checks": {
                "enabled": False,
                **{name: {"enabled": True} for name in CHECKS},
                "negative_data_rejection": {"enabled": True, "expected-statuses": _REFUSALS},
            },
            "generation": {
                "max-examples": examples,
                "mode": "all",
                "no-shrink": True,
                # A made-up key would hide the caller; that one is refused is a check of its own.
                "with-security-parameters": False,
            },
            "phases": {name: {"enabled": True} for name in PHASES},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/api/schema/", application, config=config)
    schema = schema.include(
        lambda context: crc32(context.operation.label.encode()) % share == seed % share
    )
    findings = Findings({told.ok().label for told in schema.get_all_operations()})
    with _no_network():
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                findings.take(event.phase.value, event.recorder)
            elif isinstance(event, events.NonFatalError):
                told = f"{event.label}: {event.value!r}"
                findings.faults.setdefault(told, told)
            elif isinstance(event, events.FatalError):
                raise event.exception
    return findings
