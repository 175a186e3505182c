"""Entry of the resolver plane: a WSGI callable, codes in front and Django behind."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
os.environ.setdefault("TIEBACK_PLANE", "resolver")


def _application() -> object:
    from tieback.startup import serve

    django = serve()
    # Only now: the counters open their files in the directory that starting up has made.
    from resolver.bridge import in_threads
    from resolver.networks import warm_up
    from resolver.redirects import in_front_of

    warm_up()
    application = in_front_of(in_threads(django))
    # What is there by now stays: garbage is not looked for in it while people wait.
    gc.collect()
    gc.freeze()
    return application


application = _application()
