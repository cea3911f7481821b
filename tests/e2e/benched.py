"""What tests of the harness have in common: they run flowgate-bench, and look at what it writes."""
import json
import os
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not there")
    sys.exit(77)

QUIET = ("--other-load", "100", "--no-acl", "--rounds", "3")


def fail(what):
    print(what)
    sys.exit(1)


def run(program, *words, exits=(0,), env=None):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, env=env)
    if done.returncode not in exits:
        fail(f"{' '.join(words)}: exits with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def result(program, *words, exits=(0,), env=None, quiet=QUIET):
    return [json.loads(line) for line in run(program, "--json", *quiet, *words, exits=exits, env=env).splitlines()]


def figures(lines):
    return [(one["row"], figure) for one in lines if "row" in one for figure in one["row"]["figures"]]


def schema_of(source):
    with open(os.path.join(source, "docs", "bench-result.schema.json"), encoding="utf-8") as text:
        return jsonschema.Draft7Validator(json.load(text))


def valid(schema, lines):
    for one in lines:
        for error in schema.iter_errors(one):
            fail(f"not of the schema: {error.message}: {json.dumps(one)[:300]}")
    if "run" not in lines[0] or "end" not in lines[-1] or lines[-1]["end"]["rows"] != len(lines) - 2:
        fail(f"no run, or no end, or rows are missing: {lines[-1]}")
