"""WSGI entry of the web and console planes."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")

from tieback.startup import serve

application = serve()
