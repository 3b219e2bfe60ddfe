#!/usr/bin/env python3
"""Counts an access log as load-tests/data/README.md reads it, and as docs/counting.md says it counts.

Independent of the system on purpose: written from those two pages, Python's standard library only,
nothing shared with the Rust but the published list of bots. The end-to-end test compares its JSON
with the API's numbers, to the unit.

    reference_count.py LOG.gz --bots crawler-user-agents.json                 every line, file's times
    reference_count.py LOG.gz --bots LIST --shift-ms N                        an import shifted by N
    reference_count.py LOG.gz --bots LIST --lines FILE --at-ms N              what was played over HTTP

FILE has one line per request that was stored: its number, and `?` behind it when its answer was lost
(it counts, but the player never learnt its click id).
"""

import argparse
import gzip
import hashlib
import ipaddress
import json
import re
import sys
import zlib
from collections import Counter, defaultdict
from datetime import datetime, timezone
from fractions import Fraction

LINE = re.compile(
    r'(?P<address>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] '
    r'"(?P<method>\S+) (?P<target>\S+) HTTP/\S+" (?P<status>\d+) (?P<bytes>\d+|-) '
    r'"(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)
DOWNLOADS = (".pdf", ".gz", ".tgz", ".zip", ".deb", ".rpm", ".jar", ".gem")
ASSETS = (".css", ".js", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".svg", ".woff", ".ttf", ".eot", ".map")
PROGRAMS = ("blog", "projects", "presentations", "articles")
WINDOW_MS = 24 * 3600 * 1000
# What a download pays, in units of 1/10,000 cent: a flat sum, or a share of its amount.
PLANS = {"presentations": 25 * 10_000}
SHARE = Fraction(10, 100)
NOBODY = ""


class Request:
    """One line of the log that is of the format."""

    def __init__(self, number, match):
        self.number = number
        self.address = match["address"]
        when = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z")
        self.time_ms = int(when.timestamp()) * 1000
        self.method = match["method"]
        self.path = match["target"].split("?")[0]
        self.status = int(match["status"])
        self.bytes = 0 if match["bytes"] == "-" else int(match["bytes"])
        self.agent = match["agent"]
        self.segments = [segment for segment in self.path.split("/") if segment]

    def is_conversion(self):
        of_files = self.path.startswith("/files/") and not self.path.endswith("/")
        return self.status in (200, 206) and (self.path.endswith(DOWNLOADS) or of_files)

    def is_click(self):
        return self.method in ("GET", "HEAD") and not self.path.endswith(ASSETS)

    def code(self):
        return re.sub("[^a-z0-9-]", "-", "-".join(self.segments[:2]).lower()) or "home"

    def program(self):
        first = self.segments[0] if self.segments else ""
        return first if first in PROGRAMS else "site"

    def amount_cents(self):
        return max(1, self.bytes // 1024)

    def transaction(self):
        text = f"{self.address}\n{self.agent}\n{self.path}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def visitor(self):
        """Whom the player remembers a click id for."""
        return (self.address, self.agent)

    def visitor_key(self):
        """Whom the system takes for one visitor: the address's prefix and the agent as sent."""
        address = ipaddress.ip_address(self.address)
        prefix = address.packed[:3] if address.version == 4 else address.packed[:6]
        return (prefix, sent(self.agent))


def sent(field):
    """A field as a browser sends it: the log writes `-` for none."""
    return "" if field == "-" else field


def read(path):
    """The log's requests by line number, in order, times never going back; and what was passed over."""
    opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
    requests, passed = [], Counter()
    latest = 0
    with opened as lines:
        for number, line in enumerate(lines, 1):
            request = parse(number, line)
            if request is None:
                passed["broken"] += 1
                continue
            latest = request.time_ms = max(latest, request.time_ms)
            requests.append(request)
    return requests, passed


def parse(number, line):
    try:
        match = LINE.fullmatch(line.decode("utf-8").rstrip())
        if match is None:
            return None
        ipaddress.ip_address(match["address"])
        return Request(number, match)
    except ValueError:
        return None


class Count:
    """Sums under one heading."""

    def __init__(self):
        self.sums = Counter()
        self.invalid = Counter()
        self.refused = Counter()

    def click(self, outcome, reason):
        self.sums["gross"] += 1
        self.sums[outcome] += 1
        if reason:
            self.invalid[reason] += 1

    def conversion(self, reason, amount_minor, commission_units):
        if reason:
            self.sums["refused"] += 1
            self.refused[reason] += 1
            return
        self.sums["conversions"] += 1
        self.sums["amount_minor"] += amount_minor
        self.sums["commission_units"] += commission_units

    def json(self):
        names = ("gross", "unique", "duplicate", "invalid", "conversions", "refused",
                 "amount_minor", "commission_units")
        sums = {name: self.sums[name] for name in names}
        # As shown: half-even to the cent, the sum and not its parts.
        sums["commission_minor"] = round(Fraction(self.sums["commission_units"], 10_000))
        return {**sums, "invalid_by_reason": dict(sorted(self.invalid.items())),
                "refused_by_reason": dict(sorted(self.refused.items()))}


class Counting:
    """The whole count, one request after another."""

    def __init__(self, links, bots):
        self.links = links
        self.bots = bots
        self.total = Count()
        self.by = {name: defaultdict(Count) for name in ("program", "link", "affiliate", "day")}
        self.claims = {}
        self.clicked = {}
        self.transactions = set()

    def headings(self, request, program, code):
        affiliate = str(affiliate_of(code)) if code else NOBODY
        day = datetime.fromtimestamp(request.time_ms / 1000, timezone.utc).date().isoformat()
        keys = {"program": program, "link": code, "affiliate": affiliate, "day": day}
        return [self.total] + [self.by[name][key] for name, key in keys.items()]

    def click(self, request, answered):
        code, program = request.code(), request.program()
        known = code in self.links
        reason = self.invalid(request, known)
        outcome = "invalid" if reason else self.claim(request, program)
        # An orphan belongs to no program, link or affiliate.
        where = (program, code) if known else (NOBODY, NOBODY)
        for count in self.headings(request, *where):
            count.click(outcome, reason)
        if answered:
            self.clicked[request.visitor()] = (code if known else NOBODY, program)

    def invalid(self, request, known):
        """The first reason that applies, in the published order."""
        if not known:
            return "orphan"
        if request.method == "HEAD":
            return "prefetch"
        if self.bots.matches(sent(request.agent)):
            return "bot"
        return None

    def claim(self, request, program):
        """The first of a visitor in a program is unique, and for the next 24 hours the only one."""
        key = (program, request.visitor_key())
        claimed = self.claims.get(key)
        if claimed is not None and request.time_ms - claimed < WINDOW_MS:
            return "duplicate"
        self.claims[key] = request.time_ms
        return "unique"

    def conversion(self, request):
        code, program = self.clicked.get(request.visitor(), (NOBODY, request.program()))
        transaction = (program, request.transaction())
        reason = None
        if not code:
            reason = "unknown_click"
        elif transaction in self.transactions:
            reason = "duplicate_txn"
        else:
            self.transactions.add(transaction)
        amount = request.amount_cents()
        for count in self.headings(request, program, code):
            count.conversion(reason, amount, commission(program, amount))

    def json(self):
        return {"total": self.total.json(),
                **{name: {key: count.json() for key, count in sorted(counts.items())}
                   for name, counts in self.by.items()}}


class Bots:
    """The kept list of robots, each a pattern searched for in the user agent."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.patterns = [re.compile(entry["pattern"]) for entry in json.load(file)]
        self.known = {}

    def matches(self, agent):
        """Who sends no user agent is no browser either."""
        if agent not in self.known:
            self.known[agent] = not agent or any(pattern.search(agent) for pattern in self.patterns)
        return self.known[agent]


def affiliate_of(code):
    return zlib.crc32(code.encode()) % 12


def commission(program, amount_minor):
    """Units of 1/10,000 cent."""
    share = SHARE * amount_minor * 10_000
    return PLANS.get(program, round(share))


def stored(path):
    """Line numbers that were stored, each with whether its answer arrived."""
    lines = {}
    with open(path, encoding="utf-8") as file:
        for text in file:
            number, *lost = text.split()
            lines[int(number)] = not lost
    return lines


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("log")
    options.add_argument("--bots", required=True, help="the project's crawler-user-agents.json")
    options.add_argument("--lines", help="count these lines only")
    options.add_argument("--shift-ms", type=int, default=0, help="add this to every time")
    options.add_argument("--at-ms", type=int, help="all happened at this time")
    options = options.parse_args()

    requests, passed = read(options.log)
    clicks = Counter(request.code() for request in requests
                     if not request.is_conversion() and request.is_click())
    links = {code for code, count in clicks.items() if count >= 20}
    answered = stored(options.lines) if options.lines else None
    counting = Counting(links, Bots(options.bots))
    for request in requests:
        if not request.is_conversion() and not request.is_click():
            passed["other"] += 1
            continue
        if answered is not None and request.number not in answered:
            continue
        request.time_ms += options.shift_ms
        if options.at_ms is not None:
            request.time_ms = options.at_ms
        if request.is_conversion():
            counting.conversion(request)
        else:
            counting.click(request, answered is None or answered[request.number])
    result = {"passed_over": dict(passed), "links": sorted(links), **counting.json()}
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
