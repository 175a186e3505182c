"""One process of many that claim: takes jobs as a worker does and says which, under which fence.

Waits for its standard input to say go, so that all start together. Prints one line a claim: job,
fence, and when it had it and let go, on the clock all processes of a machine share.
"""

import sys
import time

import django

WAIT_SECONDS = 0.002


def main(times: int) -> None:
    """Claim until this process has had its share, or nothing has come for a while."""
    django.setup()
    from django.db import connection

    from minting.leases import claim_next, let_go

    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    had, idle = 0, 0
    while had < times and idle < 2_000:
        claim = claim_next()
        if claim is None:
            idle += 1
            time.sleep(WAIT_SECONDS)
            continue
        got = time.monotonic_ns()
        sys.stdout.write(f"{claim.job_id} {claim.fence} {got} {time.monotonic_ns()}\n")
        let_go(claim)
        had, idle = had + 1, 0
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
