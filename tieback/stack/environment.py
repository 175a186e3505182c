"""What each process of the embedded stack gets to know: the addresses, and its own secrets only."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tieback.planes import PLANES, Plane
from tieback.stack import secrets
from tieback.stack.devchain import NAME as DEVCHAIN
from tieback.stack.ports import HOST

DATABASE = "tieback"
BUCKET = "tieback"
REGION = "us-east-1"
# Set by the stack, so never taken over from the shell that starts it: a shell that has sourced
# one home's env file must not steer another home, nor hand its passwords to a child.
_OWN = frozenset(
    {
        *secrets.NAMES,
        *("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "S3_ENDPOINT_URL", "S3_BUCKET"),
        *("S3_PUBLIC_ENDPOINT_URL", "S3_REGION", "TIEBACK_PLANE", "TIEBACK_HOME"),
        *("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_PORT", "DJANGO_SETTINGS_MODULE"),
        *("DATABASE_DIRECT_URL", "DATABASE_TRANSACTION_POOLING"),
        *("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"),
        *("REDIS_HOST", "REDIS_PORT", "TIEBACK_WEB_PORT", "MINTING_SERVICE_PORT"),
        *("TIEBACK_RESOLVER_PORT", "TIEBACK_CONSOLE_PORT", "TIEBACK_TEST_LINK_PUBLIC_KEYS"),
        # A key that holds money somewhere has no business on a chain that is thrown away.
        *("SOLANA_NETWORK", "SOLANA_ALLOW_PUBLIC_NETWORK", "SOLANA_RPC_URL", "SOLANA_RPC_URLS"),
        *("SOLANA_KEY_SOURCE", "SOLANA_KEY_NAME", "SOLANA_TREE_CREATOR_KEYPAIR"),
        *("WALLET_PRIVATE_KEY", "WALLET_PATH", "VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"),
        "TIEBACK_DEVCHAIN_PORT",
    }
)
# Read by the servers or their client libraries behind our back.
_FOREIGN = ("PG", "RCLONE_", "WEED_", "AWS_", "CELERY_", "GRANIAN_")
# An operator's own choice wins over these.
_DEFAULTS = {
    "TIEBACK_ENV": "development",
    "TIEBACK_RESOLVER_SCHEME": "http",
    # One machine and no strangers: a bench must be able to send what it likes.
    "API_RATE_LIMIT": "0",
    "TIEBACK_MISSES_PER_MINUTE": "0",
}
_STORES_OF = {"web", "console", "worker"}


class Environment:
    """Builds the variables of each process of one home."""

    def __init__(
        self,
        home: Path,
        ports: Mapping[str, int],
        kept: Mapping[str, str],
        environ: Mapping[str, str],
    ) -> None:
        self._home = home
        self._ports = ports
        self._secrets = kept
        #: Whether a dev chain runs, which workers write to.
        self.has_chain = False
        self.base = {
            name: value
            for name, value in environ.items()
            if name not in _OWN
            and name.removesuffix("_FILE") not in _OWN
            and not name.startswith(_FOREIGN)
        }
        # A proxy of the machine has no business between processes on the loopback address.
        bypass = {"127.0.0.1", "localhost", *filter(None, environ.get("no_proxy", "").split(","))}
        self.base |= {"no_proxy": ",".join(sorted(bypass)), "NO_PROXY": ",".join(sorted(bypass))}

    def of_plane(self, plane: Plane) -> dict[str, str]:
        """Return the variables of a process of one plane."""
        variables = {**self._addresses(), "TIEBACK_PLANE": plane.name}
        variables |= self._pick(secrets.SECRET_KEY, plane.password_variable)
        if plane.name in _STORES_OF:
            variables |= self._stores() | self._chain()
        if plane.name == "worker":
            variables |= self._pick(secrets.PROOFS) | self._payer()
        if plane.name == "web":
            variables |= self._pick(secrets.TEST_LINKS)
        if plane.name == "resolver":
            variables |= self._test_links()
        return {**self.base, **variables}

    def of_operator(self) -> dict[str, str]:
        """Return the variables of a person or test that may act as every plane."""
        return {**self.base, **self._everything()}

    def as_shell(self) -> str:
        """Return the operator's variables as a file for a shell to source."""
        return "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in sorted(self._everything().items())
        )

    def redis_url(self) -> str:
        """Return the address of the broker and cache, with its password."""
        return f"redis://:{self._secrets[secrets.REDIS]}@{HOST}:{self._ports['valkey']}/0"

    def s3_endpoint(self) -> str:
        """Return the address of the object store."""
        return f"http://{HOST}:{self._ports['s3']}"

    def _everything(self) -> dict[str, str]:
        passwords = (plane.password_variable for plane in PLANES.values())
        keys = (secrets.TEST_LINKS, secrets.PROOFS)
        mine = self._pick(secrets.SECRET_KEY, *passwords, secrets.OPERATOR, *keys)
        chain = {**self._chain(), **self._payer()}
        return {**self._addresses(), **self._stores(), **self._test_links(), **mine, **chain}

    def _addresses(self) -> dict[str, str]:
        pages = [
            f"http://{host}:{self._ports[name]}"
            for name in ("web", "console")
            for host in (HOST, "localhost")
        ]
        settings = {
            **_DEFAULTS,
            "ALLOWED_HOSTS": f"{HOST},localhost,.localhost",
            "CSRF_TRUSTED_ORIGINS": ",".join(pages),
        }
        return {
            **{name: self.base.get(name, value) for name, value in settings.items()},
            "TIEBACK_HOME": str(self._home),
            **self._database(),
            "TIEBACK_WEB_PORT": str(self._ports["web"]),
            "TIEBACK_RESOLVER_PORT": str(self._ports["resolver"]),
            "TIEBACK_CONSOLE_PORT": str(self._ports["console"]),
        }

    def _database(self) -> dict[str, str]:
        direct = f"postgresql://{HOST}:{self._ports['postgres']}/{DATABASE}"
        if "pgbouncer" not in self._ports:
            return {"DATABASE_URL": direct}
        return {
            "DATABASE_URL": f"postgresql://{HOST}:{self._ports['pgbouncer']}/{DATABASE}",
            "DATABASE_DIRECT_URL": direct,
            "DATABASE_TRANSACTION_POOLING": "true",
        }

    def _stores(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url(),
            "CELERY_BROKER_URL": self.redis_url(),
            "S3_ENDPOINT_URL": self.s3_endpoint(),
            "S3_BUCKET": BUCKET,
            "S3_REGION": REGION,
            **self._pick(secrets.S3_KEY_ID, secrets.S3_SECRET),
        }

    def _chain(self) -> dict[str, str]:
        """Return which chain there is. Without one nothing is said, and no chain is used."""
        if not self.has_chain:
            return {}
        url = f"http://{HOST}:{self._ports[DEVCHAIN]}/"
        return {
            "SOLANA_NETWORK": DEVCHAIN,
            "SOLANA_RPC_URLS": url,
            "TIEBACK_DEVCHAIN_PORT": str(self._ports[DEVCHAIN]),
        }

    def _payer(self) -> dict[str, str]:
        return self._pick(secrets.PAYER) if self.has_chain else {}

    def _test_links(self) -> dict[str, str]:
        """Return the public key alone: the resolver checks links and makes none."""
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self._secrets[secrets.TEST_LINKS]))
        return {"TIEBACK_TEST_LINK_PUBLIC_KEYS": key.public_key().public_bytes_raw().hex()}

    def _pick(self, *names: str) -> dict[str, str]:
        return {name: self._secrets[name] for name in names}
