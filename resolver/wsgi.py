"""WSGI entry of the resolver plane: codes are answered first, the rest is Django's."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
os.environ.setdefault("TIEBACK_PLANE", "resolver")


def _application() -> object:
    from tieback.startup import serve

    django = serve()
    # Only now: the counters open their files in the directory that starting up has made.
    from resolver.redirects import in_front_of

    return in_front_of(django)


application = _application()
