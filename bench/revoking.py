"""How long it takes to revoke a batch of a million units, request to last unit."""

from bench.minting import finished, settle
from bench.system import BenchFailed, System, wait_until


def whole_batch(system: System, *, units: int) -> float:
    """Return the seconds from the request to the completion of the act."""
    with system.superuser() as superuser:
        settle(superuser)
        _, batch_id = finished(superuser, system.submit(units)["mint_job_id"])
        settle(superuser)
    body = {"batch": str(batch_id), "reason": "recalled", "note": "measured"}
    act = system.call("POST", "/api/v1/mint-units/revoke/", body)

    def look() -> str | None:
        now = system.call("GET", f"/api/v1/mint-revocations/{act['id']}/")
        return str(now["id"]) if now["status"] == "completed" else None

    wait_until("the revocation", look)
    with system.superuser() as superuser:
        row = superuser.execute(
            "select extract(epoch from finished_at - created_at)::float8, revoked_quantity"
            " from minting_mintrevocation where id = %s",
            [act["id"]],
        ).fetchone()
    if row is None or row[1] != units:
        raise BenchFailed(f"revoked {row} of {units}")
    return float(row[0])
