"""Checks a text of metrics as promtool does (exposition format 0.0.4): read from standard input. Each family has its help and type before
its series, no series comes twice, counters end in _total, histograms are cumulative and whole."""
import re
import sys

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
types, helps, seen, buckets, text = {}, set(), set(), [], sys.stdin.read()
assert text.endswith("\n") and text.strip(), "no text"
for line in text.splitlines():
    if line.startswith("# HELP "):
        name = line.split(" ", 3)[2]
        assert name not in helps, "second help of " + name
        assert line.endswith("."), line
        helps.add(name)
        continue
    if line.startswith("# TYPE "):
        _, _, name, kind = line.split(" ")
        assert name in helps and name not in types, line
        assert (kind == "counter") == name.endswith("_total"), line
        types[name] = kind
        continue
    match = SAMPLE.match(line)
    assert match, "not a sample: " + line
    name, labels, value = match.groups()
    float(value)
    base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in types else name
    assert base in types, "no type of " + name
    assert (name, labels) not in seen, "twice: " + line
    seen.add((name, labels))
    if name.endswith("_bucket"):
        buckets.append(float(value))
assert buckets == sorted(buckets) and buckets, "buckets fall"
for wanted in sys.argv[1:]:
    assert wanted in types, "missing: " + wanted
print(len(seen), "series")
