"""The stix2 library's TAXIICollectionStore, which posts bundles."""

import json

import pytest
import stix2
from stix2.datastore.taxii import TAXIICollectionSink, TAXIICollectionSource, TAXIICollectionStore
from stix2.exceptions import STIXError
from taxii2client.v21 import Collection

import corpus


@pytest.fixture
def collection(hub, spare):
    c = Collection(hub.collection(spare), user="analyst", password="analyst")
    c.sent = []

    def see(r, *args, **kwargs):
        if r.request.method == "POST":
            c.sent.append(r.request.body)

    c._conn.session.hooks["response"].append(see)
    return c


@pytest.fixture
def campaign():
    who = stix2.Identity(name="Zürich CERT", identity_class="organization")
    what = stix2.Indicator(
        name="Peer of a botnet",
        pattern="[ipv4-addr:value = '198.51.100.3']",
        pattern_type="stix",
        valid_from="2026-01-01T00:00:00Z",
        created_by_ref=who,
        object_marking_refs=[stix2.TLP_GREEN],
    )
    bot = stix2.Malware(name="ZeroAccess", is_family=True, created_by_ref=who)
    return [who, stix2.TLP_GREEN, what, bot, stix2.Relationship(what, "indicates", bot, created_by_ref=who), stix2.IPv4Address(value="198.51.100.3")]


def sent_and_served(collection):
    sent = [t for body in collection.sent for t in corpus.texts(body if isinstance(body, bytes) else body.encode())]
    raw = collection._conn.session.get(collection.objects_url, headers={"Accept": "application/taxii+json;version=2.1"})
    return sent, corpus.texts(raw.content)


def test_sink_takes_a_bundle(collection, campaign):
    TAXIICollectionSink(collection).add(stix2.Bundle(campaign))
    sent, served = sent_and_served(collection)
    assert len(sent) == 6 and served == sent  # byte for byte, and no bundle among them


def test_sink_takes_single_objects_and_lists(collection, campaign):
    sink = TAXIICollectionSink(collection)
    sink.add(campaign[0])
    sink.add(json.loads(campaign[3].serialize()))
    sink.add([campaign[2], campaign[4].serialize()])
    sent, served = sent_and_served(collection)
    assert len(sent) == 4 and served == sent


def test_store_reads_back(collection, campaign):
    store = TAXIICollectionStore(collection)
    store.add(stix2.Bundle(campaign))
    for o in campaign:
        assert store.get(o.id) == o
    assert store.get("malware--6f0e3c52-4c55-4d0b-8a4c-1f1d7a03b1f3") is None
    assert store.query([stix2.Filter("type", "=", "indicator")]) == [campaign[2]]
    assert store.query([stix2.Filter("type", "=", "malware"), stix2.Filter("name", "=", "ZeroAccess")]) == [campaign[3]]
    assert not store.query([stix2.Filter("type", "=", "tool")])
    assert len(store.query([stix2.Filter("added_after", "=", "2020-01-01T00:00:00Z")])) == 6
    assert store.relationships(campaign[2]) == [campaign[4]]


def test_new_versions(collection, campaign):
    store = TAXIICollectionStore(collection)
    first = campaign[3]
    second = first.new_version(name="ZeroAccess (Sirefef)")
    third = second.revoke()
    store.add(first)
    store.add(second)
    store.add(third)
    assert store.get(first.id) == third
    assert store.all_versions(first.id) == [first, second, third]


def test_source_pages_through_a_long_collection(hub, newest):
    c = Collection(hub.collection("intel"), user="reader", password="reader")
    found = TAXIICollectionSource(c, items_per_page=200).query([stix2.Filter("type", "=", "indicator")])
    assert {o["id"] for o in found} == {i for t in newest if (i := corpus.ident(t)).startswith("indicator--")}


def test_refusals_reach_the_caller(hub):
    c = Collection(hub.collection("intel"), user="reader", password="reader")
    with pytest.raises(STIXError if issubclass(stix2.datastore.DataSourceError, STIXError) else stix2.datastore.DataSourceError):
        TAXIICollectionSink(c)
