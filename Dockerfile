# One image for every process; `command` chooses (see compose.yml).
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential curl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /baoke
ENV PATH=/baoke/.venv/bin:$PATH UV_COMPILE_BYTECODE=1
COPY . .
RUN python3 scripts/setup.py --environments-only && baoke train \
    && useradd --system baoke && mkdir -p var/attachments && chown -R baoke var
USER baoke
CMD ["baoke", "up"]
