"""The settings of the service. docs/settings.md explains those read from the environment."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from environs import validate
from redis.backoff import NoBackoff
from redis.retry import Retry

from codeexec.capacity import Capacity
from codeexec.env import (
    check_address,
    check_api_key,
    check_broker_url,
    check_database,
    check_dsn,
    check_hosts,
    check_networks,
    check_origins,
    check_rate,
    check_redis_url,
    check_secret,
    check_token,
    env,
    int_or_auto,
    is_auto,
    read_env_file,
)
from codeexec.log_format import configure as configure_log
from codeexec.private_files import keep_private

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / "var"

# The environment overrides the file. ENV_FILE is the path of another file, or "" for none.
if env_file := os.environ.get("ENV_FILE", str(BASE_DIR / ".env")):
    read_env_file(Path(env_file))

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=check_secret)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", ["code.pylearn.net", "localhost", "127.0.0.1"], subcast=str.strip, validate=check_hosts
)
BIND_ADDRESS = env.str("BIND_ADDRESS", "127.0.0.1", validate=check_address)
PORT = env.int("PORT", 8000, validate=validate.Range(1, 65535))
HTTPS = env.bool("HTTPS", False)
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOG_FORMAT = env.str("LOG_FORMAT", "text" if sys.stderr.isatty() else "json", validate=validate.OneOf(["json", "text"]))

# Who may call
API_KEY = env.str("API_KEY", "", validate=check_api_key)
ALLOWED_ORIGINS = env.list("ALLOWED_ORIGINS", ["https://pylearn.net"], subcast=str.strip, validate=check_origins)
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0, validate=validate.Range(0, 10))
DEFAULT_RATE = env.str("DEFAULT_RATE", "12000/m", validate=check_rate)
DEFAULT_ADDRESS_RATE = env.str("DEFAULT_ADDRESS_RATE", "6000/m", validate=check_rate)
DEFAULT_LEARNER_RATE = env.str("DEFAULT_LEARNER_RATE", "60/m", validate=check_rate)
DEFAULT_MAX_CONCURRENT = env.int("DEFAULT_MAX_CONCURRENT", 256, validate=validate.Range(1, 1000))
DEFAULT_EXECUTIONS_PER_DAY = env.int("DEFAULT_EXECUTIONS_PER_DAY", 100000, validate=validate.Range(1, 10000000))
DEFAULT_CPU_SECONDS_PER_DAY = env.int("DEFAULT_CPU_SECONDS_PER_DAY", 43200, validate=validate.Range(1, 10000000))

# Who may use the admin
ADMIN_ALLOWED_IPS = env.list("ADMIN_ALLOWED_IPS", ["127.0.0.1", "::1"], subcast=str.strip, validate=check_networks)
ADMIN_REQUIRE_OTP = env.bool("ADMIN_REQUIRE_OTP", False)

# Who may use the playground
PLAYGROUND = env.str("PLAYGROUND", "staff", validate=validate.OneOf(["off", "staff", "public"]))

# Who may monitor the service
METRICS_TOKEN = env.str("METRICS_TOKEN", "", validate=check_token)
METRICS_ALLOWED_IPS = env.list("METRICS_ALLOWED_IPS", [], subcast=str.strip, validate=check_networks)
SENTRY_DSN = env.str("SENTRY_DSN", "", validate=check_dsn)

# How long executions are kept
EXECUTION_RETENTION_DAYS = env.int("EXECUTION_RETENTION_DAYS", 90, validate=validate.Range(0, 3650))

INSTALLED_APPS = [
    "codeexec",
    "staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "auditlog",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "audit",
    "apikeys",
    "executions",
    "playground",
    "staff.apps.StaffConfig",
]

MIDDLEWARE = [
    "web.request_log.RequestLogMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # around all that may refuse a request: a page may read each error
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.gates.refuse_plain_http",
    "django.middleware.security.SecurityMiddleware",
    "web.gates.PagePolicyMiddleware",
    "web.gates.hide_staff_pages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "audit.changes.AuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "codeexec.urls"
WSGI_APPLICATION = "codeexec.wsgi.application"
APPEND_SLASH = False

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
            ],
        },
    },
]

# Database
DATABASES: dict[str, Any] = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
check_database(DATABASES["default"])
DATABASE_CONNECTIONS = env.int("DATABASE_CONNECTIONS", 12, validate=validate.Range(2, 1000))
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if DATABASES["default"]["NAME"] != ":memory:":
        keep_private(Path(DATABASES["default"]["NAME"]), DATA_DIR)
    DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 5,
        # Otherwise a transaction that reads before it writes can fail at once, whatever the timeout.
        "transaction_mode": "IMMEDIATE",
        # Readers do not wait for a writer. Commits do not wait for the disk; only a power failure loses one. What is
        # deleted is overwritten.
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;",
    }
else:
    # No request may wait longer for the database than for a program, even if the server does not respond at all.
    # Threads share the connections of a pool, and keep none between requests.
    DATABASES["default"] |= {"ENGINE": "codeexec.postgresql", "CONN_MAX_AGE": 0}
    bounds = {
        "connect_timeout": 3,
        "tcp_user_timeout": 3000,
        "keepalives_idle": 30,
        "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000",
    }
    DATABASES["default"]["OPTIONS"] = bounds | DATABASES["default"].get(
        "OPTIONS", {}
    )  # those in the URL take precedence

# How much may run
CAPACITY = Capacity.of_this_machine()
SANDBOX_REUSE = env.str("SANDBOX_REUSE", "pressure", validate=validate.OneOf(["never", "pressure", "always"]))
SANDBOX_REUSE_RUNS = env.int("SANDBOX_REUSE_RUNS", 50, validate=validate.Range(1, 1000))
SANDBOX_MAX_CONCURRENT = int_or_auto("SANDBOX_MAX_CONCURRENT", CAPACITY.max_concurrent, 1, 1024)
# A number that an operator has chosen also applies while the processors are busy.
SANDBOX_BUSY_CONCURRENT = CAPACITY.busy_concurrent if is_auto("SANDBOX_MAX_CONCURRENT") else SANDBOX_MAX_CONCURRENT
SANDBOX_POOL_SIZE = int_or_auto("SANDBOX_POOL_SIZE", min(CAPACITY.pool_size, 2 * SANDBOX_MAX_CONCURRENT), 1, 256)
SANDBOX_SCIENCE_POOL_SIZE = int_or_auto("SANDBOX_SCIENCE_POOL_SIZE", CAPACITY.science_pool_size, 0, 256)
SANDBOX_QUEUE_LENGTH = int_or_auto("SANDBOX_QUEUE_LENGTH", CAPACITY.queue_length, 0, 1024)
SANDBOX_QUEUE_SECONDS = env.float("SANDBOX_QUEUE_SECONDS", 10.0, validate=validate.Range(0.1, 30))
SANDBOX_REFILL_THREADS = env.int("SANDBOX_REFILL_THREADS", 4, validate=validate.Range(1, 16))
SANDBOX_MAX_INTERACTIVE = int_or_auto("SANDBOX_MAX_INTERACTIVE", CAPACITY.max_interactive, 0, 1024)
SANDBOX_INPUT_SECONDS = env.int("SANDBOX_INPUT_SECONDS", 60, validate=validate.Range(1, 600))
SANDBOX_INPUT_SECONDS_IN_ALL = env.int("SANDBOX_INPUT_SECONDS_IN_ALL", 300, validate=validate.Range(1, 3600))
SANDBOX_RUNTIME = env.str("SANDBOX_RUNTIME", "")
LEAST_FREE_DISK_PERCENT = env.float("LEAST_FREE_DISK_PERCENT", 5.0, validate=validate.Range(0, 50))

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The counts of the rate limits. There is one process (codeexec/gunicorn.py), so its memory is enough; several services
# share a Redis server. If that hangs, it delays a request by a fraction of a second at most.
REDIS_URL = env.str("REDIS_URL", "", validate=check_redis_url)
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3, "retry": Retry(NoBackoff(), 0)},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Each key has entries of its own. An evicted entry would restart its count.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Where programs run: on this machine, or on those of workers (codeexec/run_worker.py), which get them through Celery
EXECUTOR = env.str("EXECUTOR", "local", validate=validate.OneOf(["local", "celery"]))
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", REDIS_URL, validate=check_broker_url) or REDIS_URL

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apikeys.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["web.bodies.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "web.bodies.AlwaysJSON",
    "EXCEPTION_HANDLER": "web.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "pylearn.net code execution",
    "DESCRIPTION": "Runs Python programs that learners write, and checks them against test cases. Requests and"
    " responses are JSON in UTF-8. Every error has the same shape, `{detail, code, fields?}`.",
    "VERSION": "1.0.0",
    "POSTPROCESSING_HOOKS": [],
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,  # they are for readers of the code
}
LONGEST_BODY_BYTES = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = LONGEST_BODY_BYTES

# CORS: only the API, for the origins of the settings and of the keys (apikeys/cors.py), without cookies.
CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/(execute/?|executions/[0-9a-f-]{36}/input)$"  # a page may read why /execute/ is wrong
CORS_ALLOW_METHODS = ["POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "content-type",
    "x-api-key",
    "idempotency-key",
    # What tracing libraries (OpenTelemetry, Sentry) add to the requests of a page. We read none of them.
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
]
CORS_EXPOSE_HEADERS = ["Idempotent-Replayed", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 86400

# Security
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# HTTPS only. Docker, Coolify and Prometheus ask for /health and /metrics over HTTP from inside.
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(health|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Without a proxy of ours, clients could claim HTTPS themselves.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXY_COUNT else None
CONTENT_SECURITY_POLICY = {  # for our pages: web/gates.py
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Guessed passwords are counted per name and address: nobody can lock out somebody else.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_CLIENT_IP_CALLABLE = "web.connection.client_block"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # its pages delete without an entry in the audit log, which has the same data and more

# The second factor (staff/)
OTP_TOTP_ISSUER = "code.pylearn.net"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Audit log (audit/)
AUDITLOG_CID_GETTER = "audit.events.request_id"
AUDITLOG_STORE_JSON_CHANGES = True

# Text and time
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "codeexec.formats"

# Static files of the admin
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = configure_log(LOG_LEVEL, LOG_FORMAT)
# We have our own client address (web/connection.py) and caller. django-structlog would trust a forged
# X-Forwarded-For, and load a session for every cookie.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
