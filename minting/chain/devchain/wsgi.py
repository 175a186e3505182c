"""WSGI entry of the dev chain; ``manage.py devchain`` says where it keeps itself."""

from minting.chain.devchain.server import from_environment

application = from_environment()
