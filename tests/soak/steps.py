"""Cases whose moment is a kind of step: each kind is hit before, while and after it acts."""

import os
import random
import signal
import subprocess
import time

from follow import PHASES, Run, kind_of
from world import UNPROVED, Wrong, run

KINDS = {
    "relay": ["user", "directory", "file", "service", "command", "restart", "reload", "join", "drain", "health", "undrain",
              "gate", "remove"],
    "full": ["package", "sysctl", "firewall", "artifact"],
}
# Kills with -9, and cuts, reboots and stops, before a soak is done.
GOALS = {"relay": (100, 20), "full": (20, 4)}


class BySteps:
    """The cases of one stack."""

    def __init__(self, soak, world):
        self.soak, self.state, self.folder, self.seed = soak, soak.state, soak.folder, soak.seed
        self.world = world

    def prepare(self):
        self.world.prepare()

    def open_cells(self):
        return [(kind, phase) for kind in KINDS[self.world.name] for phase in PHASES
                if f"{kind} {phase}" not in self.state["hits"]]

    def left(self):
        """Kills, other disturbances and cells of the table that are still wanted."""
        kills, others = GOALS[self.world.name]
        return (kills - self.state["kills"].get(self.world.name, 0), others - self.state["others"].get(self.world.name, 0),
                len(self.open_cells()))

    def is_done(self):
        kills, others, cells = self.left()
        # A cell may be out of reach: a reload is over in no time. Twenty tries past the goal are enough.
        return kills <= 0 and others <= 0 and (cells == 0 or kills < -20)

    def choose(self, dice):
        """A situation, a kind of step, a moment, a deed."""
        world = self.world
        situations = world.situations()
        kills, others, _ = self.left()
        deed = "kill -9"
        if others > 0 and (kills <= 0 or dice.random() < others / (others + kills)):
            deed = dice.choice(["cut", "power", "reboot", "stop"])
        cells = [(kind, phase) for kind, phase in self.open_cells()
                 if any(kind in kinds for kinds in situations.values())]
        if deed == "kill -9" and cells:
            kind, phase = dice.choice(cells)
            situation = dice.choice([name for name, kinds in situations.items() if kind in kinds])
        else:
            situation = dice.choice(list(situations))
            kind, phase = dice.choice(situations[situation]), dice.choice(PHASES)
        return situation, kind, phase, deed

    def case(self, number):
        dice = random.Random(f"{self.seed} {number}")
        world = self.world
        situation, kind, phase, deed = self.choose(dice)
        many = situation in ("fresh", "removal", "one host lost", "packages") and kind in ("file", "directory", "remove")
        nth = dice.choice([0, 1, 2, 5] if many else [0])
        what = f"{world.name}: {situation}, {deed} {phase} {kind} step {nth + 1}"
        out = open(self.folder / f"case-{number}.log", "w+")
        began = time.monotonic()
        try:
            command = world.arrange(situation, number, dice)
            going = Run(world, command, out)
            if going.reach(kind, phase, nth, dice):
                what += " of " + self.do(world, going, deed, phase, dice)
            else:
                self.state["missed"] += 1
                what += ": no such moment"
            code = going.wait()
            self.judge(world, out)
            self.soak.tell(f"case {number} ok in {time.monotonic() - began:.0f} s (run ended {code}): {what}")
            out.close()
            os.unlink(out.name)
        except (Wrong, subprocess.TimeoutExpired) as wrong:
            self.state["wrong"].append({"case": number, "what": what, "wrong": str(wrong)})
            self.soak.tell(f"case {number} WRONG: {what}: {wrong}   see {out.name}")
            world.prepare()
        finally:
            out.close()

    def do(self, world, going, deed, phase, dice):
        """The deed itself; what was hit goes into the table."""
        host = going.target["host"]
        if deed == "kill -9":
            going.process.send_signal(signal.SIGKILL)
            going.process.wait()
            phase = going.phase() or phase
            cell = f"{kind_of(going.target['step'])} {phase}"
            self.state["hits"][cell] = self.state["hits"].get(cell, 0) + 1
            self.count("kills", world)
            return f"`{going.target['step']}` on {host} (hit {phase})"
        if deed == "stop":
            seconds = dice.choice([1, 4, 9, 15])
            going.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            going.process.send_signal(signal.SIGCONT)
            deed = f"stop for {seconds} s"
        elif deed == "cut":
            world.lab_does("cut", host)
            going.wait()
            world.lab_does("heal", host)
        elif deed == "power":
            world.lab_does("kill", host)
            going.wait()
            world.lab_does("start", host)
        else:
            before = world.inside(host, "cut -d' ' -f22 /proc/1/stat")[1]
            world.inside(host, "systemctl reboot")
            going.wait()
            for _ in range(120):
                code, now = world.inside(host, "cut -d' ' -f22 /proc/1/stat && systemctl is-active ssh")
                if code == 0 and not now.startswith(before.strip()):
                    break
                time.sleep(0.5)
        self.count("others", world)
        return f"`{going.target['step']}` on {host} ({deed})"

    def count(self, what, world):
        self.state[what][world.name] = self.state[what].get(world.name, 0) + 1

    def judge(self, world, out):
        """What must be so after every case."""
        for words, fits in ((("install", "-y"), lambda text: True), (("install", "-y"), lambda text: "0 changes" in text),
                            (("verify",), lambda text: True)):
            code, said = run(world.words(*words))
            if code == UNPROVED:
                # What has just started may need a moment on a busy machine; it is counted.
                self.state["late"] = self.state.get("late", 0) + 1
                time.sleep(5)
                code, again = run(world.words("verify"))
                said += again
            out.write(f"\n$ imctl {' '.join(words)}\n{said}")
            out.flush()
            if code != 0 or not fits(said):
                last = [line for line in said.strip().splitlines() if "Failed" in line or "Error" in line]
                raise Wrong(f"`{' '.join(words)}` ended with {code}: {(last or ['there was something to do'])[0]}")
        for host in world.hosts:
            world.right(host)
            left = world.left_over(host).strip()
            if left:
                raise Wrong(f"left on {host}: {left}")

    def table(self):
        lines = [f"{'kind of step':14}" + "".join(f"{phase:>8}" for phase in PHASES)]
        for kind in KINDS[self.world.name]:
            hits = [self.state["hits"].get(f"{kind} {phase}", 0) for phase in PHASES]
            lines.append(f"{kind:14}" + "".join(f"{hit or '-':>8}" for hit in hits))
        kills, others = (self.state[what].get(self.world.name, 0) for what in ("kills", "others"))
        lines.append(f"{self.world.name}: {kills} kills with -9, {others} cuts, power cuts, reboots and stops")
        return lines
