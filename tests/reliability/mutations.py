"""Seeded bugs: a guard taken away from the real code or schema, and the run that then goes wrong.

Each names the invariant that must be found broken. What is replaced must be found first, so that
a text that has changed fails here instead of proving nothing.
"""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import exports.packs as packing
from exports import storage
from minting import cycles, finalize, gateway, idempotency, leases, retries, revocations
from minting.models import MintJob
from minting.proofs import building
from minting.proofs import units as proof_units
from minting.states import JobStatus
from resolver import rollup
from tests.reliability import scenarios
from tests.reliability.chain_mutations import CHAIN_MUTANTS
from tests.reliability.engine import Engine
from tests.reliability.mutating import Mutant, Mutate, both, inserting, replaced
from tieback.brands.scoping import brand_scope


def nothing(engine: Engine) -> None:
    """Leave the code as it is: the schema was changed."""


# The bugs that are more than another piece of SQL


def cycle_in_several_transactions(engine: Engine) -> None:
    """Each statement of a cycle commits by itself."""
    assert hasattr(cycles, "transaction")
    engine.patch.setattr(cycles, "transaction", SimpleNamespace(atomic=nullcontext))


def written_after_the_commit(name: str) -> Mutate:
    """Move one statement of a cycle behind its commit, where a death loses it."""

    def mutate(engine: Engine) -> None:
        statement, real = getattr(cycles, name), cycles.run_cycle
        assert "minting_" in statement
        engine.patch.setattr(cycles, name, "select 1")

        def run_cycle(claim, *given, **named):
            number, generated, left = claim.cycles + 1, claim.generated, claim.left
            done = real(claim, *given, **named)
            values = {
                "brand": claim.brand_id,
                "id": claim.job_id,
                "batch": claim.batch_id,
                "number": number,
                "generated": generated,
                "fence": claim.fence,
                "count": left - claim.left,
                "started": "now",
            }
            with brand_scope(claim.brand_id), cycles.connection.cursor() as cursor:
                cursor.execute(statement, values)
            return done

        engine.patch.setattr(cycles, "run_cycle", run_cycle)

    return mutate


def keys_are_not_held(engine: Engine) -> None:
    """Requests with one key do not wait for each other."""
    assert gateway.idempotency is idempotency
    engine.patch.setattr(idempotency, "hold", lambda *_: None)


def replay_forgets_the_key(engine: Engine) -> None:
    """A replay answers with the brand's newest job."""

    def earlier_job(brand_id: Any, key: str, wanted: bytes) -> MintJob | None:
        jobs = MintJob.objects.filter(brand_id=brand_id)
        asked_before = jobs.filter(idempotency_key=key).exists()
        return jobs.order_by("-created_at").first() if asked_before else None

    assert hasattr(idempotency, "earlier_job")
    engine.patch.setattr(idempotency, "earlier_job", earlier_job)


def retry_starts_from_zero(engine: Engine) -> None:
    """A job that is sent back forgets what it has made."""
    real = retries.retry_job

    def retry_job(*, job: MintJob, **named: Any) -> None:
        real(job=job, **named)
        MintJob.objects.filter(pk=job.pk).update(generated_quantity=0, cycles=0)

    engine.patch.setattr(retries, "retry_job", retry_job)


def retry_is_not_audited(engine: Engine) -> None:
    """Sending a job back leaves no audit entry."""
    assert hasattr(retries, "record")
    engine.patch.setattr(retries, "record", lambda *_, **__: None)


def retry_takes_completed_jobs(engine: Engine) -> None:
    """A retry asks for the wrong state, and nothing in the schema minds."""
    assert retries.JobStatus is JobStatus
    wrong = SimpleNamespace(FAILED=JobStatus.COMPLETED, QUEUED=JobStatus.QUEUED)
    engine.patch.setattr(retries, "JobStatus", wrong)


def event_is_not_told(event_type: str) -> Mutate:
    """One change of state is not told."""

    def mutate(engine: Engine) -> None:
        real = finalize.tell

        def tell(told: str, **named: Any) -> None:
            if told != event_type:
                real(told, **named)

        engine.patch.setattr(finalize, "tell", tell)

    return mutate


def next_step_is_not_asked_for(engine: Engine) -> None:
    """A completed job asks nobody for its packs."""
    assert hasattr(finalize.pipeline, "complete")
    engine.patch.setattr(finalize.pipeline, "complete", lambda **_: None)


def rows_of_a_pack_are_not_counted(engine: Engine) -> None:
    """A pack leaves its first row out, and nobody counts the lines."""
    real = packing.pack_query

    def pack_query(batch: Any, *, first: int, last: int) -> Any:
        return real(batch, first=first + 1, last=last)

    engine.patch.setattr(packing, "pack_query", pack_query)
    engine.patch.setattr(packing, "rows_in", lambda content: content.count(b"\r\n"))


def upload_loses_its_tail(engine: Engine) -> None:
    """What is stored is shorter than what was hashed."""
    real = storage.put

    def put(key: str, content: bytes, **named: Any) -> None:
        named["sha256"] = __import__("hashlib").sha256(content[:-9]).digest()
        real(key, content[:-9], **named)

    engine.patch.setattr(storage, "put", put)


def upload_does_not_happen(engine: Engine) -> None:
    """A pack is recorded as stored that never was."""
    real = storage.put

    def put(key: str, content: bytes, **named: Any) -> None:
        if not key.endswith("pack-00002.csv"):
            real(key, content, **named)

    engine.patch.setattr(storage, "put", put)


def packs_are_made_of_another_host(engine: Engine) -> None:
    """What is printed leads elsewhere than what was frozen."""
    real = packing.pack_query

    def pack_query(batch: Any, **named: Any) -> tuple[str, dict[str, Any]]:
        return real(replace(batch, resolver_base="https://moved.example"), **named)

    engine.patch.setattr(packing, "pack_query", pack_query)


def a_leaf_of_each_step_is_forgotten(engine: Engine) -> None:
    """The last unit of a cycle is counted into the tree and not hashed into it."""
    real = building.leaves_of

    def leaves_of(*given: Any, **named: Any) -> Any:
        leaves = real(*given, **named)
        return leaves._replace(hashes=leaves.hashes[:-1])

    engine.patch.setattr(building, "leaves_of", leaves_of)


def something_else_is_signed(engine: Engine) -> None:
    """The statement that is kept is not the one that was signed."""
    real = building.sign
    engine.patch.setattr(
        building, "sign", lambda stated, key: real(replace(stated, size=stated.size + 1), key)
    )


def steps_are_not_counted_into_their_act(engine: Engine) -> None:
    """The last step ends its act with its own number alone."""
    real = revocations._finish

    def finish(revocation: Any, revoked: int) -> None:
        real(revocation, revoked % engine.settings.TIEBACK_CYCLE_SIZE)

    engine.patch.setattr(revocations, "_finish", finish)


def brand_of_the_job_before(engine: Engine) -> None:
    """A cycle enters the brand that was in force first, and takes its rows' brand from it."""
    seen: list[Any] = []
    real = cycles.brand_scope

    def stale(brand_id: Any) -> Any:
        seen.append(brand_id)
        return real(seen[0])

    engine.patch.setattr(cycles, "brand_scope", stale)


IN_FORCE = "nullif(current_setting('tieback.brand_id', true), '')::uuid"
POLICIES = tuple(f"policy:minting_mint{table}" for table in ("unit", "batch", "cycle", "lot"))

MUTANTS = (
    Mutant(
        "a token may be given twice",
        "I1",
        nothing,
        scenarios.the_same_tokens_come_again,
        drops=("minting_unit_token",),
    ),
    Mutant(
        "a worker that slept writes over what was made since",
        "I1",
        both(
            replaced(cycles, "_ADVANCE", "and fence = %(fence)s", ""),
            replaced(cycles, "_ADVANCE", "and generated_quantity = %(generated)s", ""),
        ),
        scenarios.overtaken_by_one_cycle,
        drops=("minting_unit_ordinal", "minting_cycle_number", "minting_cycle_ordinal"),
    ),
    Mutant(
        "a retry starts again from zero",
        "I1",
        retry_starts_from_zero,
        scenarios.fails_and_is_sent_back,
        drops=(
            *("minting_unit_ordinal", "minting_cycle_number", "minting_cycle_ordinal"),
            *("minting_batch_minted_at_most_requested", "minting_batch_minted_in_full"),
            "refusal:update (generated_quantity, cycles) on minting_mintjob:tieback_app",
        ),
    ),
    Mutant(
        "completion does not look whether all is made",
        "I2",
        replaced(finalize, "_COMPLETE", "and generated_quantity = requested_quantity", ""),
        scenarios.counts_more_than_it_made,
        drops=("minting_job_completed_in_full", "minting_batch_minted_in_full"),
    ),
    Mutant(
        "a sequence starts one number late",
        "I2",
        inserting("+ made.position - 1)::text", "+ made.position)::text"),
        scenarios.numbered_in_sequence,
    ),
    Mutant(
        "own serials are given out in another order",
        "I2",
        inserting("order by chunk.first_ordinal, item.place)", "order by item.serial)"),
        scenarios.numbered_in_sequence,
    ),
    Mutant(
        "a cycle is several transactions",
        "I3",
        cycle_in_several_transactions,
        scenarios.dies_inside_a_cycle,
    ),
    Mutant(
        "the cycle's row is written after the commit",
        "I3",
        written_after_the_commit("_RECORD_CYCLE"),
        scenarios.dies_after_a_cycle,
    ),
    Mutant(
        "the batch is counted after the commit",
        "I4",
        written_after_the_commit("_COUNT_INTO_BATCH"),
        scenarios.dies_after_a_cycle,
        drops=("minting_batch_minted_in_full",),
    ),
    Mutant(
        "counted scans are not taken out",
        "I4",
        replaced(
            rollup,
            "_COUNT",
            "delete from resolver_activation where brand_id = %(brand)s returning batch_id",
            "select batch_id from resolver_activation where brand_id = %(brand)s",
        ),
        scenarios.scanned_and_counted_twice,
    ),
    Mutant(
        "what was revoked before is revoked once more",
        "I4",
        replaced(revocations, "_REVOKE_RANGE", "and status < 2", ""),
        scenarios.revoked_twice,
    ),
    Mutant(
        "an act forgets what its step has revoked",
        "I4",
        steps_are_not_counted_into_their_act,
        scenarios.revoked_twice,
    ),
    Mutant(
        "one key may make two jobs",
        "I5",
        keys_are_not_held,
        scenarios.asked_twice_at_once,
        drops=("minting_job_idempotency_key",),
    ),
    Mutant(
        "a replay answers with another job",
        "I5",
        replay_forgets_the_key,
        scenarios.asked_again_later,
    ),
    Mutant(
        "a failed job is sent back without an audit entry",
        "I6",
        retry_is_not_audited,
        scenarios.fails_and_is_sent_back,
    ),
    Mutant(
        "a completed job can be sent back",
        "I6",
        retry_takes_completed_jobs,
        scenarios.sent_back_after_its_end,
        drops=("trigger:minting_mintjob.pgtrigger_legal_status",),
    ),
    Mutant(
        "the fence is not looked at",
        "I7",
        replaced(cycles, "_ADVANCE", "and fence = %(fence)s", ""),
        scenarios.overtaken_before_anything_is_made,
    ),
    Mutant(
        "only the first claim raises the fence",
        "I7",
        replaced(leases, "_CLAIM", "fence = job.fence + 1", "fence = greatest(job.fence, 1)"),
        scenarios.overtaken_by_one_cycle,
    ),
    Mutant(
        "completion is not told",
        "I8",
        event_is_not_told("job.completed"),
        scenarios.nothing_special,
    ),
    Mutant(
        "completion asks for no packs",
        "I8",
        next_step_is_not_asked_for,
        scenarios.nothing_special,
    ),
    Mutant(
        "a pack misses a row",
        "I10",
        rows_of_a_pack_are_not_counted,
        scenarios.nothing_special,
    ),
    Mutant(
        "a pack is made of the brand's present host",
        "I10",
        packs_are_made_of_another_host,
        scenarios.nothing_special,
    ),
    Mutant(
        "an upload loses its tail",
        "I10",
        upload_loses_its_tail,
        scenarios.nothing_special,
    ),
    Mutant(
        "an upload does not happen",
        "I10",
        upload_does_not_happen,
        scenarios.nothing_special,
    ),
    Mutant(
        "leaves are hashed in another order",
        "I13",
        replaced(proof_units, "_URIS", "order by unit.ordinal", "order by unit.token desc"),
        scenarios.signed_with_a_death_at_each_step,
    ),
    Mutant(
        "a leaf of each step is forgotten",
        "I13",
        a_leaf_of_each_step_is_forgotten,
        scenarios.signed_with_a_death_at_each_step,
    ),
    Mutant(
        "something else is signed",
        "I13",
        something_else_is_signed,
        scenarios.signed_with_a_death_at_each_step,
    ),
    Mutant(
        "completion asks for no proof",
        "I13",
        next_step_is_not_asked_for,
        scenarios.nothing_special,
    ),
    *CHAIN_MUTANTS,
    Mutant(
        "units take the brand that is in force, and it is the job's before",
        "I11",
        both(
            brand_of_the_job_before,
            inserting("select batch.brand_id,", f"select {IN_FORCE},"),
        ),
        scenarios.nothing_special,
        drops=("trigger:minting_mintunit.pgtrigger_parents_exist", *POLICIES),
    ),
    Mutant(
        "cycles take the brand that is in force, and it is the job's before",
        "I11",
        both(
            brand_of_the_job_before,
            replaced(cycles, "_RECORD_CYCLE", "values (%(brand)s,", f"values ({IN_FORCE},"),
        ),
        scenarios.nothing_special,
        drops=("minting_mintcycle_job_id_same_brand", *POLICIES),
    ),
    Mutant(
        "a committed cycle does not end a run of errors",
        "I12",
        replaced(cycles, "_ADVANCE", "consecutive_errors = 0,", ""),
        scenarios.errors_with_progress_between,
    ),
    Mutant(
        "one error too many is allowed",
        "I12",
        replaced(
            finalize,
            "_RECORD_ERROR",
            "consecutive_errors + 1 >= %(allowed)s",
            "consecutive_errors + 1 > %(allowed)s",
            times=4,
        ),
        scenarios.errors_in_a_row,
    ),
)
