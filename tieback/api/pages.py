"""The start page of the web plane: where to go from here."""

from typing import Any, cast

from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView

from tieback.brands.models import Membership, User
from tieback.brands.scoping import user_scope


class HomeView(LoginRequiredMixin, TemplateView):
    """A signed-in person's brands and the way to the API's reference."""

    template_name = "home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the person's brands."""
        person = cast("User", self.request.user)
        with user_scope(person.pk):
            memberships = list(
                Membership.objects.filter(user=person)
                .select_related("brand")
                .order_by("brand__slug")
            )
        return super().get_context_data(**kwargs, memberships=memberships)
