"""cytaxii2, Cyware's client: Content-Type on GET, a bundle's text as a POST."""

import json

import pytest
from cytaxii2 import cytaxii2

import corpus


@pytest.fixture
def client(hub):
    return cytaxii2.cytaxii2(hub.url + "/taxii2/", "analyst", "analyst")


def good(answer, code=200):
    assert answer["status"] is True and answer["status_code"] == code, answer
    return answer["response"]


def test_discovery_and_root(client, hub):
    assert good(client.discovery_request())["default"] == hub.root
    assert good(client.root_discovery())["title"] == "Hub"


def test_collections(client, hub):
    listed = good(client.collection_request())["collections"]
    assert {c["id"] for c in listed} == set(hub.ids.values())
    one = good(client.collection_data_request(hub.ids["intel"]))
    assert one in listed
    assert good(client.collection_data_request("intel"))["id"] == hub.ids["intel"]  # by alias


def test_poll_pages(client, hub, newest):
    found, following = [], None
    while True:
        e = good(client.poll_request(hub.ids["intel"], limit=250, next=following))
        assert set(e) <= {"objects", "more", "next"}
        found += e.get("objects", [])
        if not e.get("more"):
            break
        following = e["next"]
    assert found == [json.loads(t) for t in newest]


def test_poll_filters(client, hub, newest):
    intel = hub.ids["intel"]
    assert len(good(client.poll_request(intel, object_type="tool"))["objects"]) == 50
    i = corpus.ident(newest[5])
    assert good(client.poll_request(intel, object_id=i))["objects"] == [json.loads(newest[5])]
    assert not good(client.poll_request(intel, added_after="2099-01-01T00:00:00Z")).get("objects")


@pytest.mark.parametrize("form", [corpus.bundle, corpus.envelope])
def test_inbox(client, hub, spare, form):
    texts = [corpus.sco(n) for n in range(4)] + [corpus.stix20(1)]
    status = good(client.inbox_request(hub.ids[spare], form(texts).decode()), 202)
    assert status["status"] == "complete" and status["success_count"] == 5
    assert good(client.poll_request(hub.ids[spare]))["objects"] == [json.loads(t) for t in texts]


def test_errors_are_json(hub, client):
    unknown = client.poll_request("6f0e3c52-4c55-4d0b-8a4c-1f1d7a03b1f3")
    assert unknown["status_code"] == 404 and unknown["response"]["http_status"] == "404"
    wrong = cytaxii2.cytaxii2(hub.url + "/taxii2/", "analyst", "wrong").discovery_request()
    assert wrong["status_code"] == 401 and wrong["response"]["title"]
    odd = client.poll_request(hub.ids["intel"], added_after="yesterday")
    assert odd["status_code"] == 400 and odd["response"]["http_status"] == "400"
    bad = client.inbox_request(hub.ids["intel"], "{")
    assert bad["status_code"] in (400, 422) and bad["response"]["title"]
