"""The operators' console: Django's admin on a site of its own.

Nothing can be added, changed or deleted unless a page says otherwise: what an operator may do is
an action with its own permission, a reason and an audit entry. Apps register their pages here;
``tieback.urls.console`` loads them.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, re_path, reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tieback.brands.audit import ActsForSystem, record
from tieback.brands.scoping import all_brands
from tieback.figures import figures_registry, read_figures
from tieback.metrics import allowed
from tieback.requests import request_id_of

_NUL = "\0"
_View = TypeVar("_View", bound=Callable[..., HttpResponseBase])


def _refusing_nul(view: _View) -> _View:
    """Answer 404 or 400 where an address or a form holds a NUL, which no text column can hold.

    Filters, ids and actions go to the database as they came. A search is left to its form, which
    refuses a NUL with words.
    """

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if _NUL in request.path:
            raise Http404
        asked = [pair for pair in request.GET.lists() if pair[0] != SEARCH_VAR]
        for name, texts in (*asked, *request.POST.lists()):
            if any(_NUL in text for text in (name, *texts)):
                raise BadRequest("NUL")
        return view(request, *args, **kwargs)

    return cast("_View", inner)


class ConsoleSite(admin.AdminSite):
    """The admin as the operators' console; its first page is what needs a person now."""

    site_title = "tieback console"
    site_header = "tieback console"
    index_title = "What needs a person now"
    site_url = None
    enable_nav_sidebar = False

    def admin_view(
        self,
        view: _View,
        cacheable: bool = False,  # noqa: FBT001, FBT002 - as Django's own has it
    ) -> _View:
        """Let those who may reach a page of the console, all of which pass here."""
        return super().admin_view(_refusing_nul(view), cacheable)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the queue's figures above the list of pages."""
        return super().index(request, {"figures": read_figures(), **(extra_context or {})})

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change one's own password; like every change, it is told in the audit trail."""
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
                record(
                    ActsForSystem(f"user:{request.user.pk}"),
                    "operator.password_changed",
                    "user",
                    request.user.pk,
                    request=request_id_of(request),
                )
        return response

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the queue's page and its JSON, with and without a trailing slash."""
        return [
            re_path(r"^queue/?$", self.admin_view(self.queue), name="queue"),
            re_path(r"^queue/stats/?$", self.admin_view(self.queue_stats), name="queue-stats"),
            *super().get_urls(),
        ]

    def queue(self, request: HttpRequest) -> HttpResponse:
        """Show the queue's figures alone."""
        context = {**self.each_context(request), "title": "Queue", "figures": read_figures()}
        return TemplateResponse(request, "admin/queue.html", context)

    def queue_stats(self, request: HttpRequest) -> HttpResponse:
        """Answer the queue's figures as JSON."""
        return JsonResponse(read_figures().as_json(), headers={"Cache-Control": "no-store"})


site = ConsoleSite(name="admin")


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than people page, so that a list of millions costs what a short one does.

    Who looks for something beyond narrows the list by a filter or a search.
    """

    furthest = 10_000

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        return min(self._counted, self.furthest)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self._counted > self.furthest

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: self.furthest + 1].count()


class ConsoleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page that shows rows and changes none.

    ``uuid_search_fields`` are looked up exactly, through their index, when a whole UUID is
    searched for; ``search_fields`` take anything else.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    view_on_site = False
    uuid_search_fields: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by the flow, not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows are changed by actions, not by forms."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Head the list with what it lists."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look a whole UUID up exactly, search for anything else."""
        wanted = _as_uuid(search_term)
        if wanted is None or not self.uuid_search_fields:
            return super().get_search_results(request, queryset, search_term)
        condition = Q()
        for field in self.uuid_search_fields:
            condition |= Q(**{field: wanted})
        return queryset.filter(condition), False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """Lead to the audit trail, which also holds what was done outside the console."""
        trail = reverse("admin:brands_auditentry_changelist")
        return redirect(f"{trail}?{urlencode({'target_id__exact': unquote(object_id)})}")


class AllBrandsMiddleware:
    """Operators see every brand: the database's policies for their role decide, and audit keeps."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with all_brands():
            return self.get_response(request)


def queue_metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape with the gauges that come from the database."""
    if not allowed(request.headers.get("Authorization", "")):
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(
        generate_latest(figures_registry()),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
