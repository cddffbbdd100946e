# Validates feeds with a checkout of the W3C feed validator, whose folder is the argument.
# Standard input: [{file, url, type}]. Standard output: for each, what it has to say,
# errors and warnings alike.
import json
import os
import sys

os.environ["LANGUAGE"] = "en"
sys.path.insert(0, os.path.join(sys.argv[1], "src"))
import feedvalidator
from feedvalidator import logging, mediaTypes, xmlEncoding
from feedvalidator.formatter.text_plain import Formatter


def validate(feed):
    events = []
    try:
        with open(feed["file"], "rb") as f:
            raw = f.read()
        media, charset = mediaTypes.checkValid(feed["type"], events)
        mediaTypes.contentSniffing(media, raw, events)
        encoding, text = xmlEncoding.decode(media, charset, raw, events, fallback="utf-8")
        if text is not None:
            v = feedvalidator._validate(text, 0, events, feed["url"], encoding, [feed["url"]], mediaType=media)
            events = v.loggedEvents
            if v.feedType:
                mediaTypes.checkAgainstFeedType(media, v.feedType, events)
            else:
                return ["it is not known as a feed"]
    except logging.ValidationFailure as failure:
        events = [failure.event]
    return [
        "%s: %s %s" % (type(e).__name__, Formatter([e]).format(e), {k: str(v) for k, v in e.params.items() if k in ("element", "parent", "value", "attr")})
        for e in events
        if isinstance(e, (logging.Error, logging.Warning))
    ]


json.dump([validate(feed) for feed in json.load(sys.stdin)], sys.stdout)
