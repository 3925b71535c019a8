"""What other clients in the field do, as requests of the same shape: OpenCTI,
Elastic, XSOAR, MISP, Sentinel-like pollers, axios, curl. Each must just work."""

import base64
import gzip
import http.client
import json
import re
from datetime import datetime, timedelta

import pytest
import requests

import corpus
from hub import ACCOUNTS, MEDIA, TOKEN

BASIC = base64.b64encode(b"analyst:analyst").decode()


def raw(hub, method, path, headers=None, body=None):
    """A request with exactly this path and these headers, no more."""
    c = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    c.putrequest(method, path, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        c.putheader(name, value)
    if body is not None:
        c.putheader("Content-Length", str(len(body)))
    c.endheaders(body)
    r = c.getresponse()
    data = r.read()
    head = r.headers
    c.close()
    return r.status, head, data


def auth(**more):
    return {"Authorization": "Basic " + BASIC, "Accept": MEDIA, **more}


def as_account(name, **more):
    pair = f"{name}:{ACCOUNTS[name][0]}".encode()
    return auth(Authorization="Basic " + base64.b64encode(pair).decode(), **more)


def path_of(hub, name):
    return f"/hub/collections/{hub.ids[name]}/objects/"


@pytest.fixture
def ten(hub, spare, post):
    post(spare, [corpus.indicator(n) for n in range(10)])
    return spare


# --- media types and credentials


@pytest.mark.parametrize(
    "accept",
    [
        MEDIA,
        "application/taxii+json; version=2.1",
        "Application/TAXII+JSON;Version=2.1",
        "application/taxii+json",
        "*/*",
        "application/*",
        "application/json, text/plain, */*",  # axios, OpenCTI until 5.10
        "text/html, application/taxii+json;version=2.1;q=0.8",
        "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
        None,
    ],
)
def test_accept(hub, accept):
    headers = auth()
    if accept is None:
        del headers["Accept"]
    else:
        headers["Accept"] = accept
    for path in ("/taxii2/", "/hub/", "/hub/collections/", path_of(hub, "intel")):
        status, head, body = raw(hub, "GET", path, headers)
        assert status == 200, (path, body[:300])
        assert head["Content-Type"] == MEDIA


@pytest.mark.parametrize(
    "accept", ["application/vnd.oasis.taxii+json; version=2.0", "application/taxii+json;version=2.0", "text/html", "application/json", "application/taxii+json;version=2.1;q=0"]
)
def test_not_acceptable(hub, accept):
    """XSOAR asks for 2.0 only after this 406."""
    status, head, body = raw(hub, "GET", "/taxii2/", auth(Accept=accept))
    assert status == 406 and json.loads(body)["http_status"] == "406"
    assert head["Content-Type"] == MEDIA


def test_content_type_and_range_on_get_are_ignored(hub):
    status, _, body = raw(hub, "GET", path_of(hub, "intel") + "?limit=3", auth(**{"Content-Type": MEDIA, "Range": "items 0-10000"}))
    assert status == 200 and len(corpus.texts(body)) == 3


@pytest.mark.parametrize(
    "content_type",
    [
        MEDIA,
        "application/taxii+json",
        "application/taxii+json; version=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/stix+json; version=2.1",  # OpenCTI's taxii-post
        "application/stix+json;version=2.1",
    ],
)
def test_content_type_on_post(hub, spare, content_type):
    text = corpus.indicator(1)
    status, _, body = raw(hub, "POST", path_of(hub, spare), auth(**{"Content-Type": content_type}), corpus.bundle([text]))
    assert status == 202, body
    assert json.loads(body)["success_count"] == 1
    _, _, body = raw(hub, "GET", path_of(hub, spare), auth())
    assert corpus.texts(body) == [text]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/taxii+json;version=2.0"])
def test_other_content_types_are_415(hub, spare, content_type):
    status, _, body = raw(hub, "POST", path_of(hub, spare), auth(**{"Content-Type": content_type}), corpus.envelope([corpus.indicator(1)]))
    assert status == 415 and json.loads(body)["title"]


@pytest.mark.parametrize("word", ["Basic", "basic", "BASIC"])
def test_basic_in_any_case(hub, word):
    """MISP writes it in lower case."""
    assert raw(hub, "GET", "/taxii2/", {"Authorization": f"{word} {BASIC}"})[0] == 200


@pytest.mark.parametrize("user, encoding", [("umlaut", "utf-8"), ("umlaut", "latin-1"), ("kirill", "utf-8")])
def test_passwords_beyond_ascii(hub, user, encoding):
    """requests sends Latin-1, OpenCTI and cc-taxii2 UTF-8."""
    pair = base64.b64encode(f"{user}:{ACCOUNTS[user][0]}".encode(encoding)).decode()
    for _ in range(2):  # verified, then remembered
        assert raw(hub, "GET", "/taxii2/", {"Authorization": "Basic " + pair})[0] == 200


def test_latin_1_by_requests(hub):
    assert requests.get(hub.url + "/taxii2/", auth=("umlaut", "pässwört")).status_code == 200


def test_bearer(hub):
    assert raw(hub, "GET", "/taxii2/", {"Authorization": "Bearer " + TOKEN})[0] == 200
    assert raw(hub, "GET", "/taxii2/", {"Authorization": "bearer " + TOKEN})[0] == 200
    assert raw(hub, "GET", "/taxii2/", {"Authorization": "Token " + TOKEN})[0] == 200  # XSOAR, taxii2-client's TokenAuth
    assert raw(hub, "GET", "/taxii2/", {"Authorization": "Bearer " + TOKEN[:-1]})[0] == 401


@pytest.mark.parametrize("value", [None, "Basic", "Basic !", "Basic Og==", "Basic " + base64.b64encode(b":x").decode(), "Digest x"])
def test_401_names_basic(hub, value):
    status, head, body = raw(hub, "GET", "/taxii2/", {"Authorization": value} if value else {})
    assert status == 401
    assert any(v.lower().startswith("basic") for v in head.get_all("WWW-Authenticate"))
    assert json.loads(body)["http_status"] == "401" and head["Content-Type"] == MEDIA


# --- paths


@pytest.mark.parametrize("path", ["/taxii2", "//taxii2/", "/taxii2//", "/hub", "//hub/", "/hub//collections", "/hub/collections//"])
def test_slashes(hub, path):
    """MISP's base URL ends in a slash, so it asks for //; nobody may be redirected."""
    status, head, _ = raw(hub, "GET", path, auth())
    assert status == 200 and "Location" not in head


def test_post_without_slash(hub, spare):
    for path in (path_of(hub, spare).rstrip("/"), "/" + path_of(hub, spare), path_of(hub, spare).replace("/collections/", "//collections//")):
        status, _, body = raw(hub, "POST", path, auth(**{"Content-Type": MEDIA}), corpus.envelope([corpus.indicator(1)]))
        assert status == 202 and json.loads(body)["success_count"] == 1


def test_elastic_path(hub, ten):
    """Elastic appends /? to the URL it was given."""
    for url in (path_of(hub, ten) + "?", path_of(hub, ten) + "/?", path_of(hub, ten).rstrip("/") + "/?limit=4"):
        assert raw(hub, "GET", url, auth())[0] == 200


def test_collection_by_alias(hub, ten):
    _, _, body = raw(hub, "GET", f"/hub/collections/{ten}/objects/", auth())
    assert len(corpus.texts(body)) == 10


def test_absolute_urls(hub):
    d = json.loads(raw(hub, "GET", "/taxii2/", auth())[2])
    assert d["default"] in d["api_roots"]
    assert all(re.match(r"^https?://.*/$", u) for u in d["api_roots"])


def test_titles_can_be_chosen_by(hub):
    """XSOAR and OpenCTI pick collections by title; Sentinel wants a UUIDv4."""
    found = json.loads(raw(hub, "GET", "/hub/collections/", auth())[2])["collections"]
    titles = [c["title"] for c in found]
    assert len(set(titles)) == len(titles) and not any("." in t for t in titles)
    uuid4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
    for c in found:
        assert uuid4.match(c["id"]) and c["can_read"] is True and c["can_write"] is True


# --- queries


def test_brackets_and_commas(hub):
    base = path_of(hub, "intel")
    one = raw(hub, "GET", base + "?match[type]=tool,ipv4-addr&limit=1000", auth())
    two = raw(hub, "GET", base + "?match%5Btype%5D=tool%2Cipv4-addr&limit=1000", auth())
    assert one[0] == two[0] == 200 and one[2] == two[2] and len(corpus.texts(one[2])) == 100


def test_long_query(hub):
    ids = ",".join(corpus.ident(corpus.indicator(n)) for n in range(210))
    assert len(ids) > 9000
    status, _, body = raw(hub, "GET", path_of(hub, "intel") + "?limit=1000&match%5Bid%5D=" + ids.replace(",", "%2C"), auth())
    assert status == 200 and len(corpus.texts(body)) == 210


def test_empty_next(hub, ten):
    """MISP sends next= on the first page."""
    status, _, body = raw(hub, "GET", path_of(hub, ten) + "?limit=50&next=", auth())
    assert status == 200 and len(corpus.texts(body)) == 10


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "added_after=yesterday", "match%5Bversion%5D=newest", "next=garbage", "match%5Bcolour%5D=red&match%5Btype%5D="],
)
def test_bad_parameters_are_400(hub, query):
    status, head, body = raw(hub, "GET", path_of(hub, "intel") + "?" + query, auth())
    assert status == 400, body
    assert json.loads(body)["http_status"] == "400" and head["Content-Type"] == MEDIA


# --- paging


def pages_of(hub, name, query, follow):
    """All texts, following next by follow(next) -> query."""
    found, pages = [], []
    while query is not None:
        status, _, body = raw(hub, "GET", path_of(hub, name) + "?" + query, auth())
        assert status == 200, body
        e = json.loads(body)
        assert set(e) <= {"objects", "more", "next"}
        pages.append(e)
        found += corpus.texts(body)
        if e.get("more"):
            assert e["next"] and e["objects"]
            query = follow(e["next"])
        else:
            assert "next" not in e
            query = None
    return found, pages


def test_next_is_url_safe_and_needs_no_escapes(hub, newest):
    """cc-taxii2 glues it into the URL as it is, with the filters kept."""
    found, pages = pages_of(hub, "intel", "limit=400&match[type]=indicator", lambda n: f"limit=400&match[type]=indicator&next={n}")
    assert all(re.match(r"^[A-Za-z0-9._~-]+$", p["next"]) for p in pages[:-1])
    assert found == [t for t in newest if corpus.ident(t).startswith("indicator--")]


def test_opencti_connector_drops_added_after(hub, newest):
    """It sends next and limit only; next must remember the rest."""
    found, _ = pages_of(hub, "intel", "limit=100&match%5Btype%5D=tool&added_after=2020-01-01T00:00:00Z", lambda n: f"limit=20&next={n}")
    assert found == [t for t in newest if corpus.ident(t).startswith("tool--")]


def test_elastic_follows_next_without_limit(hub, newest):
    found, _ = pages_of(hub, "intel", "limit=300", lambda n: f"next={n}")
    assert found == newest


def test_next_with_another_added_after(hub):
    """OpenCTI's connector from its second run on: a good next, a new added_after."""
    first = json.loads(raw(hub, "GET", path_of(hub, "intel") + "?limit=10", auth())[2])
    for after in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00.123456Z"):
        status, _, body = raw(hub, "GET", path_of(hub, "intel") + f"?limit=10&next={first['next']}&added_after={after}", auth())
        assert status == 200, body
    assert not json.loads(body).get("objects")  # both conditions hold


def test_next_in_another_collection_starts_there(hub, ten):
    """OpenCTI's connector keeps next when it goes on to the next collection."""
    first = json.loads(raw(hub, "GET", path_of(hub, "intel") + "?limit=10", auth())[2])
    status, _, body = raw(hub, "GET", path_of(hub, ten) + f"?limit=100&next={first['next']}", auth())
    assert status == 200, body
    assert corpus.texts(body) == [corpus.indicator(n) for n in range(10)]


def test_next_repeats(hub):
    first = json.loads(raw(hub, "GET", path_of(hub, "intel") + "?limit=10", auth())[2])
    again = [raw(hub, "GET", path_of(hub, "intel") + f"?limit=10&next={first['next']}", auth())[2] for _ in range(3)]
    assert again[0] == again[1] == again[2]
    smaller = raw(hub, "GET", path_of(hub, "intel") + f"?limit=3&next={first['next']}", auth())[2]
    assert corpus.texts(smaller) == corpus.texts(again[0])[:3]


def test_changed_match_beside_next_is_400(hub):
    first = json.loads(raw(hub, "GET", path_of(hub, "intel") + "?limit=10&match[type]=indicator", auth())[2])
    assert raw(hub, "GET", path_of(hub, "intel") + f"?limit=10&match[type]=tool&next={first['next']}", auth())[0] == 400


def test_opencti_platform_cuts_to_milliseconds(hub, spare, post):
    """It takes the Last header cut to milliseconds; a commit ends on a whole
    one, so that it does not fetch the same objects for ever."""
    for n in range(5):
        post(spare, [corpus.indicator(10 * n + k) for k in range(3)])
        _, head, _ = raw(hub, "GET", path_of(hub, spare), auth())
        last = head["X-TAXII-Date-Added-Last"]
        assert last.endswith("000Z"), last
        cut = last[:-4] + "Z"
        status, head, body = raw(hub, "GET", path_of(hub, spare) + f"?added_after={cut}", auth())
        assert status == 200 and not json.loads(body).get("objects")


def test_cybersixgill_reads_by_last_only(hub, spare, post):
    """It knows neither more nor next, sends milliseconds first, and ends when
    the header is absent."""
    texts = [corpus.indicator(n) for n in range(25)]
    for k in range(0, 25, 5):
        post(spare, texts[k : k + 5])
    after, found, polls = "2020-01-01T00:00:00.000Z", [], 0
    while after:
        headers = as_account("sixgill", **{"Content-Type": MEDIA})
        _, head, body = raw(hub, "GET", path_of(hub, spare) + f"?limit=7&added_after={after}", headers)
        found += corpus.texts(body)
        after = head["X-TAXII-Date-Added-Last"]
        assert (polls := polls + 1) < 10
    assert found == texts and polls == 5


def test_elastic_wants_a_list_even_when_empty(hub, spare):
    _, _, body = raw(hub, "GET", path_of(hub, spare) + "/?", as_account("elastic"))
    assert json.loads(body)["objects"] == []


def test_ascii_for_clients_that_guess_the_charset(hub, newest):
    """cytaxii2 and cc-taxii2 read response.text, whose charset is guessed."""
    for more in ({}, {"Accept-Encoding": "gzip"}):
        _, head, body = raw(hub, "GET", path_of(hub, "intel") + "?limit=100", as_account("ascii", **more))
        assert int(head["Content-Length"]) == len(body)
        if head.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert body.isascii()
        assert json.loads(body)["objects"] == [json.loads(t) for t in newest[:100]]


@pytest.mark.parametrize("digits", [0, 1, 3, 6, 9])
def test_added_after_with_any_digits(hub, ten, digits):
    _, head, _ = raw(hub, "GET", path_of(hub, ten), auth())
    first = head["X-TAXII-Date-Added-First"]
    seconds, fraction = first[:-1].split(".")
    text = seconds + ("." + (fraction + "000")[:digits] if digits else "") + "Z"
    _, _, body = raw(hub, "GET", path_of(hub, ten) + f"?added_after={text}", auth())
    # Strictly later than the first: all but one if it was named exactly.
    exact = digits >= 6 or int(fraction[digits:] or 0) == 0
    assert len(corpus.texts(body)) == (9 if exact else 10)


def test_xsoar_polls_from_the_past(hub, newest):
    """as_pages with limit 100 until more is gone, 6-digit added_after in local fashion."""
    after = (datetime.now() - timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found, pages = pages_of(hub, "intel", f"limit=100&added_after={after}", lambda n: f"limit=100&next={n}&added_after={after}")
    assert found == newest and all(len(p["objects"]) == 100 for p in pages[:-1])


def test_empty_answer(hub, spare):
    status, head, body = raw(hub, "GET", path_of(hub, spare), auth())
    assert status == 200 and head["Content-Type"] == MEDIA
    e = json.loads(body)
    assert not e.get("more") and not e.get("objects") and "next" not in e
    assert "X-TAXII-Date-Added-Last" not in head


# --- compression


@pytest.mark.parametrize("accept", ["gzip", "gzip, deflate", "gzip, compress, deflate, br", "deflate, gzip;q=0.5"])
def test_gzip_answers(hub, newest, accept):
    path = path_of(hub, "intel") + "?limit=1000"
    _, _, plain = raw(hub, "GET", path, auth())
    status, head, packed = raw(hub, "GET", path, auth(**{"Accept-Encoding": accept}))
    assert status == 200 and head["Content-Encoding"] == "gzip" and "accept-encoding" in head["Vary"].lower()
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3


@pytest.mark.parametrize("accept", ["identity", "br", "gzip;q=0", None])
def test_plain_answers(hub, accept):
    headers = auth(**({"Accept-Encoding": accept} if accept else {}))
    _, head, body = raw(hub, "GET", path_of(hub, "intel") + "?limit=100", headers)
    assert "Content-Encoding" not in head and len(corpus.texts(body)) == 100


def test_gzip_of_filtered_pages(hub):
    path = path_of(hub, "intel") + "?match[type]=tool&limit=30"
    _, _, plain = raw(hub, "GET", path, auth())
    _, head, packed = raw(hub, "GET", path, auth(**{"Accept-Encoding": "gzip"}))
    assert (gzip.decompress(packed) if head.get("Content-Encoding") == "gzip" else packed) == plain


def test_gzip_posts(hub, spare):
    texts = [corpus.indicator(n) for n in range(20)]
    body = gzip.compress(corpus.envelope(texts))
    status, _, answer = raw(hub, "POST", path_of(hub, spare), auth(**{"Content-Type": MEDIA, "Content-Encoding": "gzip"}), body)
    assert status == 202, answer
    assert corpus.texts(raw(hub, "GET", path_of(hub, spare), auth())[2]) == texts


def test_broken_gzip_posts_are_refused(hub, spare):
    good = gzip.compress(corpus.envelope([corpus.indicator(1)]))
    for body in (good[:-6], b"not gzip at all", good[:30] + b"\0\0\0" + good[33:]):
        status, _, answer = raw(hub, "POST", path_of(hub, spare), auth(**{"Content-Type": MEDIA, "Content-Encoding": "gzip"}), body)
        assert status in (400, 422) and json.loads(answer)["title"]
    assert not json.loads(raw(hub, "GET", path_of(hub, spare), auth())[2]).get("objects")


# --- other


def test_too_large_is_413(hub, spare):
    root = json.loads(raw(hub, "GET", "/hub/", auth())[2])
    size = root["max_content_length"] + 1
    c = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    c.putrequest("POST", path_of(hub, spare))
    for k, v in auth(**{"Content-Type": MEDIA, "Content-Length": str(size)}).items():
        c.putheader(k, v)
    c.endheaders()
    try:
        for _ in range(0, size, 1 << 20):
            c.send(b" " * (1 << 20))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has answered and closed
    r = c.getresponse()
    assert r.status == 413 and json.loads(r.read())["http_status"] == "413"


def test_methods_and_unknown_paths(hub):
    for method, path, want in (("PUT", path_of(hub, "intel"), 405), ("DELETE", "/taxii2/", 405), ("GET", "/nothing/here/at/all/", 404), ("POST", "/hub/collections/", 405)):
        status, head, body = raw(hub, method, path, auth(**{"Content-Type": MEDIA}), b"" if method != "GET" else None)
        assert status == want, (method, path, status)
        assert json.loads(body)["http_status"] == str(want) and head["Content-Type"] == MEDIA


def test_head(hub):
    status, head, body = raw(hub, "HEAD", "/taxii2/", auth())
    assert status in (200, 405) and body == b""
