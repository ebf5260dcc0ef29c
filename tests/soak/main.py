#!/usr/bin/env python3
"""Kills imctl, cuts and reboots hosts, at chosen moments, and holds imctl to its word: after each, the next run makes
everything right, another one has nothing to do, `verify` is green and nothing is left behind.

Moments are chosen by events: the run's own log under `.imctl/` is followed. On the stacks `relay` and `full` the deed is done
at a step's event, a moment after it, or after the step's end, so that each kind of step is hit before, while and after it acts.
On `change`, where versions, hosts and secrets change, it is a kill after so many lines of the log, or before the first. What a
case is follows from the seed and its number; what was done is kept, so that an interrupted soak goes on.

  SEED=7                   which run (1)              SECONDS_GIVEN=3600   time for this call (no end before the goals are met)
  STACK=relay|full|change  one stack only (all)       CASES=20             at most so many cases in this call
  STAY=1                   the first case that goes wrong is the last, and everything stays as it is
  IMCTL=FILE               a program that is built    IMCTL_SOAK=DIR       where everything is kept (/var/lib/imctl-soak)
"""

import json
import os
import pathlib
import sys
import time

from change import Change
from full import Full
from moments import ByEvents
from relay import Relay
from steps import BySteps
from world import run


class Soak:
    """The cases of one seed, and what came of them."""

    def __init__(self, imctl, folder, seed):
        self.folder, self.seed, self.file = folder, seed, folder / "state.json"
        self.state = {"next": 1, "kills": {}, "others": {}, "hits": {}, "missed": 0, "wrong": []}
        if self.file.exists():
            self.state = json.loads(self.file.read_text())
        # Whether the first wrong case is the last, so that everything can be looked at as it is.
        self.stays = os.environ.get("STAY") == "1"
        worlds = [(BySteps, Relay), (BySteps, Full), (ByEvents, Change)]
        self.stacks = {world.name: cases(self, world(imctl, folder, seed)) for cases, world in worlds}

    def keep(self):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1))
        new.replace(self.file)

    def tell(self, text):
        line = f"{time.strftime('%F %T')} {text}"
        print(line, flush=True)
        with open(self.folder / "cases.log", "a") as log:
            log.write(line + "\n")

    def table(self, stacks):
        lines = [""]
        for stack in stacks:
            lines += self.stacks[stack].table()
        lines.append(f"{self.state.get('late', 0)} times a check was not green at once and was 5 s later")
        lines.append(f"{self.state['missed']} cases had no such moment; {len(self.state['wrong'])} cases went wrong")
        return "\n".join(lines + [f"case {it['case']}: {it['what']}: {it['wrong']}" for it in self.state["wrong"]])

    def go(self, stacks, seconds, cases):
        until = time.monotonic() + seconds if seconds else None
        known = len(self.state["wrong"])
        for stack in stacks:
            ready = False
            while not self.stacks[stack].is_done() and cases > 0 and (until is None or time.monotonic() < until):
                if not ready:
                    self.stacks[stack].prepare()
                    ready = True
                self.stacks[stack].case(self.state["next"])
                self.state["next"] += 1
                self.keep()
                cases = 0 if self.stays and len(self.state["wrong"]) > known else cases - 1
        self.tell(self.table(stacks))
        return all(self.stacks[stack].is_done() for stack in stacks)


def main():
    if os.geteuid() != 0:
        sys.exit("the soak runs on lab hosts: run it as root")
    seed = int(os.environ.get("SEED", "1"))
    folder = pathlib.Path(os.environ.get("IMCTL_SOAK", "/var/lib/imctl-soak")) / str(seed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    soak = Soak(os.environ["IMCTL"], folder, seed)
    stacks = [os.environ["STACK"]] if os.environ.get("STACK") else list(soak.stacks)
    soak.tell(f"seed {seed}, from case {soak.state['next']}; everything is kept in {folder}")
    done = soak.go(stacks, int(os.environ.get("SECONDS_GIVEN", "0")), int(os.environ.get("CASES", "1000000")))
    if done:
        for stack in stacks:
            world = soak.stacks[stack].world
            run([world.imctl, "lab", "down", "--name", world.lab])
    else:
        print(f"not done yet: SEED={seed} make soak goes on; the lab hosts stay up until then")
    return 1 if soak.state["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
