"""STIX text for the tests: objects as strings, so that a changed byte shows."""

import json
import uuid

SPACE = uuid.UUID("6f0e3c52-4c55-4d0b-8a4c-1f1d7a03b1f3")


def indicator(n, version=0, extra="", when="2026-03-01T10:%02d:%02d.%s"):
    """The n-th indicator as text with white space, member order and number
    forms that a JSON library would not keep."""
    ident = f"indicator--{uuid.uuid5(SPACE, str(n))}"
    ident = ident[:25] + "4" + ident[26:]
    fraction = "000Z" if version == 0 else f"{version:03d}456Z"
    modified = when % (n // 60 % 60, n % 60, fraction)
    created = when % (n // 60 % 60, n % 60, "000Z")
    return (
        '{ "spec_version":"2.1",  "type": "indicator", "id":"%s",\n'
        '  "created":"%s","modified":"%s","x_weight":1.50e+02,"x_big":12345678901234567890,'
        '"name":"Caf\\u00e9 \u2014 <b>&amp;</b> \U0001f41d %d","pattern_type":"stix",'
        "\"pattern\":\"[file:name = 'a\\\\\\\\b\\/c']\",\"valid_from\":\"2026-03-01T00:00:00Z\"%s }"
        % (ident, created, modified, n, extra)
    )


def sco(n):
    """An object without created and modified."""
    ident = uuid.uuid5(uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7"), json.dumps({"value": f"198.51.100.{n}"}))
    return '{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--%s","value":"198.51.100.%d"}' % (ident, n)


def stix20(n):
    """An object of STIX 2.0, which names no spec_version."""
    ident = uuid.uuid5(SPACE, f"tool {n}")
    return (
        '{"type":"tool","id":"tool--%s","created":"2017-05-31T21:32:%02d.000Z","modified":"2018-10-17T00:14:20.652Z",'
        '"name":"Tool %d","labels":["tool"]}' % (str(ident)[:14] + "4" + str(ident)[15:], n % 60, n)
    )


def marking():
    return (
        '{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",'
        '"created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:AMBER","definition":{"tlp":"amber"}}'
    )


def envelope(texts):
    return ('{"objects":[' + ",".join(texts) + "]}").encode()


def bundle(texts):
    ident = uuid.uuid4()
    return ('{"type":"bundle","id":"bundle--%s","objects":[%s]}' % (ident, ",".join(texts))).encode()


def texts(body):
    """The objects of an envelope as they stand in it, found without the help of
    the server: positions from json's decoder, text from the body."""
    text = body.decode("utf-8")
    decode = json.JSONDecoder().raw_decode
    skip = lambda i: next(k for k in range(i, len(text)) if text[k] not in " \t\r\n")
    i = skip(0)
    assert text[i] == "{"
    found = []
    i = skip(i + 1)
    while text[i] != "}":
        name, i = decode(text, i)
        i = skip(i)
        assert text[i] == ":"
        i = skip(i + 1)
        if name == "objects":
            assert text[i] == "["
            i = skip(i + 1)
            while text[i] != "]":
                _, end = decode(text, i)
                found.append(text[i:end])
                i = skip(end)
                if text[i] == ",":
                    i = skip(i + 1)
            i += 1
        else:
            _, i = decode(text, i)
        i = skip(i)
        if text[i] == ",":
            i = skip(i + 1)
    return found


def ident(text):
    return json.loads(text)["id"]
