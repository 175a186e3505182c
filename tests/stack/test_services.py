"""The data services of a running stack: closed to strangers, durable, with roles of few rights."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
import redis
from botocore.config import Config
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.stack.conftest import SMALL, family
from tieback.planes import PLANES
from tieback.stack import Stack
from tieback.stack.errors import StackError
from tieback.stack.roles import ensure_roles
from tieback.stack.secrets import OPERATOR, S3_KEY_ID

ROLES = {plane.role for plane in PLANES.values()}


def connect(stack: Stack, plane: str, database: str = "tieback") -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1",
        port=stack.ports["postgres"],
        user=PLANES[plane].role,
        password=stack.secrets[PLANES[plane].password_variable],
        dbname=database,
        connect_timeout=5,
    )


def as_superuser(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with stack.postgres.connect() as connection:
        return connection.execute(query).fetchall()


def cache(stack: Stack) -> "redis.Redis":
    return redis.Redis.from_url(stack.environment("worker")["REDIS_URL"])


@pytest.fixture(scope="module")
def bucket(running: Stack) -> Iterator[Any]:
    """Give a client of the object store with one stored pack."""
    client = s3_client(running)
    client.put_object(Bucket="tieback", Key="a/pack-1.csv", Body=b"ordinal\n1\n")
    client.put_object(Bucket="tieback", Key="a/pack-2.csv", Body=b"ordinal\n2\n")
    yield client
    client.close()


def s3_client(stack: Stack) -> Any:
    variables = stack.environment("worker")
    return boto3.client(
        "s3",
        endpoint_url=variables["S3_ENDPOINT_URL"],
        region_name=variables["S3_REGION"],
        aws_access_key_id=variables["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["S3_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own http address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_login_roles_have_no_way_around_row_level_security(running: Stack) -> None:
    rows = as_superuser(
        running,
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcanlogin"
        " from pg_roles where rolname like 'tieback%'",
    )

    assert {row[0] for row in rows} == ROLES
    assert {row[1:] for row in rows} == {(False, False, False, False, True)}


def test_no_role_is_a_member_of_another(running: Stack) -> None:
    query = (
        "select roleid::regrole, member::regrole from pg_auth_members"
        " where member::regrole::text like 'tieback%'"
    )

    assert as_superuser(running, query) == []


def test_only_the_owner_may_create_databases_and_owns_this_one(running: Stack) -> None:
    creators = as_superuser(
        running, "select rolname from pg_roles where rolcreatedb and rolname like 'tieback%'"
    )
    owners = as_superuser(
        running, "select datdba::regrole::text from pg_database where datname = 'tieback'"
    )

    assert creators == owners == [("tieback_owner",)]


def test_each_plane_logs_in_with_its_own_password_only(running: Stack) -> None:
    for plane in PLANES:
        with connect(running, plane) as connection:
            assert connection.execute("select current_user").fetchone() == (PLANES[plane].role,)

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1",
            port=running.ports["postgres"],
            user="tieback_app",
            password=running.secrets["TIEBACK_RESOLVER_PASSWORD"],
            dbname="tieback",
        )


def test_other_roles_may_not_even_connect_to_the_database(running: Stack) -> None:
    with running.postgres.connect() as connection:
        connection.autocommit = True
        connection.execute("create role stranger login password 'stranger'")
        try:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(
                    host="127.0.0.1",
                    port=running.ports["postgres"],
                    user="stranger",
                    password="stranger",
                    dbname="tieback",
                )
        finally:
            connection.execute("drop role stranger")


@pytest.mark.parametrize(
    ("plane", "setting", "value"),
    [
        ("web", "statement_timeout", "30s"),
        ("web", "lock_timeout", "5s"),
        ("web", "idle_in_transaction_session_timeout", "30s"),
        ("console", "statement_timeout", "1min"),
        ("console", "lock_timeout", "5s"),
        ("console", "idle_in_transaction_session_timeout", "30s"),
        ("worker", "idle_in_transaction_session_timeout", "30s"),
        ("worker", "statement_timeout", "0"),
        ("resolver", "statement_timeout", "500ms"),
        ("owner", "statement_timeout", "0"),
    ],
)
def test_role_is_limited(running: Stack, plane: str, setting: str, value: str) -> None:
    with connect(running, plane) as connection:
        assert connection.execute(f"show {setting}").fetchone() == (value,)


def test_resolver_cannot_take_all_connections(running: Stack) -> None:
    query = "select rolname, rolconnlimit from pg_roles where rolname like 'tieback%'"

    limits = dict(as_superuser(running, query))

    assert limits == {role: 48 if role == "tieback_resolver" else -1 for role in ROLES}


def test_making_the_roles_again_takes_back_rights_and_sets_the_password(running: Stack) -> None:
    with running.postgres.connect() as connection:
        connection.execute("alter role tieback_app superuser bypassrls password 'other'")

    ensure_roles(running.supervisor, running.postgres, running.secrets)

    test_login_roles_have_no_way_around_row_level_security(running)
    connect(running, "web").close()


def settings_of(stack: Stack, *names: str) -> list[str]:
    return [as_superuser(stack, f"show {name}")[0][0] for name in names]


def test_database_is_durable_and_tuned(home_folder: Path) -> None:
    with Stack(home_folder, free_ports=True, environ=SMALL) as stack:
        stack.start_services()
        durable = settings_of(stack, "fsync", "synchronous_commit", "full_page_writes")
        tuned = settings_of(stack, "max_wal_size", "shared_buffers")

    assert (durable, tuned) == (["on"] * 3, ["8GB", "32MB"])


def test_a_database_that_is_thrown_away_does_not_wait_for_the_disk(running: Stack) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes")
    assert settings_of(running, *names) == ["off", "on", "on"]


def test_databases_that_a_command_makes_hold_the_template_and_tiebacks_own_does_not(
    running: Stack, tmp_path: Path
) -> None:
    script = tmp_path / "template.sql"
    script.write_text("create table told as select 'by the superuser' as word;")
    running.fill_template(script)
    with connect(running, "owner") as owner:
        owner.autocommit = True
        owner.execute("create database made")
        with connect(running, "owner", "made") as made:
            found = "select tableowner from pg_tables where tablename = 'told'"
            assert made.execute(found).fetchall() == [("postgres",)]
        assert owner.execute(found).fetchall() == []
        owner.execute("drop database made with (force)")


def test_a_template_that_fails_stops_the_stack(running: Stack, tmp_path: Path) -> None:
    script = tmp_path / "wrong.sql"
    script.write_text("select 1; select no_such_thing; select 2;")
    with pytest.raises(StackError, match="no_such_thing"):
        running.fill_template(script)


def test_servers_listen_on_the_loopback_address_only(running: Stack) -> None:
    servers = [running.pid(name) for name in ("postgres", "valkey", "s3")]
    addresses = {
        connection.laddr.ip
        for pid in servers
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert addresses == {"127.0.0.1"}


def test_cache_demands_its_password(running: Stack) -> None:
    stranger = redis.Redis(port=running.ports["valkey"], retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_cache_never_forgets_what_it_was_told(running: Stack) -> None:
    client = cache(running)
    settings = {
        name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "save")
    }
    client.close()

    assert settings == {"maxmemory-policy": "noeviction", "appendonly": "yes", "save": ""}


def test_signed_address_of_an_object_works_and_changed_ones_do_not(bucket: Any) -> None:
    params = {"Bucket": "tieback", "Key": "a/pack-1.csv"}
    url = bucket.generate_presigned_url("get_object", Params=params, ExpiresIn=300)

    assert status(url) == 200
    assert status(url.partition("?")[0]) in {400, 403}
    assert status(url.replace("Expires=300", "Expires=3000")) == 403
    assert status(url.replace("pack-1", "pack-2")) == 403
    assert status(url[:-1] + ("0" if url[-1] != "0" else "1")) == 403


def command_line(process: psutil.Process) -> str:
    """Return what anyone may read of a process; one that has just ended shows nothing."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_no_secret_shows_in_a_command_line_or_a_log(running: Stack) -> None:
    logs = [path.read_text() for path in (running.home / "log").glob("*.log")]
    lines = [command_line(process) for process in family(os.getpid())]

    # The key id is no secret: it is part of every signed address.
    for name in set(running.secrets) - {S3_KEY_ID}:
        assert not any(running.secrets[name] in text for text in (*logs, *lines)), name


def test_files_with_secrets_are_for_their_owner_alone(running: Stack) -> None:
    for name in ("secrets.json", "env", "valkey/valkey.conf"):
        assert oct((running.home / name).stat().st_mode & 0o777) == "0o600", name
    assert not list((running.home / "postgres").glob("password*"))


def test_env_file_gives_a_shell_every_planes_variables(running: Stack) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'. "{running.home}/env" && env'],
        check=True,
        env={},
        capture_output=True,
        text=True,
    )
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())

    expected = running.environment()
    for name in (*(plane.password_variable for plane in PLANES.values()), OPERATOR, "DATABASE_URL"):
        assert variables[name] == expected[name], name


def test_data_and_addresses_survive_a_restart_of_the_stack(home_folder: Path) -> None:
    with Stack(home_folder, free_ports=True, environ=SMALL) as stack:
        stack.start_services()
        before = (stack.ports["postgres"], dict(stack.secrets))
        with connect(stack, "owner") as connection:
            connection.execute("create table kept as select 42 as answer")
        client = cache(stack)
        client.set("kept", "42")
        client.close()
        s3_client(stack).put_object(Bucket="tieback", Key="kept", Body=b"42")

    with Stack(home_folder, free_ports=True, environ=SMALL) as stack:
        stack.start_services()
        assert (stack.ports["postgres"], dict(stack.secrets)) == before
        with connect(stack, "owner") as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)
        client = cache(stack)
        assert client.get("kept") == b"42"
        client.close()
        assert s3_client(stack).get_object(Bucket="tieback", Key="kept")["Body"].read() == b"42"


@pytest.mark.parametrize("name", ["postgres", "valkey", "s3"])
def test_killed_service_comes_back_with_its_data(running: Stack, bucket: Any, name: str) -> None:
    with connect(running, "owner") as connection:
        connection.execute("create table if not exists committed (service text)")
        connection.execute("insert into committed values (%s)", [name])

    running.kill(name)
    running.start(name)

    running.check()
    with connect(running, "owner") as connection:
        rows = connection.execute("select service from committed").fetchall()
    assert (name,) in rows
    assert bucket.get_object(Bucket="tieback", Key="a/pack-1.csv")["Body"].read()


def test_second_stack_on_the_same_home_is_refused_in_one_line(running: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tieback.stack", "up", "--home", str(running.home)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"tieback: another stack (process {os.getpid()}) is using {running.home}: "
        "stop it, or choose another TIEBACK_HOME\n"
    )
    running.check()


def test_paused_service_goes_on_where_it_was(running: Stack) -> None:
    running.send("valkey", signal.SIGSTOP)
    running.send("valkey", signal.SIGCONT)

    client = cache(running)
    assert client.ping()
    client.close()
