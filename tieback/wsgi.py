"""WSGI entry of the web and console planes."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")

from tieback.startup import serve

application = serve()

from minting.pipeline import warm_up

# Else the first mint request of each process pays for importing and connecting the transport.
warm_up()
