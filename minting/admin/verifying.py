"""Verifying a job from the console: the button's page, which only reads."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from minting.models import MintJob
from minting.verification import VerificationTooLong, verify_minted

# Of one query; a job of a million units needs a second or two for its longest.
STATEMENT_SECONDS = 30.0


def verify_page(request: HttpRequest, job: MintJob, context: dict[str, Any]) -> HttpResponse:
    """Check the job and show the verdict on each invariant; a GET leads back to the job."""
    if request.method != "POST":
        return redirect("admin:minting_mintjob_change", job.pk)
    try:
        found = verify_minted(job_id=UUID(str(job.pk)), statement_seconds=STATEMENT_SECONDS)
    except VerificationTooLong as error:
        messages.error(request, str(error))
        return redirect("admin:minting_mintjob_change", job.pk)
    return TemplateResponse(
        request,
        "admin/minting/mintjob/verify.html",
        {**context, "title": "Verify job", "job": job, "verification": found},
        status=HTTPStatus.OK,
    )
