"""A server as `entente init` leaves it: TLS, its own certificate, one account."""

import json
import re
import ssl
import socket
import subprocess

import pytest
import requests
import stix2
from cytaxii2 import cytaxii2
from taxii2client.v21 import Server, as_pages

import corpus
from hub import ENTENTE, Hub, free_port


class TLSHub(Hub):
    """Not configured by hand: init writes everything."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.root = self.url + "/hub/"
        self.config = folder / "entente.yaml"
        said = self.command(
            "init", str(folder), "--port", str(self.port), "--operator-port", str(free_port())
        ).decode()
        self.account = re.search(r"^account:\s+(\S+)", said, re.M)[1]
        self.password = re.search(r"^password:\s+(\S+)", said, re.M)[1]
        self.cert = str(folder / "cert.pem")
        self.process = None

    def start(self):
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [ENTENTE, "serve", "--config", str(self.config)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.wait(self.url + "/taxii2/", verify=self.cert)
        return self


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    h = TLSHub(tmp_path_factory.mktemp("tls") / "hub")
    h.start()
    yield h
    h.stop()


@pytest.fixture(autouse=True)
def only_the_given_authority(monkeypatch):
    """requests prefers these to what a session says."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def test_taxii2client(tls):
    server = Server(tls.url + "/taxii2/", user=tls.account, password=tls.password, verify=tls.cert)
    box = next(c for c in server.default.collections if c.alias == "intel")
    texts = [corpus.indicator(n) for n in range(120)]
    assert box.add_objects(corpus.envelope(texts)).success_count == 120
    found = [o for p in as_pages(box.get_objects, per_request=50) for o in p["objects"]]
    assert found == [json.loads(t) for t in texts]


def test_stix2(tls):
    server = Server(tls.url + "/taxii2/", user=tls.account, password=tls.password, verify=tls.cert)
    box = next(c for c in server.default.collections if c.alias == "sightings")
    store = stix2.TAXIICollectionStore(box)
    sighting = stix2.Sighting(sighting_of_ref=corpus.ident(corpus.indicator(1)), count=3)
    store.add(sighting)
    assert store.get(sighting.id) == sighting


def test_cytaxii2(tls, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.cert)
    client = cytaxii2.cytaxii2(tls.url + "/taxii2/", tls.account, tls.password)
    assert client.discovery_request()["response"]["default"] == tls.root
    assert client.collection_request()["status_code"] == 200


def test_strangers_do_not_trust_it(tls):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(tls.url + "/taxii2/")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", tls.port)) as s, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(s)


def test_plain_http_on_the_tls_port_says_so(tls):
    r = requests.get(f"http://127.0.0.1:{tls.port}/taxii2/")
    assert r.status_code == 400
