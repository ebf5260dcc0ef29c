"""Cases whose moment is a line of the run's log, or a time before the first line: the run is killed there with -9, and the
same command again must bring about what was asked."""

import collections
import os
import random
import signal
import subprocess
import time

from follow import PATIENCE, Run
from lease import LASTS, Watch, judged, uptime
from world import UNPROVED, Wrong, run

# Kills before a soak is done, and the least of each group.
GOAL, LEAST = 50, 10
GROUPS = ("upgrade and rollback", "scale out", "scale in", "rotate and renew")
PHASES = ("planning", "before a step", "in a step", "after a step")
# Of so many kills one comes before the first line of the log.
EARLY = 6


class Killed(Run):
    """A run that is killed after so many lines of its log, or after a time."""

    def __init__(self, world, command, out):
        self.began = time.monotonic()
        self.first = self.took = None
        super().__init__(world, command, out)

    def lines(self):
        count = len(self.events())
        if count and self.first is None:
            self.first = time.monotonic() - self.began
        return count

    def until(self, lines, later):
        """Waits for that moment. False when the run ended before."""
        while self.lines() < lines:
            if self.ended():
                return False
            if time.monotonic() - self.began > PATIENCE:
                raise Wrong("the run does not get there and does not end")
            time.sleep(0.01)
        try:
            self.process.wait(later)
            return False
        except subprocess.TimeoutExpired:
            return True

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait(self):
        while not self.ended():
            self.lines()
            if time.monotonic() - self.began > PATIENCE:
                self.kill()
                raise Wrong(f"the run did not end within {PATIENCE} s")
            time.sleep(0.05)
        self.lines()
        self.took = time.monotonic() - self.began
        return self.process.returncode

    def hit(self):
        """Where the kill struck: the phase, and the step."""
        events = self.events()
        steps = [event for event in events if event["event"].startswith("step-")]
        if not events:
            return "planning", "no line of the log"
        if not steps:
            return "before a step", f"line {len(events)} of the log"
        over = collections.Counter((it["host"], it["step"]) for it in steps if it["event"] != "step-started")
        for it in reversed(steps):
            key = it["host"], it["step"]
            if it["event"] == "step-started" and not over[key]:
                return "in a step", f"`{it['step']}` on {it['host']}, line {len(events)}"
            over[key] -= it["event"] == "step-started"
        return "after a step", f"`{steps[-1]['step']}` on {steps[-1]['host']}, line {len(events)}"


class ByEvents:
    """The cases of the stack that changes."""

    def __init__(self, soak, world):
        self.soak, self.state, self.world = soak, soak.state, world
        # What whole runs are like, by deed: lines of the log, seconds to the first, seconds in all. And every case.
        self.usual = self.state.setdefault("usual", {})
        self.cases = self.state.setdefault("cases", [])

    def kills(self, group=None):
        return sum(1 for case in self.cases if case["phase"] and group in (None, case["group"]))

    def is_done(self):
        return self.kills() >= GOAL and all(self.kills(group) >= LEAST for group in GROUPS)

    def prepare(self):
        self.world.prepare(self.state.get("pending"))

    def choose(self, dice):
        done = collections.Counter(case["deed"] for case in self.cases if case["phase"])
        deeds = self.world.deeds(done, dice)
        wanted = [max(0.5, LEAST + 2 - self.kills(deed.group)) / sum(it.group == deed.group for it in deeds) for deed in deeds]
        return dice.choices(deeds, wanted)[0]

    def moment(self, deed, dice):
        """After which line, and how long after it; none when nobody knows yet what a whole run is like."""
        usual = self.usual.get(deed.name)
        if usual is None:
            return None
        if dice.randrange(EARLY) == 0:
            return 0, dice.uniform(0.05, usual["first"])
        return dice.randint(1, usual["lines"]), dice.choice([0, dice.uniform(0, 3)])

    def case(self, number):
        dice = random.Random(f"{self.soak.seed} {number}")
        deed = self.choose(dice)
        moment = self.moment(deed, dice)
        what = f"{self.world.name}: {deed.name} ({' '.join(deed.command)})"
        kept = {"case": number, "deed": deed.name, "group": deed.group, "phase": None}
        out = open(self.soak.folder / f"case-{number}.log", "w+")
        try:
            before = {name: self.world.secret(name) for name in deed.secrets}
            what += self.struck(deed, moment, kept, out)
            self.settle(deed, before, out)
            if deed.name == "upgrade to the end":
                self.world.anew()
            self.state["pending"] = None
            self.soak.tell(f"case {number} ok: {what}")
            out.close()
            os.unlink(out.name)
        except (Wrong, subprocess.TimeoutExpired) as wrong:
            self.state["wrong"].append({"case": number, "what": what, "wrong": str(wrong)})
            self.soak.tell(f"case {number} WRONG: {what}: {wrong}   see {out.name}")
            kept["wrong"] = True
            if self.soak.stays:
                return
            self.world.rebuilt()
            self.state["pending"] = None
        finally:
            out.close()
            self.cases.append(kept)

    def struck(self, deed, moment, kept, out):
        """The run that is killed, and the next one; what came of both goes into `kept`."""
        command = [*deed.command, "-y"]
        self.state["pending"] = command
        self.soak.keep()
        watch = Watch(self.world, "db1")
        try:
            first = Killed(self.world, command, out)
            if moment is None or not first.until(*moment):
                return self.whole(deed, first, moment)
            first.kill()
            killed = uptime()
            kept["phase"], where = first.hit()
            out.write(f"\n--- killed: {where}\n\n$ imctl {' '.join(command)}\n")
            out.flush()
            began = uptime()
            again = Killed(self.world, command, out)
            code = again.wait()
            kept["code"], kept["seconds"] = code, again.took
        finally:
            seen = watch.end()
        kept["hit"] = where
        told = f", killed {kept['phase']} ({where}); the next run ended {code} in {again.took:.0f} s"
        if code == UNPROVED:
            self.late(out)
        elif code != 0:
            out.seek(0)
            raise Wrong(f"killed {kept['phase']} ({where}), and the next run ended with {code}: {first_failure(out.read())}")
        kept.update(judged(seen, killed, began))
        if kept["beyond"] is not None and kept["beyond"] > LASTS + 1:
            raise Wrong(f"the orphaned lease lasts {kept['beyond']:.0f} s past the kill")
        if kept["age"] is not None:
            told += f"; took the lease over after {kept['taken']:.1f} s, {kept['age']:.1f} s after its last renewal"
        return told

    def whole(self, deed, first, moment):
        """A run that nothing disturbed tells what they are like."""
        code = first.wait()
        if moment is not None:
            self.state["missed"] += 1
        if code not in (0, UNPROVED):
            raise Wrong(f"the undisturbed run ended with {code}")
        if first.lines():
            known = self.usual.get(deed.name, {"lines": 0})
            if moment is None or first.lines() > known["lines"]:
                self.usual[deed.name] = {"lines": first.lines(), "first": first.first, "seconds": first.took}
        return f", whole: {first.lines()} lines of the log, the first after {first.first or 0:.1f} s, {first.took:.0f} s in all"

    def late(self, out):
        """What has just started may need a moment on a busy machine; it is counted."""
        self.state["late"] = self.state.get("late", 0) + 1
        time.sleep(5)
        self.says(["verify"], out)

    def says(self, words, out, fits=None):
        code, said = run(self.world.words(*words))
        out.write(f"\n$ imctl {' '.join(words)}\n{said}")
        out.flush()
        if code == UNPROVED and words == ["verify"] and fits is None:
            self.state["late"] = self.state.get("late", 0) + 1
            time.sleep(5)
            return self.says(words, out, lambda text: True)
        if code != 0 or fits and not fits(said):
            raise Wrong(f"`{' '.join(words)}` ended with {code}: {first_failure(said)}")
        return said

    def settle(self, deed, before, out):
        """What must be so after every case."""
        nothing = lambda text: "0 changes" in text or "Nothing to do" in text
        self.says(deed.again, out, nothing)
        self.says(["verify"], out)
        self.says(["history", "verify"], out)
        self.world.judge(deed, before)

    def table(self):
        killed = [case for case in self.cases if case["phase"]]
        lines = [f"{'deed':20}" + "".join(f"{phase:>15}" for phase in PHASES) + f"{'wrong':>7}{'converged in':>22}"
                 f"{'lease after':>20}{'usual':>8}"]
        for name in sorted({case["deed"] for case in killed}):
            of = [case for case in killed if case["deed"] == name]
            hits = [sum(case["phase"] == phase for case in of) for phase in PHASES]
            usual = self.usual.get(name, {}).get("first")
            lines.append(f"{name:20}" + "".join(f"{hit or '-':>15}" for hit in hits)
                         + f"{sum('wrong' in case for case in of) or '-':>7}" + spread(of, "seconds") + spread(of, "taken")[2:]
                         + (f"{usual:6.1f} s" if usual else f"{'-':>8}"))
        groups = ", ".join(f"{group} {self.kills(group)}" for group in GROUPS)
        ages = [case["age"] for case in killed if case.get("age") is not None]
        lines.append(f"{self.world.name}: {self.kills()} kills with -9 ({groups})")
        lines.append(f"{sum(1 for case in killed if case.get('orphan'))} left a lease behind; {len(ages)} times it was taken over"
                     + (f", {max(ages):.1f} s after its last renewal at the latest" if ages else ""))
        return lines


def spread(cases, what):
    """Mean and worst of an amount."""
    all_of = [case[what] for case in cases if case.get(what) is not None]
    return f"{sum(all_of) / len(all_of):10.1f} s, {max(all_of):6.1f} s" if all_of else f"{'-':>22}"


def first_failure(text):
    last = [line for line in text.strip().splitlines() if "Failed" in line or "Error" in line]
    return last[0] if last else "\n".join(text.strip().splitlines()[-3:])
