"""python3 -m unittest, in this folder. Needs PyJWT 2.6 or newer with cryptography."""

import http.server
import json
import os
import threading
import unittest
import wsgiref.util

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance import verdicts
from holdfast_tokens import KeySet, KeysUnavailable, Refused, RemoteKeys, Verifier, require_access

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "corpus", "access-tokens.json")
NOW = 1_800_000_000
INVALID = 'Bearer error="invalid_token", error_description='
PRIVATE = Ed25519PrivateKey.generate()
CLAIMS = {
    "iss": "https://auth.example",
    "aud": "orders",
    "sub": "ada",
    "client_id": "holdfast",
    "jti": "t1",
    "sid": "A" * 43,
    "iat": NOW,
    "exp": NOW + 90,
    "auth_time": NOW - 60,
    "acr": "mfa",
    "gen": 5,
}


def jwks(kid="k1"):
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(PRIVATE.public_key()))
    return {"keys": [{**public, "kid": kid, "alg": "EdDSA", "use": "sig"}]}


def token(**changed):
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return jwt.encode(claims, PRIVATE, "EdDSA", headers={"kid": "k1", "typ": "at+jwt"})


def verifier(keys=None):
    return Verifier("https://auth.example", "orders", keys or KeySet(jwks()), now=lambda: NOW)


class Published:
    """A key set behind real HTTP."""

    def __init__(self):
        self.status, self.body, self.fetches = 200, json.dumps(jwks()).encode(), 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.fetches += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Corpus(unittest.TestCase):
    def test_every_verdict(self):
        for verdict, case in verdicts(CORPUS):
            with self.subTest(case["name"]):
                self.assertEqual(verdict, case["verdict"], case["reason"])


class Requirements(unittest.TestCase):
    def code(self, made, **requirements):
        try:
            verifier().verify(made, **requirements)
            return None
        except Refused as refused:
            return refused.code

    def test_sensitive(self):
        self.assertIsNone(self.code(token(sensitivity="sensitive"), sensitive=True))
        self.assertEqual(self.code(token(), sensitive=True), "step_up_required")
        self.assertEqual(
            self.code(token(sensitivity="normal"), sensitive=True), "step_up_required"
        )

    def test_acr(self):
        self.assertIsNone(self.code(token(), acr="mfa"))
        self.assertEqual(self.code(token(), acr="hardware"), "step_up_required")
        self.assertEqual(self.code(token(acr=None), acr="mfa"), "step_up_required")

    def test_age(self):
        self.assertIsNone(self.code(token(), max_age=60))
        self.assertEqual(self.code(token(), max_age=59), "step_up_required")
        self.assertEqual(self.code(token(auth_time=None), max_age=3600), "step_up_required")

    def test_expiry_has_a_code_of_its_own(self):
        self.assertEqual(self.code(token(exp=NOW - 5)), "access_token_expired")
        self.assertIsNone(self.code(token(exp=NOW - 4)))

    def test_what_is_no_text_is_no_token(self):
        for value in (None, 7, token().encode(), [token()]):
            self.assertEqual(self.code(value), "access_token_invalid")

    def test_a_verifier_without_audience_is_a_mistake_and_not_an_open_door(self):
        with self.assertRaises(ValueError):
            Verifier("https://auth.example", "", KeySet(jwks()))
        with self.assertRaises(ValueError):
            Verifier("https://auth.example", "orders", KeySet(jwks()), skew=60)


class Remote(unittest.TestCase):
    def setUp(self):
        self.published = Published()
        self.addCleanup(self.published.close)
        self.time = 1000.0
        self.keys = RemoteKeys(self.published.url, now=lambda: self.time)

    def flood(self):
        found = []

        def ask(number):
            found.append(self.keys.find(f"unknown-{number}"))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [None] * 200)

    def test_a_flood_of_unknown_keys_costs_one_fetch_a_cooldown(self):
        for fetches in (1, 2, 3):
            self.flood()
            self.assertEqual(self.published.fetches, fetches)
            self.time += 29
            self.flood()
            self.assertEqual(self.published.fetches, fetches)
            self.time += 1

    def test_a_new_key_is_found_at_its_first_token_and_a_withdrawn_one_is_not(self):
        self.assertIsNotNone(self.keys.find("k1"))
        self.published.body = json.dumps(jwks("k2")).encode()
        self.time += 31
        self.assertIsNotNone(self.keys.find("k2"))
        self.assertIsNone(self.keys.find("k1"))

    def test_the_last_good_set_outlives_whatever_comes_in_its_place(self):
        bodies = [b"<html>", b'{"keys":[]}', b"[]", b"[" * 200_000]
        answers = [(500, b""), (302, b""), *((200, body) for body in bodies)]
        answers.append((200, json.dumps({"keys": ["x" * 2**20]}).encode()))
        answers.append((200, json.dumps({"keys": jwks()["keys"] * 2}).encode()))
        for status, body in answers:
            with self.subTest(f"{status} {body[:20]}"):
                self.published.status, self.published.body = 200, json.dumps(jwks()).encode()
                keys = RemoteKeys(self.published.url, now=lambda: self.time)
                self.assertIsNotNone(keys.find("k1"))
                self.published.status, self.published.body = status, body
                before = self.published.fetches
                self.time += 360
                self.assertIsNotNone(keys.find("k1"))
                self.assertIsNone(keys.find("k2"))
                self.assertEqual(self.published.fetches, before + 1)
                self.time += 86400
                with self.assertRaises(KeysUnavailable):
                    keys.find("k1")

    def test_without_a_key_set_nobody_knows_and_nobody_is_refused(self):
        self.published.status = 503
        for _ in range(3):
            with self.assertRaises(KeysUnavailable):
                verifier(self.keys).verify(token())
        self.assertEqual(self.published.fetches, 1)
        # A service may start before its authority: it need not wait for a whole cool-down.
        self.published.status = 200
        self.time += 1
        self.assertEqual(verifier(self.keys).verify(token())["sub"], "ada")


class Wsgi(unittest.TestCase):
    def ask(self, authorization, keys=None, **requirements):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [environ["holdfast.claims"]["sub"].encode()]

        environ = {"HTTP_X_USER_ID": "eve"}
        wsgiref.util.setup_testing_defaults(environ)
        if authorization is not None:
            environ["HTTP_AUTHORIZATION"] = authorization
        answer = {}

        def start_response(status, headers):
            answer.update(status=status, headers=dict(headers))

        guarded = require_access(app, verifier(keys), **requirements)
        answer["body"] = b"".join(guarded(environ, start_response))
        return answer

    def test_a_good_token_passes_with_its_claims(self):
        self.assertEqual(self.ask(f"bearer {token()}")["body"], b"ada")

    def test_others_are_answered_as_rfc_6750_has_it(self):
        good = token()
        for authorization, requirements, code, challenge in (
            (None, {}, "token_missing", "Bearer"),
            ("Basic YTpi", {}, "token_missing", "Bearer"),
            ("Bearer ", {}, "token_missing", "Bearer"),
            (
                f"Bearer {good},Bearer {good}",
                {},
                "access_token_invalid",
                INVALID + '"access_token_invalid"',
            ),
            (
                f"Bearer {token(exp=1)}",
                {},
                "access_token_expired",
                INVALID + '"access_token_expired"',
            ),
            (
                f"Bearer {good}",
                {"acr": "hw", "max_age": 300},
                "step_up_required",
                'Bearer error="insufficient_user_authentication", '
                'error_description="step_up_required", acr_values="hw", max_age="300"',
            ),
        ):
            with self.subTest(code):
                answer = self.ask(authorization, **requirements)
                self.assertEqual(answer["status"], "401 Unauthorized")
                self.assertEqual(answer["headers"]["WWW-Authenticate"], challenge)
                self.assertEqual(json.loads(answer["body"])["code"], code)

    def test_no_keys_to_be_had_is_503_and_no_challenge(self):
        answer = self.ask(f"Bearer {token()}", keys=RemoteKeys("http://127.0.0.1:1/"))
        self.assertEqual(answer["status"], "503 Service Unavailable")
        self.assertNotIn("WWW-Authenticate", answer["headers"])


if __name__ == "__main__":
    unittest.main()
