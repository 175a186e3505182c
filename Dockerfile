# The image of every plane. Which process a container is, its command and TIEBACK_PLANE say;
# docker-compose.yml shows each. Run it under an init (`docker run --init`, `init: true`): the
# servers and Celery fork, and process 1 has to reap what their children leave behind.

FROM python:3.13-slim AS packages
COPY requirements-production.lock /
# The base image's pip installs into a virtual environment that holds none itself.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install \
        --no-cache-dir --no-input --disable-pip-version-check --root-user-action=ignore \
        --require-hashes --only-binary=:all: --requirement /requirements-production.lock

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TIEBACK_HOME=/var/lib/tieback
RUN groupadd --gid 10001 tieback \
    && useradd --uid 10001 --gid tieback --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin tieback
WORKDIR /srv/tieback
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY deploy/healthcheck.py deploy/
COPY tieback tieback
COPY minting minting
COPY exports exports
COPY resolver resolver
COPY chaos/__init__.py chaos/
COPY chaos/checker chaos/checker
COPY templates templates
# The settings want a secret and a database to name. This secret lives as long as this line runs.
RUN secret="$(python -c 'import secrets; print(secrets.token_hex(32))')" \
    && SECRET_KEY="$secret" DB_PASSWORD="$secret" DB_HOST=none.invalid TIEBACK_PLANE=owner \
        python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q . \
    && chmod -R a+rX /srv/tieback "$TIEBACK_HOME"
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000 8001 8002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=20s --timeout=15s --start-period=90s --retries=3 \
    CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "-c", "import sys; sys.exit('Name a process to run: see docker-compose.yml.')"]
