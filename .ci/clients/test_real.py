"""Real STIX, imported and paged whole by taxii2-client: every object the same
text as in its file. The quickstart's, and all bundles below ENTENTE_DATA."""

import gzip
import json
import os
import pathlib
import re
import shutil

import pytest
import zstandard
from taxii2client.v21 import Collection, as_pages

import corpus
from hub import Hub, free_port

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "quickstart"
DATA = os.environ.get("ENTENTE_DATA")


def content(file):
    data = file.read_bytes()
    if file.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return gzip.decompress(data) if file.suffix == ".gz" else data


def bundles():
    """Files below ENTENTE_DATA that are one bundle without repeated versions."""
    for file in sorted(pathlib.Path(DATA).rglob("*.json*")) if DATA else []:
        if file.suffix not in (".json", ".zst", ".gz") or ".jsonl" in file.name:
            continue
        try:
            text = content(file)
            if isinstance(json.loads(text), dict) and json.loads(text).get("objects"):
                yield file, corpus.texts(text)
        except (ValueError, KeyError, AssertionError, RecursionError):
            continue


def paged(url, user, password):
    """All objects of all versions, as they came over the wire."""
    c = Collection(url, user=user, password=password)
    found = []
    c._conn.session.hooks["response"].append(lambda r, **kw: found.extend(corpus.texts(r.content)) if "/objects/" in r.url else None)
    list(as_pages(c.get_objects, per_request=700, version="all", spec_version=["2.0", "2.1"]))
    return found


def test_quickstart(tmp_path):
    """The README's first command on another port."""
    folder = tmp_path / "quickstart"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db"))
    h = Hub.__new__(Hub)
    h.folder, h.config, h.port, h.process = folder, folder / "entente.yaml", free_port(), None
    h.url = f"http://127.0.0.1:{h.port}"
    text = h.config.read_text().replace("127.0.0.1:6100", f"127.0.0.1:{h.port}")
    h.config.write_text(text.replace("127.0.0.1:6101", f"127.0.0.1:{free_port()}"))
    (folder / "accounts.yaml").chmod(0o600)
    h.start()
    try:
        intel = re.search(r"id: (\S{36})\s+alias: intel", h.config.read_text())[1]
        wanted = corpus.texts((folder / "zeroaccess.json").read_bytes())
        assert paged(f"{h.url}/hub/collections/{intel}/", "analyst", "analyst") == wanted
        shared = paged(f"{h.url}/hub/collections/{intel}/", "partner", "partner")
        assert len(shared) == 44 and shared == [o for o in wanted if o in set(shared)]
    finally:
        h.stop()


@pytest.mark.skipif(not DATA, reason="ENTENTE_DATA does not name a folder with published STIX")
def test_published_bundles(tmp_path):
    files = list(bundles())
    assert len(files) > 20
    h = Hub(tmp_path / "real", spare=len(files))
    for name, (file, _) in zip(h.free, files):
        print(h.command("import", "--config", str(h.config), "--collection", name, str(file), ok=(0, 1)).decode()[-700:])  # 1: some were refused
    h.start()
    count = 0
    try:
        for name, (file, wanted) in zip(h.free, files):
            found = paged(h.collection(name), "analyst", "analyst")
            missing = set(wanted) - set(found)
            assert not set(found) - set(wanted), file
            assert len(set(found)) == len(found), file
            if missing:
                print(f"{file.name}: {len(missing)} of {len(wanted)} were refused or repeated")
            count += len(found)
    finally:
        h.stop()
    assert count > 50_000
