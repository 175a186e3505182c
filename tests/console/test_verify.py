"""Verifying a job from the console and by command: every invariant's verdict, nothing changed."""

from http import HTTPStatus
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from exports import storage
from minting import verification, worker
from minting.models import MintBatch, MintEvent, MintJob
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs, open_shop
from tests.minting.requests import request_for, submit
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.plane("console")


@pytest.fixture
def minted(shop: Shop) -> MintJob:
    """A job that the engine has completed."""
    with acting_as("web"):
        job = submit(shop.world, request_for(shop.product, 7))
    with acting_as("worker"):
        worker.work_next_job()
    return job


def address(job: MintJob) -> str:
    return reverse("admin:minting_mintjob_verify", args=[job.pk])


def verdicts(answer: Any) -> dict[str, str]:
    found = answer.context["verification"].verdicts
    return {verdict.invariant: verdict.status.value for verdict in found}


def take_one_away(job: MintJob) -> None:
    """Let the batch count a unit less than there is."""
    with acting_as("worker"), brand_scope(job.brand_id):
        MintBatch.objects.filter(pk=job.batch_id).update(activated_quantity=1)


def test_a_sound_job_has_a_verdict_on_each_invariant(console: Client, minted: MintJob) -> None:
    answer = console.post(address(minted))
    assert answer.status_code == HTTPStatus.OK
    expected = {f"I{number}": "ok" for number in range(1, 15)}
    assert verdicts(answer) == expected
    assert "Everything that was looked at holds" in answer.content.decode()


def test_a_broken_invariant_is_shown_with_its_rows(console: Client, minted: MintJob) -> None:
    take_one_away(minted)
    answer = console.post(address(minted))
    assert [name for name, status in verdicts(answer).items() if status == "broken"] == ["I4"]
    content = answer.content.decode()
    assert "1 invariant is broken" in content
    assert f"{minted.pk}, 7, 7, 7, 1, 0, 0, 0, 0" in content


def test_a_stored_pack_is_read_back(
    console: Client, minted: MintJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(storage, "put", lambda key, content, **_: kept.__setitem__(key, content))
    monkeypatch.setattr(storage, "read", kept.__getitem__)
    with acting_as("worker"):
        from exports.worker import work_next_build

        work_next_build()
    assert len(kept) == 2
    assert verdicts(console.post(address(minted)))["I10"] == "ok"
    for key in kept:
        kept[key] += b"x"
    assert verdicts(console.post(address(minted)))["I10"] == "broken"


def test_verifying_changes_nothing_and_a_get_does_not_even_look(
    console: Client, minted: MintJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows() -> tuple[Any, ...]:
        with all_brands():
            tables = (MintJob, MintBatch, MintEvent, AuditEntry)
            return tuple(list(table.objects.order_by("pk").values()) for table in tables)

    before = rows()
    console.post(address(minted))
    assert rows() == before
    monkeypatch.setattr(verification, "verify", None)
    answer = console.get(address(minted))
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"] == reverse("admin:minting_mintjob_change", args=[minted.pk])


def test_the_jobs_page_offers_it_as_a_post(console: Client, minted: MintJob) -> None:
    page = console.get(reverse("admin:minting_mintjob_change", args=[minted.pk]))
    assert f'formaction="{address(minted)}"' in page.content.decode()


def test_a_job_that_does_not_exist_is_not_found(console: Client, minted: MintJob) -> None:
    missing = reverse("admin:minting_mintjob_verify", args=["00000000-0000-0000-0000-000000000000"])
    assert console.post(missing).status_code == HTTPStatus.NOT_FOUND


def test_a_stranger_is_sent_to_sign_in(minted: MintJob) -> None:
    answer = Client().post(address(minted))
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"].startswith("/admin/login/")


def test_staff_who_may_not_see_jobs_are_refused(minted: MintJob) -> None:
    assert staff_with("view_mintbatch").post(address(minted)).status_code == HTTPStatus.FORBIDDEN


def test_staff_who_may_see_jobs_may_have_them_verified(minted: MintJob) -> None:
    assert staff_with("view_mintjob").post(address(minted)).status_code == HTTPStatus.OK


def test_it_needs_the_forms_token(operator: Any, minted: MintJob) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    assert client.post(address(minted)).status_code == HTTPStatus.FORBIDDEN


def test_a_query_that_takes_too_long_is_given_up(
    console: Client, minted: MintJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(evidence: Any, **_: Any) -> None:
        evidence.database.execute("set statement_timeout = 20; select pg_sleep(5)")

    monkeypatch.setattr(verification, "verify", slow)
    answer = console.post(address(minted), follow=True)
    assert "took too long" in next(str(message) for message in answer.context["messages"])


# The command


@pytest.fixture
def as_console(settings: Any) -> None:
    settings.TIEBACK_PLANE = "console"


def test_the_command_judges_a_job_a_brand_or_everything(
    as_console: None, minted: MintJob, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([str(minted.pk)], ["--brand", shop.world.brand.slug], []):
        call_command("verify_jobs", *arguments, "--no-files")
        told = capsys.readouterr().out
        assert "I1   ok" in told
        assert "I9   ok" in told


def test_the_command_fails_where_something_is_broken(
    as_console: None, minted: MintJob, capsys: pytest.CaptureFixture[str]
) -> None:
    take_one_away(minted)
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_jobs", "--no-files")
    assert "I4   broken" in capsys.readouterr().out


def test_the_command_keeps_to_the_brand_it_is_asked_about(
    as_console: None, minted: MintJob, capsys: pytest.CaptureFixture[str]
) -> None:
    take_one_away(minted)
    other = open_shop("quillon")
    make_jobs(other)
    call_command("verify_jobs", "--brand", other.world.brand.slug, "--no-files")
    assert "broken" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["00000000-0000-0000-0000-000000000000"], "no such job"),
        (["--brand", "nobody"], "no brand 'nobody'"),
        (["--brand", "x", "00000000-0000-0000-0000-000000000000"], "not both"),
    ],
)
def test_the_command_says_what_it_cannot_find(
    as_console: None, minted: MintJob, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("verify_jobs", *arguments)


def test_the_command_refuses_a_plane_that_would_see_nothing(minted: MintJob) -> None:
    with pytest.raises(CommandError, match="TIEBACK_PLANE=console"):
        call_command("verify_jobs")
    assert connection.settings_dict["USER"] == "tieback_ops"
