"""Entry of the resolver plane: codes are answered on granian's event loop, the rest is Django's."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
os.environ.setdefault("TIEBACK_PLANE", "resolver")


def _application() -> object:
    from tieback.startup import serve

    django = serve()
    # Only now: the counters open their files in the directory that starting up has made.
    from resolver.bridge import Bridge, in_threads
    from resolver.redirects import in_front_of

    application = Bridge(in_front_of(in_threads(django)))
    # What is there by now stays: garbage is not looked for in it while people wait.
    gc.collect()
    gc.freeze()
    return application


application = _application()
