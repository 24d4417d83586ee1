#!/bin/sh
# The steps of the image, and of any clean Debian with python3-venv: the program in /opt/bantin.
# Run in the checkout, as root.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv /opt/bantin
/opt/bantin/bin/pip install --quiet --no-cache-dir --disable-pip-version-check \
    -c constraints.txt '.[postgres]'
install -m 0644 deploy/healthcheck.py /opt/bantin/healthcheck.py
# A read-only file system keeps nothing that Python compiles: it is compiled here.
/opt/bantin/bin/python -m compileall -q -j 0 /opt/bantin/lib >/dev/null
/opt/bantin/bin/bantin --version
