"""The rules of lots, sequences and own serials, over HTTP: every reason, with its detail."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from minting.mint_request import MintRequest
from minting.models import MintBatch, MintEvent, MintJob, MintLot, SerialList, SerialListChunk
from minting.states import JobStatus
from tests.factories import BrandWorld, make_product
from tieback.brands.scoping import brand_scope

URL = "/api/v1/mint-requests/"

pytestmark = pytest.mark.django_db


def body(product, quantity: int = 10, **fields):
    return {
        "product_id": str(product.id),
        "quantity": quantity,
        "identity_mode": "batch" if "lots" in fields else "serial",
        "activation_mode": "first_scan",
        **fields,
    }


def lots(*pairs: tuple[str, int]) -> list[dict[str, object]]:
    return [{"lot_code": code, "qty": qty} for code, qty in pairs]


def rule(prefix: str = "A", width: int = 4, start: int = 1) -> dict[str, object]:
    return {"type": "sequential", "prefix": prefix, "width": width, "start": start}


def post(api, data, key: str | None = None):
    return api.post(URL, data, HTTP_IDEMPOTENCY_KEY=key or str(uuid4()))


def accepted(api, data) -> str:
    response = post(api, data)
    assert response.status_code == 202, response.content
    return response.json()["data"]["mint_batch_id"]


def reasons(api, data) -> dict[str, dict]:
    """Return the reasons by code; the preflight must give the same, and nothing be written."""
    response = post(api, data)
    assert response.status_code == 422, response.content
    fields = response.json()["error"]["fields"]
    foreseen = api.post(f"{URL}preflight/", data).json()["data"]["blocking_reasons"]
    assert [(r["code"], r["detail"]) for r in foreseen] == [
        (f["code"], f.get("detail")) for f in fields
    ]
    return {field["code"]: field for field in fields}


def test_lots_take_their_ordinals_one_after_the_other(api, nordhav: BrandWorld):
    asked = body(make_product(nordhav), 10, lots=lots(("L-2", 3), ("l-2", 5), ("A/b", 2)))
    batch_id = accepted(api, asked)
    with brand_scope(nordhav.brand.id):
        rows = MintLot.objects.filter(batch_id=batch_id).order_by("first_ordinal")
        assert list(rows.values_list("lot_code", "first_ordinal", "last_ordinal")) == [
            ("L-2", 1, 3),
            ("l-2", 4, 8),
            ("A/b", 9, 10),
        ]
        event = MintEvent.objects.get(batch_id=batch_id)
    assert (event.data["identity_mode"], event.data["lots"]) == ("batch", 3)


def test_the_batch_tells_its_lots_and_how_its_serials_come(api, nordhav):
    asked = body(make_product(nordhav), 4, lots=lots(("L", 4)), serial_rule=rule())
    shown = api.get(f"/api/v1/mint-batches/{accepted(api, asked)}/").json()["data"]
    assert shown["serial_source"] == "sequential"
    assert shown["serial_rule"] == rule()
    (lot,) = shown["lots"]
    assert (lot["lot_code"], lot["qty"], lot["minted_quantity"]) == ("L", 4, 0)


def test_every_fault_of_the_lots_is_named_by_its_index(api, nordhav):
    asked = body(
        make_product(nordhav),
        10,
        lots=lots(
            ("ok", 5),
            ("", 1),
            ("x" * 21, 1),
            ("Ä", 1),
            ("ok", 2),
            ("A/21", 0),
            ("..", 1),
            ("a b", 1),
        ),
    )
    found = reasons(api, asked)
    faults = found["LOTS_INVALID"]["detail"]["faults"]
    assert [(fault["index"], fault["field"], fault["problem"]) for fault in faults] == [
        (1, "lot_code", "BLANK"),
        (2, "lot_code", "TOO_LONG"),
        (3, "lot_code", "CHARACTERS"),
        (4, "lot_code", "DUPLICATE"),
        (5, "lot_code", "SERIAL_KEY"),
        (5, "qty", "QUANTITY"),
        (6, "lot_code", "DOT_SEGMENT"),
        (7, "lot_code", "CHARACTERS"),
    ]
    assert found["LOT_QUANTITY_MISMATCH"]["detail"] == {"lots": 12, "quantity": 10}


@pytest.mark.parametrize("count", [0, 101])
def test_batch_mode_takes_1_to_100_lots(api, nordhav, count):
    asked = body(make_product(nordhav), 101, lots=lots(*((f"L{n}", 1) for n in range(count))))
    assert reasons(api, asked)["LOTS_INVALID"]["detail"]["given"] == count


def test_a_hundred_lots_are_taken_and_batch_mode_without_any_is_refused(api, nordhav):
    product = make_product(nordhav)
    accepted(api, body(product, 100, lots=lots(*((f"L{n}", 1) for n in range(100)))))
    assert "LOTS_INVALID" in reasons(api, body(product, 1) | {"identity_mode": "batch"})


def test_serial_mode_takes_no_lots(api, nordhav):
    asked = body(make_product(nordhav), 1, lots=lots(("A", 1))) | {"identity_mode": "serial"}
    assert list(reasons(api, asked)) == ["LOTS_NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (rule("Ä"), "CHARACTERS"),
        (rule("A B"), "CHARACTERS"),
        (rule("A" * 17, 4), "TOO_LONG"),
        (rule("A", 1, 1), "OVERFLOW"),
        (rule("A", 3, 991), "OVERFLOW"),
    ],
)
def test_a_rule_that_cannot_name_the_units_is_refused(api, nordhav, asked, problem):
    found = reasons(api, body(make_product(nordhav), 10, serial_rule=asked))
    assert [fault["problem"] for fault in found["SERIALS_INVALID"]["detail"]["faults"]] == [problem]


def test_a_rule_may_use_its_width_to_the_last_number(api, nordhav):
    accepted(api, body(make_product(nordhav), 10, serial_rule=rule("A" * 17, 3, 990)))


@pytest.mark.parametrize(
    "other",
    [
        rule("A", 4, 10),
        rule("A0", 3, 1),
        rule("", 5, 1) | {"prefix": "A00", "width": 2, "start": 9},
    ],
)
def test_rules_that_make_the_same_serials_collide_whatever_their_prefix(api, nordhav, other):
    product = make_product(nordhav)
    batch_id = accepted(api, body(product, 10, serial_rule=rule("A", 4, 1)))
    detail = reasons(api, body(product, 5, serial_rule=other))["SERIALS_ALREADY_USED"]["detail"]
    assert detail["examples"][0]["used_by"] == {"kind": "mint_batch", "id": batch_id}
    accepted(api, body(product, 5, serial_rule=other | {"start": detail["next_free_start"]}))


@pytest.mark.parametrize("other", [rule("A", 4, 11), rule("A", 5, 1), rule("B", 4, 1)])
def test_rules_that_make_other_serials_do_not_collide(api, nordhav, other):
    product = make_product(nordhav)
    accepted(api, body(product, 10, serial_rule=rule("A", 4, 1)))
    accepted(api, body(product, 10, serial_rule=other))


def test_a_rule_whose_prefix_only_sorts_between_does_not_collide(api, nordhav):
    product = make_product(nordhav)
    accepted(api, body(product, 900, serial_rule=rule("A", 3, 100)))
    accepted(api, body(product, 9, serial_rule=rule("A1:", 1, 1)))


def test_another_product_may_have_the_same_sequence(api, nordhav):
    for _ in range(2):
        accepted(api, body(make_product(nordhav), 10, serial_rule=rule()))


def test_no_next_start_is_offered_where_none_is_left(api, nordhav):
    product = make_product(nordhav)
    accepted(api, body(product, 5, serial_rule=rule("A", 1, 5)))
    detail = reasons(api, body(product, 2, serial_rule=rule("A", 1, 8)))
    detail = detail["SERIALS_ALREADY_USED"]["detail"]
    assert (detail["count"], detail["next_free_start"]) == (2, None)


def test_a_rule_meets_serials_that_a_list_has_promised(api, nordhav):
    product = make_product(nordhav)
    accepted(api, body(product, 2, serials=["A0003", "A00x"]))
    detail = reasons(api, body(product, 5, serial_rule=rule()))["SERIALS_ALREADY_USED"]["detail"]
    assert (detail["count"], detail["next_free_start"]) == (1, 4)
    assert detail["examples"][0]["first"] == "A0003"


def test_own_serials_are_kept_as_a_list_of_the_batch(api, nordhav):
    given = ["b", "a,\"'", "/", "A" * 20]
    batch_id = accepted(api, body(make_product(nordhav), 4, serials=given))
    with brand_scope(nordhav.brand.id):
        batch = MintBatch.objects.select_related("serial_list").get(id=batch_id)
        (chunk,) = SerialListChunk.objects.filter(list=batch.serial_list)
    assert batch.serial_source == "own"
    assert batch.serial_list.source == SerialList.Source.INLINE
    assert chunk.serials.split("\n") == given


def test_every_fault_of_own_serials_is_named_by_its_index(api, nordhav):
    product = make_product(nordhav)
    batch_id = accepted(api, body(product, 2, serials=["old", "older"]))
    given = ["ok", "", "old", "ok", "tw o", ".", "x" * 21, "ok", "a\nb", "\u00e9"]
    found = reasons(api, body(product, 11, serials=given))
    invalid = found.pop("SERIALS_INVALID")["detail"]
    assert set(found) == {"SERIALS_DUPLICATE", "SERIALS_ALREADY_USED"}
    assert [(f["index"], f["problem"]) for f in invalid["faults"]] == [
        (1, "BLANK"),
        (4, "CHARACTERS"),
        (5, "DOT_SEGMENT"),
        (6, "TOO_LONG"),
        (8, "CHARACTERS"),
        (9, "CHARACTERS"),
    ]
    assert [
        (f["index"], f["first_index"]) for f in found["SERIALS_DUPLICATE"]["detail"]["faults"]
    ] == [(3, 0), (7, 0)]
    (used,) = found["SERIALS_ALREADY_USED"]["detail"]["faults"]
    assert (used["index"], used["used_by"]) == (2, {"kind": "mint_batch", "id": batch_id}) or (
        used["used_by"]["kind"] == "serial_list"
    )


def test_there_must_be_a_serial_for_each_unit(api, nordhav):
    found = reasons(api, body(make_product(nordhav), 3, serials=["a", "b"]))
    assert found["SERIALS_INVALID"]["detail"] == {"given": 2, "quantity": 3}


def test_own_serials_meet_a_sequence(api, nordhav):
    product = make_product(nordhav)
    batch_id = accepted(api, body(product, 10, serial_rule=rule()))
    found = reasons(api, body(product, 4, serials=["A0001", "A0011", "A00001", "A001x"]))
    (used,) = found["SERIALS_ALREADY_USED"]["detail"]["faults"]
    assert (used["index"], used["used_by"]) == (0, {"kind": "mint_batch", "id": batch_id})


def test_more_than_10_000_own_serials_are_sent_to_the_upload(api, nordhav):
    product = make_product(nordhav)
    given = [f"S{n}" for n in range(10_001)]
    detail = reasons(api, body(product, 10_001, serials=given))["SERIALS_INVALID"]["detail"]
    assert detail["maximum"] == 10_000
    accepted(api, body(product, 10_000, serials=given[:10_000]))


@pytest.mark.parametrize(
    "field",
    [
        {"serials": "abc"},
        {"serials": []},
        {"serials": ["a", 7]},
        {"serial_rule": {"type": "random"}},
        {"serial_rule": {"type": "sequential", "width": "4"}},
        {"serial_rule": {"type": "sequential", "width": 21}},
        {"serial_rule": {"type": "sequential", "width": 4, "start": -1}},
        {"serial_rule": {"type": "sequential", "width": 4, "step": 2}},
        {"serial_list_id": 7},
        {"serials": ["a"], "serial_list_id": str(uuid4())},
        {"serials": ["a"], "serial_rule": rule()},
        {"serial_rule": rule(), "serial_list_id": str(uuid4())},
    ],
)
def test_malformed_or_combined_choices_are_400_by_field(api, nordhav, field):
    response = post(api, body(make_product(nordhav), 1, **field))
    assert response.status_code == 400
    named = [fault["field"] for fault in response.json()["error"]["fields"]]
    assert {name.partition(".")[0].partition("[")[0] for name in named} == set(field)


def test_the_choice_of_serials_is_part_of_what_a_key_stands_for(api, nordhav):
    product = make_product(nordhav)
    first = post(api, body(product, 1, serials=["a"]), key="one")
    assert (
        post(api, body(product, 1, serials=["a"]), key="one").json()["data"]["mint_job_id"]
        == (first.json()["data"]["mint_job_id"])
    )
    assert post(api, body(product, 1, serials=["b"]), key="one").status_code == 422
    assert post(api, body(product, 1), key="one").status_code == 422


def test_keys_of_plain_requests_keep_their_fingerprint():
    product_id = "00000000-0000-0000-0000-000000000001"
    print_of = MintRequest(product_id=product_id, quantity=5).fingerprint().hex()
    assert print_of == ("576f7e3cf8edb2ff7000cdc0f7f9213376d37791713332607268a2fa425303a6")


def test_a_cancelled_job_that_made_nothing_gives_its_serials_back(api, nordhav):
    product = make_product(nordhav)
    for asked in ({"serial_rule": rule()}, {"serials": ["A0004", "x"]}):
        quantity = len(asked.get("serials", "ten units!"))
        batch_id = accepted(api, body(product, quantity, **asked))
        assert "SERIALS_ALREADY_USED" in reasons(api, body(product, 5, serial_rule=rule()))
        with brand_scope(nordhav.brand.id):
            MintJob.objects.filter(batch_id=batch_id).update(
                status=JobStatus.CANCELLED, finished_at=timezone.now()
            )
    accepted(api, body(product, 5, serial_rule=rule()))


def test_the_database_refuses_lots_that_overlap(nordhav, api):
    batch_id = accepted(api, body(make_product(nordhav), 4, lots=lots(("A", 2), ("B", 2))))
    with brand_scope(nordhav.brand.id):
        for first, last in ((2, 2), (4, 5), (5, 6)):
            with pytest.raises(IntegrityError), transaction.atomic():
                MintLot.objects.create(
                    brand=nordhav.brand,
                    batch_id=batch_id,
                    lot_code="C",
                    quantity=last - first + 1,
                    first_ordinal=first,
                    last_ordinal=last,
                )
