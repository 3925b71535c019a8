import json
import os
import subprocess

import pytest
import requests

import corpus
from hub import ACCOUNTS, ENTENTE, MEDIA, Hub

COUNT = 1234  # ids in intel


@pytest.fixture(scope="session")
def imported():
    """What intel holds, as text, in the order of import: 1,234 indicators, a
    second version of every tenth, and objects without versions."""
    first = [corpus.indicator(n) for n in range(COUNT)]
    second = [corpus.indicator(n, version=1) for n in range(0, COUNT, 10)]
    return first + second + [corpus.sco(n) for n in range(50)] + [corpus.stix20(n) for n in range(50)] + [corpus.marking()]


@pytest.fixture(scope="session")
def newest(imported):
    """Of imported the last version of each object."""
    last = {}
    for text in imported:
        last[corpus.ident(text)] = text
    return [t for t in imported if last[corpus.ident(t)] is t]


@pytest.fixture(scope="session")
def hub(tmp_path_factory, imported):
    """A server whose collection intel was filled by entente import."""
    h = Hub(tmp_path_factory.mktemp("hub"))
    source = h.folder / "imported.json"
    source.write_bytes(corpus.bundle(imported))
    h.command("import", "--config", str(h.config), "--collection", "intel", str(source))
    h.start()
    yield h
    h.stop()


@pytest.fixture
def spare(hub):
    return hub.spare()


@pytest.fixture(scope="session")
def http():
    """Plain requests as the analyst."""
    with requests.Session() as s:
        s.auth = ("analyst", ACCOUNTS["analyst"][0])
        s.headers["Accept"] = MEDIA
        yield s


@pytest.fixture
def post(hub, http):
    """post(collection, texts) posts an envelope and returns the status."""

    def post(name, texts):
        r = http.post(hub.objects(name), data=corpus.envelope(texts), headers={"Content-Type": MEDIA})
        assert r.status_code == 202, r.text
        return r.json()

    return post


def pytest_configure(config):
    if not ENTENTE or subprocess.run([ENTENTE, "version"], capture_output=True).returncode != 0:
        raise pytest.UsageError("put the binary on PATH or name it in ENTENTE")


def pytest_terminal_summary(terminalreporter):
    count = lambda key: len(terminalreporter.stats.get(key, []))
    terminalreporter.write_line(
        "clients: %d passed, %d failed" % (count("passed"), count("failed") + count("error"))
    )
