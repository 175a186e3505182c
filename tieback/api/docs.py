"""The API's reference page, made from the OpenAPI document; everything comes from this host."""

from csp.constants import NONCE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView

# Swagger UI sets style attributes; scripts stay under the strict rule.
_POLICY = {"style-src": [SELF, UNSAFE_INLINE], "script-src": [SELF, NONCE]}


@method_decorator(csp_replace(_POLICY), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI over ``/api/schema/``."""

    url_name = "schema"
