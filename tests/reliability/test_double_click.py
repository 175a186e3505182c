"""Two operators, or one with a nervous finger: a retry is one effect and one audit entry."""

from http import HTTPStatus
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from pytest_django import Settings

from minting import pipeline
from minting.models import MintEvent, MintJob
from minting.states import JobStatus
from tests.console.conftest import ALL_BRANDS
from tests.console.rows import make_jobs, open_shop
from tests.reliability.scale import scaled
from tests.resolver.scanning import at_once
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("console"),
    pytest.mark.timeout(scaled(120, 600)),
]
ROUNDS = scaled(10, 100)
CLICKS = 4
NAME = django_settings.SESSION_COOKIE_NAME
RETRY = "/admin/minting/mintjob/retry/"


@pytest.fixture(autouse=True)
def console_process(settings: Settings, transactional_db: None) -> None:
    settings.ROOT_URLCONF = "tieback.urls.console"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], ALL_BRANDS, settings.MIDDLEWARE[-1]]


def signed_in(name: str) -> Client:
    operator = User.objects.create_superuser(f"{name}@tieback.example")
    client = Client()
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    return client


def test_clicks_at_the_same_moment_send_a_job_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[object] = []
    monkeypatch.setattr(pipeline, "ring", rung.append)
    shop = open_shop()
    # Each operator twice, on sessions of their own browsers.
    clients = [signed_in("ada"), signed_in("grace")]
    sessions = [clients[number % 2].cookies[NAME].value for number in range(CLICKS)]
    jobs = make_jobs(shop, ROUNDS, status=JobStatus.FAILED)
    for job in jobs:
        answers = at_once(CLICKS, lambda number, job=job: click(sessions[number], job.pk))
        assert [getattr(answer, "status_code", answer) for answer in answers] == [
            HTTPStatus.FOUND
        ] * CLICKS
    connection.close()
    with all_brands():
        assert set(MintJob.objects.values_list("status", flat=True)) == {JobStatus.QUEUED}
        audited = AuditEntry.objects.filter(action="mint_job.retried")
        assert sorted(audited.values_list("target_id", flat=True)) == sorted(
            str(job.pk) for job in jobs
        )
        assert MintEvent.objects.filter(type="job.retried").count() == ROUNDS
    assert sorted(map(str, rung)) == sorted(str(job.pk) for job in jobs)


def click(session: str, job_id: UUID) -> object:
    client = Client()
    client.cookies[NAME] = session
    return client.post(RETRY, {"chosen": str(job_id), "reason": "disk replaced"})
