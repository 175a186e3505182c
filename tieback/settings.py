"""All settings, from the environment. Every problem is reported at once, at start.

Secrets may also come from a file: ``NAME_FILE`` beside ``NAME``. There is no default secret.
``docs/settings.md`` describes each variable and is tested against this file.
"""

import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import validate

from minting.chain.networks import NETWORKS, why_no_key
from minting.chain.wallets.given import (
    SOURCES,
    VAULT,
    Hidden,
    Rules,
    Wallets,
    problems_of_vault,
    read_wallets,
)
from tieback.api.description import DESCRIPTION
from tieback.logs import LEVELS, logging_config
from tieback.pinning_settings import known_provider, missing_for
from tieback.planes import PLANES
from tieback.reconciliation_settings import read_reconciliation
from tieback.tag_keys import TagKeys, UnsoundTagKeys, read_tag_keys
from tieback.tree_settings import read_usual_tree
from tieback.variables import Variables

BASE_DIR = Path(__file__).resolve().parent.parent
_KEY = re.compile("[0-9a-fA-F]{64}")
env = Variables()

# Process ------------------------------------------------------------------------------------

TIEBACK_PLANE = env.str("TIEBACK_PLANE", "owner", validate=validate.OneOf(list(PLANES)))
TIEBACK_ENV = env.str(
    "TIEBACK_ENV", "production", validate=validate.OneOf(["production", "development"])
)
PRODUCTION = TIEBACK_ENV == "production"
PLANE = PLANES.get(TIEBACK_PLANE or "", PLANES["owner"])
DEBUG = False
TIEBACK_HOME = Path(env.str("TIEBACK_HOME", ".tieback"))
SECRET_KEY = env.str("SECRET_KEY", validate=validate.Length(min=32))
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
LOG_LEVEL = env.str("LOG_LEVEL", "info", validate=validate.OneOf(LEVELS))
# The resolver answers on every brand's host, and those are rows: no list of them can stand here.
_OWN_HOSTS: list[str] = [] if PRODUCTION else ["localhost", "127.0.0.1"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["*"] if TIEBACK_PLANE == "resolver" else _OWN_HOSTS)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
HEALTH_CHECK_TIMEOUT_MS = env.int("HEALTH_CHECK_TIMEOUT", 5000, validate=validate.Range(min=100))
TIEBACK_STARTUP_WAIT_SECONDS = env.int("TIEBACK_STARTUP_WAIT_SECONDS", 60)
TIEBACK_CRASH_POINT = env.str("TIEBACK_CRASH_POINT", "")

# Database: one alias, the plane picks the role ------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", "")
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", "")
DATABASE_TRANSACTION_POOLING = env.bool("DATABASE_TRANSACTION_POOLING", False)
DB_HOST = env.str("DB_HOST", "")
DB_PORT = env.str("DB_PORT", "5432")
DB_NAME = env.str("DB_NAME", "tieback")
DB_USER = env.str("DB_USER", "")
DB_PASSWORD = env.str("DB_PASSWORD", "")
ROLE_PASSWORD = DB_PASSWORD or env.str(PLANE.password_variable, validate=validate.Length(min=12))

# The owner's migrations hold what a transaction pooler takes away: a session.
_address = (DATABASE_DIRECT_URL if TIEBACK_PLANE == "owner" else "") or DATABASE_URL
try:
    _database = urlsplit(_address or f"postgresql://{DB_HOST}:{DB_PORT}/{DB_NAME}")
    _database_port = _database.port or 5432
except ValueError:
    _database, _database_port = urlsplit("malformed:"), 5432
# A statement prepared on one session is unknown to the next; ``None`` turns preparing off.
_pooled = {"prepare_threshold": None} if DATABASE_TRANSACTION_POOLING else {}
DATABASES = {
    "default": {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "HOST": _database.hostname or "",
        "PORT": str(_database_port),
        "NAME": _database.path.lstrip("/") or DB_NAME,
        "USER": DB_USER or PLANE.role,
        "PASSWORD": ROLE_PASSWORD or "",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": DATABASE_TRANSACTION_POOLING,
        "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(_database.query)), **_pooled},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# Broker and object storage --------------------------------------------------------------------

REDIS_HOST = env.str("REDIS_HOST", "")
REDIS_PORT = env.str("REDIS_PORT", "6379")
REDIS_PASSWORD = env.str("REDIS_PASSWORD", "")
_redis = f"redis://:{REDIS_PASSWORD}@{REDIS_HOST}:{REDIS_PORT}/0" if REDIS_HOST else ""
REDIS_URL = env.str("REDIS_URL", _redis)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "") or REDIS_URL

S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", "")
S3_PUBLIC_ENDPOINT_URL = env.str("S3_PUBLIC_ENDPOINT_URL", "") or S3_ENDPOINT_URL
S3_BUCKET = env.str("S3_BUCKET", "tieback")
S3_REGION = env.str("S3_REGION", "us-east-1")
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", "")
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", "")
SIGNED_URL_SECONDS = 300

# Minting --------------------------------------------------------------------------------------

TIEBACK_WEB_PORT = env.int("MINTING_SERVICE_PORT", 0) or env.int("TIEBACK_WEB_PORT", 8000)
TIEBACK_RESOLVER_PORT = env.int("TIEBACK_RESOLVER_PORT", 8001)
TIEBACK_CONSOLE_PORT = env.int("TIEBACK_CONSOLE_PORT", 8002)
TIEBACK_RESOLVER_SCHEME = env.str(
    "TIEBACK_RESOLVER_SCHEME", "https", validate=validate.OneOf(["https", "http"])
)
TIEBACK_CYCLE_SIZE = env.int("TIEBACK_CYCLE_SIZE", 20_000, validate=validate.Range(1, 20_000))
TIEBACK_WINDOW_SECONDS = env.float("TIEBACK_WINDOW_SECONDS", 60.0, validate=validate.Range(min=0))
TIEBACK_LEASE_SECONDS = env.float("TIEBACK_LEASE_SECONDS", 180.0, validate=validate.Range(min=1))
TIEBACK_SCANS_RECORDED = env.bool("TIEBACK_SCANS_RECORDED", True)
TIEBACK_GEOIP_DATABASE = env.str("TIEBACK_GEOIP_DATABASE", "")
TIEBACK_SWEEP_SECONDS = env.float("TIEBACK_SWEEP_SECONDS", 10.0, validate=validate.Range(min=0.5))
TIEBACK_PACK_SIZE = env.int("TIEBACK_PACK_SIZE", 10_000, validate=validate.Range(1, 10_000))
MAX_RETRIES = env.int("MAX_RETRIES", 3, validate=validate.Range(min=1))
RETRY_BASE_DELAY_MS = env.int("RETRY_BASE_DELAY", 2000, validate=validate.Range(min=1))
MAX_CRASHES_WITHOUT_PROGRESS = env.int("MAX_CRASHES_WITHOUT_PROGRESS", 5)
MAX_RUNNING_JOBS_PER_BRAND = env.int("MAX_RUNNING_JOBS_PER_BRAND", 8, validate=validate.Range(0))
TIEBACK_AGEING_SECONDS = env.float("TIEBACK_AGEING_SECONDS", 300.0, validate=validate.Range(0.1))
TASK_SOFT_TIME_LIMIT = env.int("TASK_SOFT_TIME_LIMIT", 90)
TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", 120)
BROKER_VISIBILITY_TIMEOUT = env.int("BROKER_VISIBILITY_TIMEOUT", 900)
PROMETHEUS_PORT = env.int("PROMETHEUS_PORT", 0)
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", "")
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 1_048_576)
MAX_IMPORT_BYTES = env.int("MAX_IMPORT_BYTES", 33_554_432)
TIEBACK_PROOF_SECRET = env.str("TIEBACK_PROOF_SECRET", "")
IPFS_PROVIDER = env.str("IPFS_PROVIDER", "embedded", validate=known_provider)
IPFS_API_URL = env.str("IPFS_API_URL", "")
IPFS_GATEWAY_URL = env.str("IPFS_GATEWAY_URL", "")
PINATA_JWT = env.str("PINATA_JWT", "")
PINATA_API_KEY = env.str("PINATA_API_KEY", "")
PINATA_SECRET_KEY = env.str("PINATA_SECRET_KEY", "")
PINATA_API_URL = env.str("PINATA_API_URL", "https://api.pinata.cloud")
PINATA_UPLOAD_URL = env.str("PINATA_UPLOAD_URL", "https://uploads.pinata.cloud")
TIEBACK_TEST_LINK_KEY = env.str("TIEBACK_TEST_LINK_KEY", "")
TIEBACK_TEST_LINK_PUBLIC_KEYS: list[str] = env.list("TIEBACK_TEST_LINK_PUBLIC_KEYS", [])
TIEBACK_MISSES_PER_MINUTE = env.int(
    "TIEBACK_MISSES_PER_MINUTE", 120, validate=validate.Range(min=0)
)
TIEBACK_TRUSTED_PROXIES = env.int("TIEBACK_TRUSTED_PROXIES", 0, validate=validate.Range(0, 10))
_tag_keys = env.str("TIEBACK_TAG_KEYS", "")
API_RATE_LIMIT = env.int("API_RATE_LIMIT", 600, validate=validate.Range(min=0))
API_RATE_LIMIT_FAILS_OPEN = env.bool("API_RATE_LIMIT_FAILS_OPEN", True)
JWT_ACCESS_LIFETIME = timedelta(minutes=env.int("JWT_ACCESS_MINUTES", 15))
JWT_REFRESH_LIFETIME = timedelta(hours=env.int("JWT_REFRESH_HOURS", 24))

# Chain ----------------------------------------------------------------------------------------

# Each may carry a key: what may be shown of one is in minting/chain/rpc/addresses.py.
SOLANA_RPC_URL = env.str("SOLANA_RPC_URL", "")
_rpc_urls: list[str] = env.list("SOLANA_RPC_URLS", [])
SOLANA_RPC_URLS = list(dict.fromkeys(url for url in [*(_rpc_urls or []), SOLANA_RPC_URL] if url))
SOLANA_RPC_PER_SECOND = env.float("SOLANA_RPC_PER_SECOND", 0.0, validate=validate.Range(min=0))
SOLANA_RPC_TIMEOUT = env.float("SOLANA_RPC_TIMEOUT", 10.0, validate=validate.Range(min=0.1))
SOLANA_NETWORK = env.str(
    "SOLANA_NETWORK",
    "",
    validate=validate.OneOf(["", *NETWORKS], error=f"Must be one of {', '.join(NETWORKS)}."),
)
SOLANA_ALLOW_PUBLIC_NETWORK = env.str("SOLANA_ALLOW_PUBLIC_NETWORK", "")
QUEUE_CONCURRENCY = env.int("QUEUE_CONCURRENCY", 16, validate=validate.Range(1, 256))
RECONCILIATION_INTERVAL_MS, RECONCILIATION_REPORT_DAYS = read_reconciliation(env)
TIEBACK_CHAIN_LOOK_SECONDS = env.float(
    "TIEBACK_CHAIN_LOOK_SECONDS", 0.4, validate=validate.Range(0.01, 60)
)
TIEBACK_CHAIN_MOST_MICRO_LAMPORTS = env.int(
    "TIEBACK_CHAIN_MOST_MICRO_LAMPORTS", 100_000, validate=validate.Range(min=0)
)
CHAIN_GROUP_SIZE = env.int("CHAIN_GROUP_SIZE", 100, validate=validate.Range(50, 100))
SOLANA_TREE_SCHEMA = env.int("SOLANA_TREE_SCHEMA", 1, validate=validate.OneOf([1, 2]))
SOLANA_TREE = read_usual_tree(env)
VAULT_ADDR = env.str("VAULT_ADDR", "") or ""
VAULT_TOKEN = Hidden((env.str("VAULT_TOKEN", "") or "").encode())
VAULT_NAMESPACE = env.str("VAULT_NAMESPACE", "") or ""
_wallets = (
    read_wallets(
        {
            "SOLANA_KEYPAIR": env.str("SOLANA_KEYPAIR", ""),
            "WALLET_PRIVATE_KEY": env.str("WALLET_PRIVATE_KEY", ""),
            "WALLET_PATH": env.str("WALLET_PATH", ""),
            "SOLANA_KEY_SOURCE": env.str(
                "SOLANA_KEY_SOURCE", "env", validate=validate.OneOf(SOURCES)
            ),
            "SOLANA_KEY_NAME": env.str("SOLANA_KEY_NAME", ""),
            "SOLANA_TREE_CREATOR_KEYPAIR": env.str("SOLANA_TREE_CREATOR_KEYPAIR", ""),
        },
        Rules(BASE_DIR, TIEBACK_HOME.resolve(), is_production=PRODUCTION),
        os.environ,
        # Nobody else signs, so nobody else looks at keys that were not meant for it.
    )
    if TIEBACK_PLANE == "worker"
    else Wallets()
)
SOLANA_PAYER, SOLANA_TREE_CREATOR = _wallets.payer, _wallets.creator

# Django ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "django_structlog",
    "pgtrigger",
    "axes",
    "csp",
    "tieback.platform.PlatformConfig",
    "tieback.brands",
    "tieback.api",
    "minting",
    "exports",
    "resolver",
]
AUTH_USER_MODEL = "brands.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
_VALIDATORS = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in _VALIDATORS
]
_FIRST = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "tieback.requests.RequestIdMiddleware",
    "tieback.api.fallbacks.KnownMethodsMiddleware",
    "tieback.kept_addresses.KeptAddressesMiddleware",
    "tieback.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
_SIGNED_IN = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
_LAST = ["django_prometheus.middleware.PrometheusAfterMiddleware"]
_PUBLIC = ["django.middleware.clickjacking.XFrameOptionsMiddleware"]
_CONSOLE = ["tieback.console.AllBrandsMiddleware"] if TIEBACK_PLANE == "console" else []
# Fault injection between commit and answer.
_ARMED = (
    ["minting.crash_middleware.CommittedMiddleware"]
    if TIEBACK_CRASH_POINT and not PRODUCTION
    else []
)
MIDDLEWARE = [
    *_FIRST,
    *(_PUBLIC if TIEBACK_PLANE == "resolver" else _SIGNED_IN),
    *_CONSOLE,
    *_LAST,
    *_ARMED,
]
# The resolver signs nobody in and takes no form, so these checks do not concern it.
_RESOLVER_GOES_WITHOUT = "admin.E408 admin.E409 admin.E410 axes.W002 security.W003".split()
SILENCED_SYSTEM_CHECKS = _RESOLVER_GOES_WITHOUT if TIEBACK_PLANE == "resolver" else []
ROOT_URLCONF = {"console": "tieback.urls.console", "resolver": "tieback.urls.resolver"}.get(
    TIEBACK_PLANE or "", "tieback.urls.web"
)
WSGI_APPLICATION = "tieback.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["tieback.formats"]
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = TIEBACK_HOME.resolve() / "static"
STATICFILES_DIRS = [BASE_DIR / "tieback" / "static"]
STORAGES = {
    "default": {"BACKEND": "exports.storage.PackStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
# A redirect to the path with its slash would lose the body of a POST.
APPEND_SLASH = TIEBACK_PLANE == "console"
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
LOGGING = logging_config(level=(LOG_LEVEL or "info").upper(), as_json=PRODUCTION)
LOGGING_CONFIG = "tieback.logs.configure"
# RequestIdMiddleware has settled the id: logs and answers carry the same one.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
# Whoever reads a passport is nobody's business.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = TIEBACK_PLANE != "resolver"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# HTTP hardening -------------------------------------------------------------------------------

_TLS = env.bool("TIEBACK_TLS", PRODUCTION)
SECURE_SSL_REDIRECT = bool(_TLS)
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TIEBACK_BEHIND_PROXY", False) else None
)
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer" if TIEBACK_PLANE == "resolver" else "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(_TLS)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = f"tieback_{TIEBACK_PLANE}_session"
CSRF_COOKIE_NAME = f"tieback_{TIEBACK_PLANE}_csrf"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "tieback.api.fallbacks.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Forms and authenticate() call the address "username"; axes would look for User.USERNAME_FIELD.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "tieback.sign_in.counted_name"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "tieback.api.fallbacks.locked_out"

# API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tieback.api.authentication.ApiKeyAuthentication",
        "tieback.api.authentication.JwtAuthentication",
        "tieback.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["tieback.api.envelope.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tieback.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "tieback.api.schema.EnvelopeSchema",
    "DEFAULT_METADATA_CLASS": "tieback.api.metadata.AllowedMethods",
    "EXCEPTION_HANDLER": "tieback.api.envelope.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = DESCRIPTION

try:
    TIEBACK_TAG_KEYS: TagKeys = read_tag_keys(_tag_keys or "")
    _unsound_tag_keys = []
except UnsoundTagKeys as _error:
    TIEBACK_TAG_KEYS, _unsound_tag_keys = {}, [f"TIEBACK_TAG_KEYS {_error}"]


def _problems() -> list[str]:
    """Return rules between settings that no single variable can check."""
    found = []
    if not (DATABASE_URL or DB_HOST):
        found.append("DATABASE_URL (or DB_HOST) is not set")
    if _database.scheme not in {"postgresql", "postgres"}:
        found.append("DATABASE_URL (or DB_PORT) must look like postgresql://host:5432/name")
    if TIEBACK_PLANE == "owner" and DATABASE_TRANSACTION_POOLING and not DATABASE_DIRECT_URL:
        found.append("DATABASE_DIRECT_URL is not set: migrations cannot go through the pooler")
    if _database.username or _database.password:
        found.append("DATABASE_URL must name host and database only; the plane picks the role")
    found += [f"{name} is not set" for name, value in _needed().items() if not value]
    if PRODUCTION and TIEBACK_PLANE in {"web", "console", "resolver"} and not ALLOWED_HOSTS:
        found.append("ALLOWED_HOSTS is empty")
    if "*" in ALLOWED_HOSTS and TIEBACK_PLANE != "resolver":
        found.append("ALLOWED_HOSTS must not contain '*'")
    if not all(re.match(r"https?://[^/\s]", url) for url in SOLANA_RPC_URLS):
        found.append("SOLANA_RPC_URLS (or SOLANA_RPC_URL) names what is no http or https address")
    return [
        *env.unreadable,
        *found,
        *_unsound_tag_keys,
        *_problems_of_keys(),
        *_problems_of_wallets(),
        *_problems_of_pinning(),
    ]


def _needed() -> dict[str, str]:
    """Return what this plane cannot do without, by name."""
    if TIEBACK_PLANE not in {"web", "worker", "console"}:
        return {}
    stores = {
        "CELERY_BROKER_URL (or REDIS_URL)": CELERY_BROKER_URL,
        "S3_ENDPOINT_URL": S3_ENDPOINT_URL,
        "S3_ACCESS_KEY_ID": S3_ACCESS_KEY_ID,
        "S3_SECRET_ACCESS_KEY": S3_SECRET_ACCESS_KEY,
    }
    signing = {"TIEBACK_PROOF_SECRET": TIEBACK_PROOF_SECRET}
    return {**stores, **signing} if TIEBACK_PLANE == "worker" else stores


def _problems_of_pinning() -> list[str]:
    """Return what the place for metadata documents lacks; only some planes go there."""
    if TIEBACK_PLANE not in {"web", "worker", "console"}:
        return []
    return missing_for(
        "" if TIEBACK_PLANE == "web" else IPFS_PROVIDER or "",
        api=IPFS_API_URL or "",
        gateway=IPFS_GATEWAY_URL or "",
        token=PINATA_JWT or "",
        key_and_secret=(PINATA_API_KEY or "", PINATA_SECRET_KEY or ""),
    )


def _problems_of_keys() -> list[str]:
    """Return which keys are none, without saying what they are."""
    keys = {
        "TIEBACK_PROOF_SECRET": [TIEBACK_PROOF_SECRET] if TIEBACK_PROOF_SECRET else [],
        "TIEBACK_TEST_LINK_KEY": [TIEBACK_TEST_LINK_KEY] if TIEBACK_TEST_LINK_KEY else [],
        "TIEBACK_TEST_LINK_PUBLIC_KEYS": TIEBACK_TEST_LINK_PUBLIC_KEYS or [],
    }
    return [
        f"{name} must be 64 hexadecimal digits"
        for name, given in keys.items()
        if not all(_KEY.fullmatch(key) for key in given)
    ]


def _problems_of_wallets() -> list[str]:
    """Return what keeps the chain's keys from being used."""
    found = list(_wallets.problems)
    if SOLANA_PAYER or SOLANA_TREE_CREATOR:
        reason = why_no_key(SOLANA_NETWORK or "", SOLANA_ALLOW_PUBLIC_NETWORK or "")
        found += [reason] if reason else []
    if SOLANA_PAYER and SOLANA_PAYER.source == VAULT:
        found += problems_of_vault(VAULT_ADDR, VAULT_TOKEN)
    return found


try:
    env.seal()
    _invalid: dict[str, list[str]] = {}
except Exception as error:
    _invalid = getattr(error, "error_messages", None) or {"settings": [str(error)]}
_all = [f"{name}: {' '.join(map(str, said))}" for name, said in _invalid.items()] + _problems()
if _all:
    _lines = "\n".join(f"  - {line}" for line in _all)
    if "pytest" not in sys.modules:
        sys.exit(f"tieback cannot start, its settings have problems:\n{_lines}")
    raise ImproperlyConfigured(_lines)
