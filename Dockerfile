# The image of the service, and with `--target worker` that of a worker (docs/scale.md). Programs run in another image,
# which the engine builds when the service starts (guest/Dockerfile). BASE_IMAGE may name a digest (docs/operations.md).
# BUILD_IMAGE is for networks where pip needs more than the official image has, such as a proxy's certificate.
ARG BASE_IMAGE=python:3.13-slim
ARG BUILD_IMAGE

FROM ${BUILD_IMAGE:-$BASE_IMAGE} AS build-worker
COPY requirements-worker.lock /
RUN python3 -m venv --without-pip /opt/venv && \
    pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps --requirement /requirements-worker.lock && \
    find /opt/venv -name '*.[mp]o' -delete  # translations and their sources: USE_I18N is off
COPY codeexec/ /app/codeexec/
COPY container/ /app/container/
COPY executions/ /app/executions/
COPY guest/ /app/guest/
COPY web/ /app/web/
# What needs packages that a worker lacks.
RUN cd /app && \
    rm -rf executions/admin.py executions/api executions/management executions/migrations executions/records \
        executions/review executions/running executions/webhooks && \
    /opt/venv/bin/python -m compileall -q .

# Has no web framework's views, no database driver, no admin and no server: only what runs programs.
FROM ${BASE_IMAGE} AS worker
COPY --from=build-worker /opt/venv /opt/venv
COPY --from=build-worker /app /app
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENV_FILE=
WORKDIR /app
LABEL net.pylearn.service=code-execution-worker
ENTRYPOINT ["/app/container/entrypoint"]
CMD ["/app/container/worker"]

FROM build-worker AS build
COPY requirements.lock /
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps --requirement /requirements.lock && \
    find /opt/venv -name '*.[mp]o' -delete
COPY . /app
# This key signs nothing: collectstatic reads the settings, which require one.
RUN cd /app && \
    ENV_FILE= SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyz /opt/venv/bin/python manage.py collectstatic --no-input && \
    rm -rf var && \
    /opt/venv/bin/python -m compileall -q .

FROM ${BASE_IMAGE}
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=build /app/container/manage /usr/local/bin/manage
# For the broker's socket (container/broker). A new volume takes over the owners.
RUN install -d -o 10002 -g 10001 -m 750 /run/broker
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENV_FILE=/data/env \
    BIND_ADDRESS=0.0.0.0 \
    DATABASE_URL=sqlite:////data/db.sqlite3
WORKDIR /app
LABEL net.pylearn.service=code-execution
EXPOSE 8000
# Two failures tell a proxy that a container is stopping: container/start waits for them. The start period leaves time to
# build the guest image; Coolify waits for all of it at each deployment while the old version keeps serving.
HEALTHCHECK --interval=5s --timeout=4s --start-period=120s --retries=2 CMD ["/app/container/healthcheck"]
# No USER, because the group of the Docker socket differs from host to host. The entrypoint reads it and drops root.
ENTRYPOINT ["/app/container/entrypoint"]
CMD ["/app/container/start"]
