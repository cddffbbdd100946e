# Verifies DKIM signatures. Standard input: {"messages": [base64], "records": {name: text}}.
# Standard output: for each message, for each of its signatures, {good, selector, why}.
import base64
import json
import re
import sys

import dkim

given = json.load(sys.stdin)


def dns(name, timeout=5):
    text = given["records"].get(name.decode().rstrip("."))
    return text.encode() if text is not None else None


results = []
for message in given["messages"]:
    found = []
    verifier = dkim.DKIM(base64.b64decode(message))
    fields = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    for n, field in enumerate(fields):
        selector = re.search(rb"[;\s]s=([^;\s]+)", field).group(1).decode()
        try:
            good, why = verifier.verify(idx=n, dnsfunc=dns), ""
        except dkim.DKIMException as e:
            good, why = False, str(e)
        found.append({"good": good, "selector": selector, "why": why})
    results.append(found)
json.dump(results, sys.stdout)
