"""Times whole commands, warm, and prints the median of each beside its budget.

Run by `make bench`. With --whole it times `make up` and `make test` too, once each: they take minutes.
"""

import os
import statistics
import subprocess
import sys
import time

RUNS = 7
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def seconds(command, environment):
    began = time.monotonic()
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode:
        sys.exit(f"{' '.join(command)} ended {run.returncode}:\n{run.stdout.decode()}")
    return time.monotonic() - began


def median(command, environment=None, runs=RUNS):
    seconds(command, environment or {})  # warm
    return statistics.median(seconds(command, environment or {}) for _ in range(runs))


def row(what, took, budget):
    print(f"{what:<44} {took:7.2f} s   budget {budget:6.2f} s   {'ok' if took <= budget else 'OVER'}", flush=True)


cdk = os.path.join(ROOT, "node_modules/.bin/cdk")
print(f"medians of {RUNS}, warm, on {os.cpu_count()} cores")
version = median([cdk, "--version"])
print(f"{'cdk --version':<44} {version:7.2f} s")
row("cdk synth, without validation", median([cdk, "synth", "-q"], {"CDK_VALIDATION": "false"}), version + 1.0)
row("cdk synth, with validation", median([cdk, "synth", "-q"]), version + 2.5)
row("beanpole rehearse", median(["beanpole", "rehearse", "-e", "production"]), 1.0)
if "--whole" in sys.argv:
    row("make up", seconds(["make", "up"], {}), 90)
    row("make test", seconds(["make", "test"], {}), 300)
