"""A run of imctl, followed by its own log."""

import json
import subprocess
import time

from world import PATIENCE, Wrong

PHASES = ("before", "during", "after")


def kind_of(step):
    """The kind of a step, from its line in the plan: `+ file /etc/motd 3 lines`."""
    sign, word, *rest = step.split(" ")
    if sign == "^":
        return "reload" if rest[-1] == "reloads" else "restart"
    if sign == "-":
        return "remove"
    return {"packages": "package"}.get(word, word)


class Run:
    """One imctl command that is followed, and disturbed at a moment."""

    def __init__(self, world, command, out):
        self.known = world.runs()
        self.world, self.log, self.seen = world, None, []
        self.process = subprocess.Popen([str(word) for word in world.words(*command)], stdout=out, stderr=out,
                                        stdin=subprocess.DEVNULL)

    def ended(self):
        return self.process.poll() is not None

    def events(self):
        """Everything the run wrote until now."""
        if self.log is None:
            for folder in self.world.runs() - self.known:
                self.log = folder / "events.jsonl"
        if self.log is None or not self.log.exists():
            return []
        whole = self.log.read_text(errors="replace").rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole]

    def reach(self, kind, phase, nth, dice):
        """Waits for the nth step of a kind to begin or to end. False when the run ended first."""
        word = "step-done" if phase == "after" else "step-started"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            over = self.ended()
            hits = [event for event in self.events() if event["event"] == word and kind_of(event["step"]) == kind]
            if len(hits) > nth or (over and hits):
                self.target = hits[min(nth, len(hits) - 1)]
                if phase == "during":
                    time.sleep(dice.uniform(0.01, 3.0 if kind == "package" else 0.3))
                return not over
            if over:
                return False
            time.sleep(0.002)
        raise Wrong("the run does not get there and does not end")

    def phase(self):
        """What was really hit: a step may have ended while we were about to strike."""
        step, host = self.target["step"], self.target["host"]
        done = any(event["event"] == "step-done" and event["step"] == step and event["host"] == host
                   for event in self.events())
        return "after" if done else None

    def wait(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong(f"the run did not end within {PATIENCE} s") from None
