"""Speaks to the public HTTP API with one credential, over connections that stay open."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from demo.report import DemoFailed

CONNECTIONS = 6
LARGEST_PAGE = 500
# A machine that is busy with other things answers late, but it answers.
TIMEOUT = urllib3.Timeout(connect=10, read=120)


@dataclass(frozen=True)
class Answer:
    """One answer of the API."""

    asked: str
    status: int
    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        """What was asked for."""
        return self.body.get("data")

    @property
    def meta(self) -> Mapping[str, Any]:
        """Request id and cursor."""
        return self.body.get("meta") or {}

    @property
    def error(self) -> Mapping[str, Any]:
        """Code, message and fields of a refusal; empty if there was none."""
        return self.body.get("error") or {}

    @property
    def reasons(self) -> list[str]:
        """The codes of the fields a refusal names."""
        return [str(field.get("code")) for field in self.error.get("fields", ())]

    def require(self, *statuses: int) -> Any:
        """Return the data; any other status ends the demo."""
        if self.status not in statuses:
            raise DemoFailed(self.refusal())
        return self.data

    def refusal(self) -> str:
        """Return what was answered, for a person to read."""
        fields = "; ".join(
            f"{field.get('field')}: {field.get('message')}"
            for field in self.error.get("fields", ())[:5]
        )
        parts = (self.error.get("code"), self.error.get("message"), fields)
        said = ": ".join(str(part) for part in parts if part)
        request_id = self.meta.get("request_id", "unknown")
        return f"{self.asked} answered {self.status} {said} (request {request_id})"


class ApiClient:
    """A client of the web plane; several threads may use it at once."""

    def __init__(self, base: str, api_key: str = "") -> None:
        self.base = base
        self._headers = {"Accept": "application/json"} | ({"X-Api-Key": api_key} if api_key else {})
        # A connection the server has closed meanwhile is opened again; an answer is an answer.
        retries = urllib3.Retry(connect=3, read=3, redirect=0, status=0, other=0)
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS, block=True, retries=retries, timeout=TIMEOUT
        )

    def get(self, path: str, **params: object) -> Answer:
        """Read."""
        return self._ask("GET", path, params)

    def post(self, path: str, body: object, *, idempotency_key: str = "") -> Answer:
        """Send a JSON body."""
        headers = {"Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return self._ask("POST", path, {}, body=json.dumps(body).encode(), headers=headers)

    def post_csv(self, path: str, content: bytes, **params: object) -> Answer:
        """Send a CSV file as the body."""
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        return self._ask("POST", path, params, body=content, headers=headers)

    def rows(self, path: str, **params: object) -> Iterator[Any]:
        """Yield every row of a list, page after page."""
        cursor: dict[str, object] = {}
        while True:
            answer = self.get(path, page_size=LARGEST_PAGE, **params, **cursor)
            yield from answer.require(200)
            if not answer.meta.get("has_more"):
                return
            cursor = {"cursor": answer.meta["next_cursor"]}

    def one(self, path: str, **params: object) -> Any:
        """Return the only row of a list."""
        found = list(self.rows(path, **params))
        if len(found) != 1:
            message = f"GET {path} {params} found {len(found)} rows instead of one"
            raise DemoFailed(message)
        return found[0]

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, object],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        query = f"?{urlencode(params)}" if params else ""
        answer = self._pool.request(
            method,
            f"{self.base}/api/v1{path}{query}",
            body=body,
            headers={**self._headers, **(headers or {})},
            redirect=False,
        )
        try:
            content = json.loads(answer.data)
        except ValueError:
            content = {}
        return Answer(
            f"{method} /api/v1{path}{query}",
            answer.status,
            content if isinstance(content, dict) else {},
        )
