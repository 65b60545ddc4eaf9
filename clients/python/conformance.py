"""Answers for this client, one line a verdict: the verdicts of all languages can be compared.

python3 conformance.py corpus FILE      every case: "accept<TAB>name" or "reject<TAB>name"
python3 conformance.py flood FILE URL   200 unknown key ids at once, then a valid token
"""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor

from holdfast_tokens import KeySet, Refused, RemoteKeys, Verifier


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def verifier_of(corpus, keys):
    issuer, audience, skew = corpus["issuer"], corpus["audience"], corpus["skewSeconds"]
    return Verifier(issuer, audience, keys, skew, now=lambda: corpus["now"])


def verdict(verifier, token, sensitivity=None):
    try:
        verifier.verify(token, sensitive=sensitivity == "sensitive")
        return "accept"
    except Refused:
        return "reject"


def verdicts(path):
    corpus = read(path)
    verifier = verifier_of(corpus, KeySet(corpus["jwks"]))
    return [
        (verdict(verifier, case["token"], case.get("sensitivity")), case)
        for case in corpus["cases"]
    ]


def flood(path, url):
    corpus = read(path)
    verifier = verifier_of(corpus, RemoteKeys(url))
    valid = corpus["cases"][0]["token"]

    def unknown(number):
        header = json.dumps({"alg": "EdDSA", "kid": f"unknown-{number}", "typ": "at+jwt"})
        head = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
        return verdict(verifier, head + valid[valid.index(".") :])

    with ThreadPoolExecutor(50) as threads:
        refused = list(threads.map(unknown, range(200))).count("reject")
    return refused, verdict(verifier, valid)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "corpus":
        for answer, case in verdicts(sys.argv[2]):
            print(f"{answer}\t{case['name']}")
    elif len(sys.argv) == 4 and sys.argv[1] == "flood":
        refused, answer = flood(*sys.argv[2:])
        print(f"refused\t{refused}\n{answer}")
    else:
        sys.exit(__doc__)
