"""Writes docs/side-by-side.md: every pair of the corpus through `cdk diff` and through `beanpole diff`.

    python3 internal/templatediff/testdata/side_by_side.py BEANPOLE

It needs the CDK CLI that package.json pins (make setup) and PyYAML.
"""

import html
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
CDK = os.path.join(ROOT, "node_modules/.bin/cdk")
LINES = 45


class Loader(yaml.SafeLoader):
    pass


def tagged(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    else:
        value = loader.construct_sequence(node, deep=True)
    return {suffix if suffix == "Ref" else "Fn::" + suffix: value}


Loader.add_multi_constructor("!", tagged)


def load(path):
    with open(path) as f:
        return yaml.load(f, Loader)


def side(pair, name):
    for ending in ("", ".json", ".yaml"):
        path = os.path.join(HERE, "corpus", pair, name + ending)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(pair + "/" + name)


def stacks(path):
    """The templates of one side, by stack."""
    if not os.path.isdir(path):
        return {"stack": load(path)}
    with open(os.path.join(path, "manifest.json")) as f:
        artifacts = json.load(f)["artifacts"]
    return {
        name: load(os.path.join(path, a["properties"]["templateFile"]))
        for name, a in artifacts.items()
        if a["type"] == "aws:cloudformation:stack"
    }


def run(command, cwd):
    environment = {**os.environ, "PATH": os.path.dirname(CDK) + os.pathsep + os.environ["PATH"], "NO_COLOR": "1", "CI": "true", "CDK_DISABLE_CLI_TELEMETRY": "true"}
    done = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), done.returncode


def cdk_diff(base, head):
    output, code = [], 0
    with tempfile.TemporaryDirectory() as directory:
        before, after = stacks(base), stacks(head)
        manifest = {"version": "38.0.0", "artifacts": {}}
        for name, template in after.items():
            with open(os.path.join(directory, name + ".template.json"), "w") as f:
                json.dump(template, f)
            manifest["artifacts"][name] = {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/unknown-region",
                "properties": {"templateFile": name + ".template.json", "validateOnSynth": False},
            }
        with open(os.path.join(directory, "manifest.json"), "w") as f:
            json.dump(manifest, f)
        for name in after:
            old = os.path.join(directory, name + ".base.json")
            with open(old, "w") as f:
                json.dump(before.get(name, {}), f)
            text, ended = run([CDK, "diff", "--app", directory, "--template", old, "--fail-on", "destructive", "--no-notices", "--no-version-reporting", name], directory)
            output += [line for line in text.splitlines() if line.strip() and not line.startswith(("NOTICES", "✨", "npm "))]
            code = max(code, ended)
    return output, code


def cell(lines, code):
    shown = lines[:LINES] + ([f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else [])
    return "<td valign=top><pre>" + html.escape("\n".join(shown)) + f"</pre>exit code {code}</td>"


def main():
    beanpole = os.path.abspath(sys.argv[1])
    out = [
        "# The same changes through `cdk diff` and `beanpole diff`",
        "",
        "Each directory of [the corpus](../internal/templatediff/testdata/corpus) is a pair: what runs (`base`), what will run",
        "(`head`), and what must come out (`expect.json`). The templates are written for the test, small, with the resource types,",
        "options and values of the source that each pair names; what changes is the source's own history where it says so, else it is",
        "made up. The left column is `cdk diff --template --fail-on destructive` of the pinned CDK CLI, the right one `beanpole diff`.",
        "Made by [side_by_side.py](../internal/templatediff/testdata/side_by_side.py).",
        "",
    ]
    for pair in sorted(os.listdir(os.path.join(HERE, "corpus"))):
        with open(os.path.join(HERE, "corpus", pair, "expect.json")) as f:
            expectation = json.load(f)
        base, head = side(pair, "base"), side(pair, "head")
        theirs, their_code = cdk_diff(base, head)
        ours, our_code = run([beanpole, "diff", "--base", base, "--head", head], ROOT)
        ours = [line for line in ours.splitlines() if not line.startswith("beanpole: ")]
        print(pair, len(theirs), their_code, our_code, flush=True)
        out += [
            f"## {pair}",
            "",
            f"{expectation['title']}. Source: {expectation['source']}.",
            "",
            "<table><tr><th>cdk diff</th><th>beanpole diff</th></tr><tr>",
            cell(theirs, their_code),
            cell(ours, our_code),
            "</tr></table>",
            "",
        ]
    with open(os.path.join(ROOT, "docs", "side-by-side.md"), "w") as f:
        f.write("\n".join(out))


main()
