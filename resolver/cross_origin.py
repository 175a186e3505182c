"""What a page of another site may ask (the CORS protocol of the Fetch standard).

A browser asks for leave before it sends a grant along: at the code, and again at the passport
that the code leads to.
"""

_METHODS = "GET, HEAD, OPTIONS"
ALLOW = ("Allow", _METHODS)
#: The headers that answer OPTIONS. A grant comes in ``Authorization``, which ``*`` does not cover.
PREFLIGHT = (
    ALLOW,
    ("Access-Control-Allow-Methods", _METHODS),
    ("Access-Control-Allow-Headers", "Accept, Accept-Language, Authorization"),
    ("Access-Control-Max-Age", "86400"),
)
