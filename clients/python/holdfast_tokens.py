"""Verifies the access tokens of a Holdfast authority with PyJWT.

PyJWT checks signatures well; the rest is left to its caller, and this module is
that rest. The key decides the algorithm, never the token; the type is exactly
that of RFC 9068; nothing critical is accepted; spelling, times and claims are
strict; unknown key ids cost at most one fetch a cool-down, and a fetch that
fails leaves the last good keys in place.

    keys = RemoteKeys("https://auth.example/.well-known/jwks.json")
    verifier = Verifier(issuer="https://auth.example", audience="orders", keys=keys)
    claims = verifier.verify(token)  # raises Refused, or KeysUnavailable

There is no revocation feed here: a revoked session ends with its last token,
after at most 120 seconds and the skew.
"""

import http.client
import json
import re
import threading
import time
import urllib.request

import jwt

MAX_TOKEN_LENGTH = 8192
MAX_KEY_SET_BYTES = 256 * 1024
MAX_KEYS = 32
MAX_SKEW = 5
MAX_DEPTH = 32
MAX_EXACT = 2**53 - 1
"""The largest integer that every language reads alike."""

_ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}
_TYPES = ("at+jwt", "application/at+jwt")
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SPELLING = re.compile(r"[A-Za-z0-9_-]+")


class Refused(Exception):
    """The token is not good enough: 401. `code` is for the client, the message for the log."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


class KeysUnavailable(Exception):
    """No keys to verify with: 503. It says nothing about the token."""


class KeySet:
    """Keys of a JWKS that does not change. Those that are not in use here are passed over."""

    def __init__(self, jwks):
        self._keys = usable_keys(jwks)

    def find(self, kid):
        """The (algorithm, key) of a key id, or None."""
        return self._keys.get(kid)


class RemoteKeys:
    """The keys that an authority publishes.

    One fetch at a time, one a cool-down; the last good set is kept for a day.
    """

    def __init__(
        self, url, cooldown=30, max_age=300, last_good=86400, timeout=5, now=time.monotonic
    ):
        self._url, self._timeout, self._now = url, timeout, now
        self._cooldown, self._max_age, self._last_good = cooldown, max_age, last_good
        self._lock = threading.Lock()
        self._keys, self._good, self._tried = None, None, None
        # No redirects: where keys come from is the operator's choice alone.
        self._opener = urllib.request.build_opener(_NoRedirect)

    def find(self, kid):
        """The (algorithm, key) of a key id, or None.

        Raises KeysUnavailable while no set is known.
        """
        keys = self._current()
        if keys is not None and kid in keys and not self._is_due():
            return keys[kid]
        # Whoever holds the lock fetches; with a key in hand nobody else waits for it.
        if self._lock.acquire(blocking=keys is None or kid not in keys):
            try:
                if kid not in (self._current() or {}) or self._is_due():
                    self._renew()
            finally:
                self._lock.release()
        keys = self._current()
        if keys is None:
            raise KeysUnavailable("no key set could be fetched")
        return keys.get(kid)

    def _current(self):
        if self._keys is not None and self._now() - self._good > self._last_good:
            return None
        return self._keys

    def _is_due(self):
        return self._good is None or self._now() - self._good > self._max_age

    def _renew(self):
        now = self._now()
        # Without any set it is a second: a service may start before its authority.
        wait = self._cooldown if self._current() is not None else min(self._cooldown, 1)
        if self._tried is not None and now - self._tried < wait:
            return
        self._tried = now
        try:
            request = urllib.request.Request(self._url, headers={"Accept": "application/json"})
            with self._opener.open(request, timeout=self._timeout) as answer:
                data = answer.read(MAX_KEY_SET_BYTES + 1)
            if answer.status != 200 or len(data) > MAX_KEY_SET_BYTES:
                raise ValueError("not a key set")
            self._keys = usable_keys(json.loads(data))
            self._good = now
        except (OSError, ValueError, RecursionError, http.client.HTTPException):
            # The last good set goes on to serve; without one, find() says so.
            return


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def usable_keys(jwks):
    """Key id -> (algorithm, public key). ValueError when nothing is left."""
    keys = {}
    items = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(items, list) or len(items) > MAX_KEYS:
        raise ValueError("not a key set")
    dicts = [jwk for jwk in items if isinstance(jwk, dict)]
    ids = [jwk["kid"] for jwk in dicts if isinstance(jwk.get("kid"), str)]
    # Nobody could say which of the two is meant.
    if len(set(ids)) < len(ids):
        raise ValueError("the key set has a key id twice")
    for jwk in jwks["keys"]:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or not jwk["kid"]:
            continue
        algorithm = _ALGORITHMS.get((jwk.get("kty"), jwk.get("crv")))
        if algorithm is None or jwk.get("alg") != algorithm or jwk.get("use") != "sig":
            continue
        try:
            # Never what PyJWK would take by itself: it reads shared and private keys too.
            key = jwt.PyJWK({name: jwk[name] for name in jwk if name != "d"}, algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if algorithm == "RS256" and not (
            2048 <= key.key_size <= 4096 and key.public_numbers().e == 65537
        ):
            continue
        keys[jwk["kid"]] = (algorithm, key)
    if not keys:
        raise ValueError("the key set has no usable key")
    return keys


class Verifier:
    """Verifies the access tokens of one issuer for one audience."""

    def __init__(self, issuer, audience, keys, skew=MAX_SKEW, now=time.time):
        if not issuer or not audience or not 0 <= skew <= MAX_SKEW:
            raise ValueError("a verifier needs an issuer, an audience, and a skew of at most 5 s")
        self._issuer, self._audience, self._keys = issuer, audience, keys
        self._skew, self._now = skew, now

    def verify(self, token, acr=None, max_age=None, sensitive=False):
        """The claims of a good token.

        What the route requires: `acr`, `max_age` (seconds), and `sensitive`: that the authority has
        judged the request as one of a sensitive route.
        """
        header = _header_of(token)
        found = self._keys.find(header["kid"])
        if found is None:
            raise _invalid("unknown key")
        algorithm, key = found
        if header["alg"] != algorithm:
            raise _invalid("the algorithm is not the key's")
        try:
            signed = jwt.PyJWS(algorithms=[algorithm])
            payload = signed.decode_complete(token, key, algorithms=[algorithm])["payload"]
        except (jwt.PyJWTError, ValueError) as error:
            raise _invalid("wrong signature") from error
        claims = _claims_of(payload)
        self._check_fit(claims)
        self._check_demands(claims, acr, max_age, sensitive)
        return claims

    # Not by PyJWT: its clock cannot be given, and it reads "exp": "1" and 1.5 as times.
    def _check_fit(self, claims):
        now, skew = int(self._now()), self._skew
        if claims["iss"] != self._issuer:
            raise _invalid("another issuer")
        audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
        if self._audience not in audiences:
            raise _invalid("another audience")
        if any(claims.get(name, 0) > now + skew for name in ("iat", "nbf", "auth_time")):
            raise _invalid("not yet valid")
        if claims["exp"] + skew <= now:
            raise Refused("access_token_expired", "expired")

    def _check_demands(self, claims, acr, max_age, sensitive):
        if acr is not None and claims.get("acr") != acr:
            raise Refused("step_up_required", "another acr")
        # Without auth_time nothing was proved where the token was asked for.
        if max_age is not None and (
            "auth_time" not in claims or self._now() - claims["auth_time"] > max_age
        ):
            raise Refused("step_up_required", "authenticated too long ago")
        if sensitive and claims.get("sensitivity") != "sensitive":
            raise Refused("step_up_required", "the request was not judged as a sensitive one")


def _header_of(token):
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise _invalid("not text, or longer than a token may be")
    parts = token.split(".")
    # Before PyJWT reads it: its base64 decoder skips what is not of the alphabet.
    if len(parts) != 3 or not all(_is_base64url(part) for part in parts):
        raise _invalid("not three parts of base64url")
    header = _object(jwt.utils.base64url_decode(parts[0]), "header")
    # RFC 7515, section 4.1.11: what is not understood refuses the token. PyJWT 2.6 ignores it.
    if "crit" in header or "b64" in header:
        raise _invalid("an extension")
    if not all(isinstance(header.get(name), str) for name in ("alg", "kid", "typ")):
        raise _invalid("alg, kid or typ")
    if header["typ"].lower() not in _TYPES:
        raise _invalid("another kind of token")
    return header


def _is_base64url(part):
    """The one canonical spelling: no padding, no white space, no stray bits in the last letter."""
    if _SPELLING.fullmatch(part) is None or len(part) % 4 == 1:
        return False
    stray = {0: 1, 2: 16, 3: 4}[len(part) % 4]
    return _ALPHABET.index(part[-1]) % stray == 0


def _object(data, what):
    try:
        # As text: from bytes, json guesses the encoding.
        text = data.decode("utf-8")
        if _depth_of(text) > MAX_DEPTH:
            raise _invalid(f"the {what} is nested too deep")
        value = json.loads(text, parse_constant=_no_constant, parse_int=_number)
    except ValueError as error:
        raise _invalid(f"the {what} is not JSON") from error
    if not isinstance(value, dict):
        raise _invalid(f"the {what} is not an object")
    return value


def _depth_of(text):
    """How deep objects and arrays are nested, the outermost one counted."""
    depth = most = at = 0
    quoted = False
    while at < len(text):
        letter = text[at]
        if letter == '"':
            quoted = not quoted
        elif quoted:
            at += letter == "\\"
        elif letter in "{[":
            depth += 1
            most = max(most, depth)
        elif letter in "}]":
            depth -= 1
        at += 1
    return most


def _number(digits):
    """Python refuses to read very long whole numbers; those that count are short."""
    return int(digits) if len(digits) <= 17 else float(digits)


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _claims_of(payload):
    claims = _object(payload, "payload")
    # RFC 7800: whoever takes it as a bearer token lets a thief in whom the binding would stop.
    if "cnf" in claims:
        raise _invalid("cnf binds it to a key, and no proof is checked here")
    texts = ("iss", "sub", "client_id", "sid", "jti")
    checks = [
        *((name, _is_text, True) for name in texts),
        ("aud", lambda value: _is_string(value) or _is_texts(value), True),
        *((name, _is_integer, True) for name in ("exp", "iat", "gen")),
        *((name, _is_integer, False) for name in ("nbf", "auth_time")),
        *((name, _is_string, False) for name in ("acr", "tid", "sensitivity")),
        ("amr", _is_texts, False),
    ]
    for name, fits, required in checks:
        if (required and name not in claims) or (name in claims and not fits(claims[name])):
            raise _invalid(f"{name} is missing or of the wrong type")
    for name in ("exp", "iat", "nbf", "auth_time", "gen"):
        if name in claims:
            claims[name] = int(claims[name])
    if _SESSION_ID.fullmatch(claims["sid"]) is None:
        raise _invalid("sid is no session id")
    return claims


def _is_string(value):
    """Text that every language reads alike: half a pair of surrogates is no letter."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_text(value):
    return _is_string(value) and value != ""


def _is_texts(value):
    return isinstance(value, list) and all(_is_string(item) for item in value)


def _is_integer(value):
    # True is an int in Python. 1.8e9 is a whole number.
    return type(value) in (int, float) and 0 <= value <= MAX_EXACT and value == int(value)


def _invalid(reason):
    return Refused("access_token_invalid", reason)


def require_access(app, verifier, **requirements):
    """WSGI: hands on requests with a good token, and answers the others.

    The claims of a good token are in `holdfast.claims`.
    """

    def guarded(environ, start_response):
        try:
            token = bearer_of(environ.get("HTTP_AUTHORIZATION"))
            environ["holdfast.claims"] = verifier.verify(token, **requirements)
        except Refused as refused:
            challenge = _challenge(refused.code, **requirements)
            return _answer(start_response, "401 Unauthorized", refused.code, challenge)
        except KeysUnavailable:
            return _answer(start_response, "503 Service Unavailable", "keys_unavailable", None)
        return app(environ, start_response)

    return guarded


def bearer_of(authorization):
    """The token of an Authorization header.

    WSGI servers join two headers with a comma, which no token has.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("token_missing", "no bearer token")
    return token


def _challenge(code, acr=None, max_age=None, **_):
    if code == "token_missing":
        return "Bearer"
    if code != "step_up_required":
        return f'Bearer error="invalid_token", error_description="{code}"'
    # RFC 9470, section 3.
    asked = [f'acr_values="{acr}"'] if acr is not None else []
    asked += [f'max_age="{max_age}"'] if max_age is not None else []
    error = 'Bearer error="insufficient_user_authentication", error_description="step_up_required"'
    return ", ".join([error, *asked])


def _answer(start_response, status, code, challenge):
    problem = {
        "type": f"urn:holdfast:code:{code}",
        "title": code.replace("_", " "),
        "status": int(status[:3]),
    }
    body = json.dumps({**problem, "code": code}).encode()
    headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    headers += [("WWW-Authenticate", challenge)] if challenge else [("Retry-After", "1")]
    start_response(status, headers)
    return [body]
