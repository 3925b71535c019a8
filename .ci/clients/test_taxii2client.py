"""taxii2-client 2.3.0, the OASIS library, as its users call it."""

import json
import re
import threading

import pytest
import requests
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

import corpus
from hub import MEDIA, Hub

SIX_DIGITS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


@pytest.fixture
def server(hub):
    return Server(hub.url + "/taxii2/", user="analyst", password="analyst")


class Spy(Collection):
    """A Collection that keeps the bodies and headers of its answers."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bodies, self.heads = [], []
        self._conn.session.hooks["response"].append(self._see)

    def _see(self, r, *args, **kwargs):
        self.bodies.append(r.content)
        self.heads.append(r.headers)

    def seen(self):
        return [t for b in self.bodies for t in corpus.texts(b)]


@pytest.fixture
def intel(hub):
    c = Spy(hub.collection("intel"), user="analyst", password="analyst")
    c.refresh()
    c.bodies.clear()
    c.heads.clear()
    return c


@pytest.fixture
def box(hub, spare):
    return Collection(hub.collection(spare), user="analyst", password="analyst")


def test_discovery(server, hub):
    assert server.title == "Client tests"
    assert server.description and server.contact
    assert server.default.url == hub.root
    assert [r.url for r in server.api_roots] == [hub.root]
    assert server.default in server.api_roots


def test_discovery_without_slash(hub):
    assert Server(hub.url + "/taxii2", user="analyst", password="analyst").default.url == hub.root


def test_api_root(server):
    root = server.default
    assert root.title == "Hub"
    assert root.versions == [MEDIA]
    assert 1 << 20 <= root.max_content_length <= 1 << 30


def test_collections(server, hub):
    found = {c.id: c for c in server.default.collections}
    assert set(found) == set(hub.ids.values())
    c = found[hub.ids["intel"]]
    assert c.title == "The intel collection" and c.alias == "intel"
    assert c.can_read is True and c.can_write is True
    assert c.media_types == ["application/stix+json;version=2.1"] or "application/stix+json;version=2.1" in c.media_types


def test_rights_of_accounts(hub):
    for name, read, write in (("reader", True, False), ("feeder", False, True)):
        c = Collection(hub.collection("intel"), user=name, password=name)
        assert (c.can_read, c.can_write) == (read, write)
    # An API root without anything for the account does not exist for it.
    assert not Server(hub.url + "/taxii2/", user="nobody", password="nobody").api_roots
    with pytest.raises(requests.HTTPError) as e:
        ApiRoot(hub.root, user="nobody", password="nobody").collections
    assert e.value.response.status_code == 404


@pytest.mark.parametrize("limit", [100, 333, 1000, 5000])
def test_pages_hold_what_was_imported(intel, newest, limit):
    pages = list(as_pages(intel.get_objects, per_request=limit))
    assert all(p["objects"] for p in pages)
    assert all(p.get("next") for p in pages[:-1]) and "next" not in pages[-1]
    assert intel.seen() == newest  # byte for byte, in the order of import
    assert [o for p in pages for o in p["objects"]] == [json.loads(t) for t in newest]


def test_all_versions(intel, imported):
    list(as_pages(intel.get_objects, per_request=500, version="all"))
    assert intel.seen() == imported


def test_first_versions(intel, imported):
    first = {}
    for text in imported:
        first.setdefault(corpus.ident(text), text)
    list(as_pages(intel.get_objects, per_request=500, version="first"))
    assert intel.seen() == list(first.values())


def test_added_after_alone(intel, imported):
    """Paging by X-TAXII-Date-Added-Last, without next."""
    after, found = None, []
    while True:
        kwargs = {"added_after": after} if after else {}
        intel.bodies.clear()
        e = intel.get_objects(limit=97, version="all", **kwargs)
        if not e.get("objects"):
            # A safe resume point even here: what was asked for.
            assert intel.heads[-1]["X-TAXII-Date-Added-Last"] == after
            assert intel.heads[-1]["X-TAXII-Date-Added-First"] == after
            break
        assert SIX_DIGITS.match(intel.heads[-1]["X-TAXII-Date-Added-First"])
        assert SIX_DIGITS.match(intel.heads[-1]["X-TAXII-Date-Added-Last"])
        found += intel.seen()
        after = intel.heads[-1]["X-TAXII-Date-Added-Last"]
    assert found == imported


def test_manifest(intel, imported):
    entries = [o for m in as_pages(intel.get_manifest, per_request=300, version="all") for o in m["objects"]]
    wanted = [json.loads(t) for t in imported]
    assert [e["id"] for e in entries] == [o["id"] for o in wanted]
    dates = [e["date_added"] for e in entries]
    assert all(SIX_DIGITS.match(d) for d in dates) and sorted(set(dates)) == dates
    for e, o in zip(entries, wanted):
        assert e["version"] == o.get("modified", o.get("created", e["date_added"]))
        assert e.get("media_type", "").endswith("2.1" if "spec_version" in o else "2.0")


def test_filters(intel, imported, newest):
    of_type = lambda *types: [t for t in newest if json.loads(t)["type"] in types]
    intel.get_objects(type="ipv4-addr")
    assert intel.seen() == of_type("ipv4-addr")
    intel.bodies.clear()
    intel.get_objects(type=["tool", "marking-definition"])
    assert intel.seen() == of_type("tool", "marking-definition")
    intel.bodies.clear()
    some = [corpus.ident(newest[k]) for k in (3, 700, 1200)]
    intel.get_objects(id=some)
    assert [corpus.ident(t) for t in intel.seen()] == [i for t in newest if (i := corpus.ident(t)) in some]
    intel.bodies.clear()
    intel.get_objects(type="indicator", id=some[0], spec_version="2.1")
    assert len(intel.seen()) == 1
    intel.bodies.clear()
    list(as_pages(intel.get_objects, per_request=1000, spec_version="2.0"))
    assert intel.seen() == of_type("tool")
    intel.bodies.clear()
    intel.get_objects(version="2026-03-01T10:00:10.001456Z", type="indicator")
    assert intel.seen() == [corpus.indicator(10, version=1)]
    assert not intel.get_objects(type="vulnerability").get("objects")


def test_exact_version_is_an_instant(intel):
    """The library drops the zeros of 10:00:20.000Z before it asks."""
    intel.get_objects(version="2026-03-01T10:00:20Z", type="indicator")
    assert intel.seen() == [corpus.indicator(20)]


def test_one_object(intel):
    n = 40
    i = corpus.ident(corpus.indicator(n))
    intel.get_object(i)
    assert intel.seen() == [corpus.indicator(n, version=1)]
    intel.bodies.clear()
    intel.get_object(i, version="all")
    assert intel.seen() == [corpus.indicator(n), corpus.indicator(n, version=1)]
    versions = intel.object_versions(i)["versions"]
    assert sorted(versions) == sorted(json.loads(corpus.indicator(n, v))["modified"] for v in (0, 1))
    # There, but excluded by the filter: empty, not unknown.
    assert not intel.get_object(i, version="1999-01-01T00:00:00Z").get("objects")


def test_unknown_object_is_404(intel):
    for call in (intel.get_object, intel.object_versions):
        with pytest.raises(requests.HTTPError) as e:
            call("indicator--6f0e3c52-4c55-4d0b-8a4c-1f1d7a03b1f3")
        assert e.value.response.status_code == 404
        assert e.value.response.json()["http_status"] == "404"


def test_add_envelope(box, hub):
    texts = [corpus.indicator(n) for n in range(5)] + [corpus.sco(1)]
    status = box.add_objects(corpus.envelope(texts))
    assert status.status == "complete" and (status.total_count, status.success_count) == (6, 6)
    assert {s["id"] for s in status.successes} == {corpus.ident(t) for t in texts}
    assert all(s["version"] for s in status.successes)
    again = Status(f"{hub.root}status/{status.id}/", user="analyst", password="analyst")
    assert again._raw == status._raw
    assert ApiRoot(hub.root, user="analyst", password="analyst").get_status(status.id).success_count == 6
    assert [json.loads(t) for t in texts] == box.get_objects()["objects"]


def test_add_dict(box):
    """The library serialises a dict itself."""
    o = json.loads(corpus.indicator(7))
    assert box.add_objects({"objects": [o]}).success_count == 1
    assert box.get_object(o["id"])["objects"] == [o]


def test_same_object_again_changes_nothing(box):
    texts = [corpus.indicator(n) for n in range(3)]
    box.add_objects(corpus.envelope(texts))
    before = box.get_manifest()
    status = box.add_objects(corpus.envelope(texts))
    assert status.success_count == 3 and status.failure_count == 0
    assert box.get_manifest() == before


def test_other_content_is_refused(box):
    box.add_objects(corpus.envelope([corpus.indicator(1)]))
    status = box.add_objects(corpus.envelope([corpus.indicator(1, extra=',"x_new":1'), corpus.indicator(2)]))
    assert (status.success_count, status.failure_count) == (1, 1)
    failure = status.failures[0]
    assert failure["id"] == corpus.ident(corpus.indicator(1)) and failure["version"] and failure["message"]
    assert box.get_object(failure["id"])["objects"] == [json.loads(corpus.indicator(1))]


def test_broken_object_fails_alone(box):
    broken = '{"type":"indicator","id":"indicator--1","spec_version":"2.1"}'
    status = box.add_objects(corpus.envelope([corpus.indicator(1), broken, corpus.indicator(2)]))
    assert (status.success_count, status.failure_count, status.pending_count) == (2, 1, 0)
    assert status.failures[0]["id"] and status.failures[0]["version"] and status.failures[0]["message"]


def test_older_version_does_not_become_the_last(box):
    box.add_objects(corpus.envelope([corpus.indicator(1, version=2)]))
    box.add_objects(corpus.envelope([corpus.indicator(1)]))
    i = corpus.ident(corpus.indicator(1))
    assert box.get_object(i)["objects"] == [json.loads(corpus.indicator(1, version=2))]
    assert len(box.object_versions(i)["versions"]) == 2


def test_delete_one_version(box):
    box.add_objects(corpus.envelope([corpus.indicator(1, version=v) for v in range(3)]))
    i = corpus.ident(corpus.indicator(1))
    middle = json.loads(corpus.indicator(1, version=1))["modified"]
    box.delete_object(i, version=middle)
    left = box.get_object(i, version="all")["objects"]
    assert [o["modified"] for o in left] == [json.loads(corpus.indicator(1, v))["modified"] for v in (0, 2)]


def test_delete_and_add_again(box):
    text = corpus.indicator(1)
    box.add_objects(corpus.envelope([text, corpus.indicator(2)]))
    i = corpus.ident(text)
    before = {e["id"]: e["date_added"] for e in box.get_manifest()["objects"]}
    box.delete_object(i)
    with pytest.raises(requests.HTTPError) as e:
        box.get_object(i)
    assert e.value.response.status_code == 404
    assert len(box.get_objects()["objects"]) == 1
    assert box.add_objects(corpus.envelope([text])).success_count == 1
    after = {e["id"]: e["date_added"] for e in box.get_manifest()["objects"]}
    assert after[i] > max(before.values())


def test_missing_rights(hub, spare):
    reader = Collection(hub.collection(spare), user="reader", password="reader", collection_info=None)
    reader._verify_can_write = lambda: None  # ask the server, not the library
    for call in (lambda: reader.add_objects(corpus.envelope([corpus.indicator(1)])), lambda: reader.delete_object(corpus.ident(corpus.indicator(1)))):
        with pytest.raises(requests.HTTPError) as e:
            call()
        assert e.value.response.status_code in (403, 404)
    feeder = Collection(hub.collection(spare), user="feeder", password="feeder")
    assert feeder.add_objects(corpus.envelope([corpus.indicator(1)])).success_count == 1
    feeder._verify_can_read = lambda: None
    with pytest.raises(requests.HTTPError) as e:
        feeder.get_objects()
    assert e.value.response.status_code in (403, 404)


def test_paging_while_others_write(hub, box):
    """Nothing that was there is missed, nothing comes twice."""
    texts = [corpus.indicator(n) for n in range(600)]
    box.add_objects(corpus.envelope(texts))
    stop = threading.Event()
    errors = []

    def write(writer):
        c = Collection(box.url, user="analyst", password="analyst")
        n = 10_000 * (writer + 1)
        while not stop.is_set():
            n += 10
            try:
                c.add_objects(corpus.envelope([corpus.indicator(k) for k in range(n, n + 10)]))
            except Exception as e:
                errors.append(e)
                return

    threads = [threading.Thread(target=write, args=(w,)) for w in range(2)]
    for t in threads:
        t.start()
    found = []
    try:
        for page in as_pages(box.get_objects, per_request=20):
            found += [o["id"] for o in page["objects"]]
            if len(found) > 1500:
                break
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not errors
    assert len(set(found)) == len(found)
    assert found[:600] == [corpus.ident(t) for t in texts]


def test_next_survives_a_restart(tmp_path):
    h = Hub(tmp_path / "restart", spare=1).start()
    try:
        c = Collection(h.collection("spare-0"), user="analyst", password="analyst")
        texts = [corpus.indicator(n) for n in range(250)]
        c.add_objects(corpus.envelope(texts))
        first = c.get_objects(limit=100)
        h.stop()
        h.start()
        rest = [o for p in as_pages(lambda limit, next=first["next"]: c.get_objects(limit=limit, next=next), per_request=100) for o in p["objects"]]
        assert [o["id"] for o in first["objects"] + rest] == [corpus.ident(t) for t in texts]
        # Somebody else's next is of no use.
        other = Collection(c.url, user="reader", password="reader")
        with pytest.raises(requests.HTTPError) as e:
            other.get_objects(limit=100, next=first["next"])
        assert e.value.response.status_code == 400
    finally:
        h.stop()


def test_acknowledged_survives_kill(tmp_path):
    import signal

    h = Hub(tmp_path / "kill", spare=1).start()
    try:
        c = Collection(h.collection("spare-0"), user="analyst", password="analyst")
        texts = [corpus.indicator(n) for n in range(50)]
        for t in texts:
            assert c.add_objects(corpus.envelope([t])).success_count == 1
        h.stop(signal.SIGKILL)
        h.start()
        assert [o["id"] for o in c.get_objects()["objects"]] == [corpus.ident(t) for t in texts]
    finally:
        h.stop()
