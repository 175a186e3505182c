"""The embedded stack: PostgreSQL, Valkey, S3 and tieback's own processes under one supervisor.

``Stack`` is the Python door (tests, bench, chaos); ``python -m tieback.stack`` the command.
"""

from tieback.stack.embedded import Stack
from tieback.stack.errors import StackError, StackInterruptedError

__all__ = ["Stack", "StackError", "StackInterruptedError"]
