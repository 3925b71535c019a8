"""Starts the real binary for the tests: one `entente serve` on loopback, with a
configuration, accounts and a data file of its own."""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

import argon2
import requests

ENTENTE = os.environ.get("ENTENTE") or shutil.which("entente")
MEDIA = "application/taxii+json;version=2.1"

ACCOUNTS = {  # name: (password, right)
    "analyst": ("analyst", "readwrite"),
    "reader": ("reader", "read"),
    "feeder": ("feeder", "write"),
    "umlaut": ("pässwört", "readwrite"),  # fits Latin-1
    "kirill": ("пароль", "readwrite"),  # does not
    "nobody": ("nobody", None),
    "sixgill": ("sixgill", "read"),
    "elastic": ("elastic", "read"),
    "ascii": ("ascii", "read"),
}
SETTINGS = {"sixgill": "no_dates_on_empty", "elastic": "empty_objects_list", "ascii": "escape_non_ascii"}
TOKEN = "t0ken-of-the-analyst-which-is-long-enough"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Hub:
    """A server in a folder. Collections: intel, then as many as asked for."""

    def __init__(self, folder, spare=100):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = self.url + "/hub/"
        self.names = ["intel", "sightings"] + [f"spare-{i}" for i in range(spare)]
        self.ids = {name: str(uuid.uuid4()) for name in self.names}
        self.free = [n for n in self.names if n.startswith("spare-")]
        self.process = None
        self.config = self.folder / "entente.yaml"
        self.config.write_text(self._config())
        accounts = self.folder / "accounts.yaml"
        accounts.write_text(self._accounts(), encoding="utf-8")
        accounts.chmod(0o600)

    def _config(self):
        lines = [
            f"public_url: {self.url}",
            f"listen: 127.0.0.1:{self.port}",
            "store: {path: data/entente.db}",
            "accounts: accounts.yaml",
            "discovery: {title: Client tests, description: A server for clients, contact: nobody@example.org}",
            "api_roots:",
            "  - path: hub",
            "    title: Hub",
            "    collections:",
        ]
        for name in self.names:
            lines.append(f"      - {{id: {self.ids[name]}, alias: {name}, title: The {name} collection}}")
        return "\n".join(lines) + "\n"

    def _accounts(self):
        hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        lines = ["accounts:"]
        for name, (password, right) in ACCOUNTS.items():
            lines += [f"  - name: {name}", f"    password: {hasher.hash(password.encode())}"]
            if name == "analyst":
                lines.append(f"    tokens: ['sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}']")
            if name in SETTINGS:
                lines.append(f"    {SETTINGS[name]}: true")
            if right:
                lines.append("    collections: {" + ", ".join(f"{n}: {right}" for n in self.names) + "}")
        return "\n".join(lines) + "\n"

    def command(self, *args, ok=(0,)):
        """Runs a subcommand to its end and returns what it printed."""
        done = subprocess.run([ENTENTE, *args], capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
        assert done.returncode in ok, (args, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def start(self):
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [ENTENTE, "serve", "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.wait(self.url + "/taxii2/")
        return self

    def wait(self, url, **kwargs):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                requests.get(url, timeout=5, **kwargs)
                return
            except requests.exceptions.ConnectionError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer:\n" + self.said())

    def said(self):
        return (self.folder / "server.log").read_text(errors="replace")[-3000:]

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            code = self.process.wait(60)
            assert how != signal.SIGTERM or code == 0, (code, self.said())
        self.log.close()

    def spare(self):
        """The name of a collection that no test has used."""
        return self.free.pop()

    def collection(self, name):
        return f"{self.root}collections/{self.ids[name]}/"

    def objects(self, name):
        return self.collection(name) + "objects/"
