"""Sessions with AWS's client library, which know its descriptions of services already."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session

if TYPE_CHECKING:
    from botocore.loaders import Loader


@cache
def _descriptions() -> "Loader":
    # Read from megabytes of JSON, a quarter of a second for each client of a session of its own.
    found: Loader = botocore.session.get_session().get_component("data_loader")
    return found


def new_session(**given: Any) -> boto3.Session:
    """Return a session of its own, as ``boto3.Session`` does: the shared one is not for threads.

    Nor does it forget the credentials of before.
    """
    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions())
    return boto3.Session(botocore_session=session, **given)
