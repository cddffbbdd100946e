# Reads feeds as programs on feedparser do. Standard input: [{url, etag, modified}].
# Standard output: for each {status, problem, etag, modified, title, entries: [{id, title, link}]}.
import json
import sys

import feedparser

answers = []
for ask in json.load(sys.stdin):
    feed = feedparser.parse(ask["url"], etag=ask["etag"] or None, modified=ask["modified"] or None)
    answers.append({
        "status": feed.get("status", 0),
        "problem": str(feed.get("bozo_exception", "")) if feed.bozo else "",
        "etag": feed.get("etag", ""),
        "modified": feed.get("modified", ""),
        "title": feed.feed.get("title", ""),
        "entries": [{k: e.get(k, "") for k in ("id", "title", "link")} for e in feed.entries],
    })
json.dump(answers, sys.stdout)
