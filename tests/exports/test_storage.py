"""What the store promises: private, signed, refused when late or altered. On two real servers."""

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
import urllib3

from exports import storage
from tests.exports.conftest import ObjectStore
from tieback.errors import PermanentError, TransientError

KEY = "brand/batch/full-csv/pack-00001.csv"
OTHER_KEY = "brand/batch/full-csv/pack-00002.csv"
CONTENT = b"ordinal,token\r\n1,ABC\r\n"
# rclone takes an expired or unsigned URL for a malformed request.
REFUSED = {400, 403}
CSV = "text/csv; charset=utf-8"

_pool = urllib3.PoolManager()


def fetch(url: str) -> urllib3.BaseHTTPResponse:
    return _pool.request("GET", url, redirect=False)


def put(key: str, content: bytes, sha256: bytes | None = None) -> None:
    digest = sha256 or hashlib.sha256(content).digest()
    storage.put(key, content, sha256=digest, content_type=CSV)


@pytest.fixture
def two_objects(store: ObjectStore) -> Iterator[str]:
    put(KEY, CONTENT)
    put(OTHER_KEY, b"other")
    url, _ = storage.signed_url(KEY, "my pack.csv")
    return url


def test_a_signed_url_downloads_the_file_under_its_name(two_objects):
    answer = fetch(two_objects)
    assert (answer.status, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my pack.csv"'
    assert answer.headers["Content-Type"] == CSV


@pytest.mark.parametrize(
    ("what", "pattern", "replacement"),
    [
        ("signature", r"X-Amz-Signature=.{8}", "X-Amz-Signature=00000000"),
        ("expiry", r"X-Amz-Expires=\d+", "X-Amz-Expires=604800"),
        ("key", r"pack-00001", "pack-00002"),
        ("name", r"my%20pack", "your%20pack"),
    ],
)
def test_an_altered_url_is_refused(two_objects, what, pattern, replacement):
    altered = re.sub(pattern, replacement, two_objects)
    assert altered != two_objects, what
    assert fetch(altered).status == 403


def test_nothing_is_given_out_without_a_signature(two_objects):
    bare = two_objects.partition("?")[0]
    bucket = bare.removesuffix(KEY)
    for url in (bare, bucket, f"{bucket}?list-type=2"):
        assert fetch(url).status in REFUSED, url


def test_a_url_is_refused_once_it_has_expired(two_objects, settings):
    settings.SIGNED_URL_SECONDS = 2
    url, expires_at = storage.signed_url(KEY, "pack.csv")
    assert fetch(url).status == 200
    time.sleep(max(0.0, expires_at.timestamp() + 1.5 - time.time()))
    late = fetch(url)
    assert late.status in REFUSED
    assert CONTENT not in late.data


def test_the_answer_says_when_the_url_expires(store):
    before = time.time()
    url, expires_at = storage.signed_url(KEY, "pack.csv")
    assert "X-Amz-Expires=300" in url
    assert before + 299 <= expires_at.timestamp() <= time.time() + 300


def test_a_url_is_signed_for_the_public_endpoint(two_objects, settings, store):
    settings.S3_PUBLIC_ENDPOINT_URL = store.endpoint.replace("127.0.0.1", "localhost")
    storage.forget_clients()
    url, _ = storage.signed_url(KEY, "pack.csv")
    assert urlsplit(url).hostname == "localhost"
    assert fetch(url).data == CONTENT
    assert fetch(url.replace("localhost", "127.0.0.1")).status == 403


def test_a_wrong_secret_is_refused(store, settings):
    settings.S3_SECRET_ACCESS_KEY = "another-secret"
    storage.forget_clients()
    with pytest.raises(PermanentError, match="403 SignatureDoesNotMatch"):
        put(KEY, CONTENT)


def test_content_that_does_not_have_its_sha256_is_refused_where_the_server_looks(store):
    wrong = hashlib.sha256(b"something else").digest()
    if store.verifies_sha256:
        with pytest.raises(PermanentError, match="400 BadDigest"):
            put("broken.csv", CONTENT, wrong)
        assert not storage.PackStorage().exists("broken.csv")
    else:
        put("broken.csv", CONTENT, wrong)


def test_putting_the_same_twice_changes_nothing(two_objects):
    put(KEY, CONTENT)
    assert fetch(two_objects).data == CONTENT


def test_djangos_storage_reads_the_same_bucket(two_objects):
    files = storage.PackStorage()
    with files.open(KEY) as file:
        assert file.read() == CONTENT
    assert files.size(KEY) == len(CONTENT)
    assert fetch(files.url(KEY)).data == CONTENT


def test_the_health_check_asks_for_the_bucket(store, settings):
    storage.bucket_answers(timeout=5)
    settings.S3_BUCKET = "there-is-none"
    with pytest.raises(PermanentError, match="404"):
        storage.bucket_answers(timeout=5)


def test_a_bucket_is_made_once(store, settings):
    settings.S3_BUCKET = f"{settings.S3_BUCKET}-new"
    storage.ensure_bucket()
    storage.ensure_bucket()
    storage.bucket_answers(timeout=5)
    storage.PackStorage().bucket.delete()


def test_a_store_that_is_away_is_a_passing_error_that_names_no_host(settings):
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    storage.forget_clients()
    try:
        with pytest.raises(TransientError) as met:
            storage.bucket_answers(timeout=1)
    finally:
        storage.forget_clients()
    assert str(met.value) == ("object storage did not answer HeadBucket: EndpointConnectionError")


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_wrong_clock_of_ours_is_a_passing_error(store, settings, hours):
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(hours=hours), tick=True):
        for ask in (
            lambda: put(KEY, CONTENT),
            lambda: storage.bucket_answers(timeout=5),
        ):
            with pytest.raises(TransientError):
                ask()
    put(KEY, CONTENT)


def test_a_pack_is_sent_with_its_sha256(store, monkeypatch):
    sent: list[dict[str, bytes | str]] = []
    client = storage._client()

    def note(request, **_):
        sent.append(dict(request.headers))

    client.meta.events.register("before-send.s3.PutObject", note)
    put(KEY, CONTENT)
    expected = base64.b64encode(hashlib.sha256(CONTENT).digest())
    assert sent[0]["x-amz-checksum-sha256"] in {expected, expected.decode()}
    assert "x-amz-trailer" not in {name.lower() for name in sent[0]}
