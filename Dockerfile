# syntax=docker/dockerfile:1
#
#   docker build -t newsapi .
#   docker run --rm -v news:/data -p 8000:8000 newsapi                 # serve, with a worker beside it
#   docker run --rm -v news:/data newsapi worker                        # one more; also: db upgrade, import FILE …
#   docker stop --time 35                                               # longer than requests under way have (30 s)
#   docker run --read-only --cap-drop=ALL … newsapi                     # writes nothing but /data

ARG PYTHON=3.13

# --- build: what the lock names, hashes checked, and the package on top -------------------------------------------------

FROM python:${PYTHON}-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python -m venv /opt/newsapi
WORKDIR /build

# A layer of its own: it changes only when the lock does.
COPY requirements.lock ./
RUN /opt/newsapi/bin/pip install --require-hashes --only-binary :all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY newsapi ./newsapi
RUN /opt/newsapi/bin/pip install --no-deps --no-build-isolation . \
    && /opt/newsapi/bin/pip uninstall --yes --quiet setuptools pip \
    && /opt/newsapi/bin/newsapi --help >/dev/null

# --- the image ----------------------------------------------------------------------------------------------------------

FROM python:${PYTHON}-slim

LABEL org.opencontainers.image.title="newsapi" \
      org.opencontainers.image.description="A headless REST API for news publishers"

RUN groupadd --system --gid 10001 newsapi \
    && useradd --system --uid 10001 --gid newsapi --no-create-home --home-dir /data --shell /usr/sbin/nologin newsapi \
    && install --directory --owner=newsapi --group=newsapi --mode=0750 /data

COPY --from=build /opt/newsapi /opt/newsapi

# The bytecode is compiled in the build stage by pip; nothing is written at run time.
ENV PATH=/opt/newsapi/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NEWSAPI_HOST=0.0.0.0 \
    NEWSAPI_DATABASE_URL=sqlite:////data/newsapi.sqlite3 \
    NEWSAPI_SEARCH_INDEX=/data/search

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# Only a server answers HTTP; a worker, a migration or an import is well as long as its process lives.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, sys, urllib.request as http; b'serve' in open('/proc/1/cmdline', 'rb').read().split(b'\\0') or sys.exit(); http.urlopen(f\"http://127.0.0.1:{os.environ.get('NEWSAPI_PORT', '8000')}/healthz\", timeout=2)"]

ENTRYPOINT ["newsapi"]
CMD ["serve"]
