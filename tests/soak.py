#!/usr/bin/env python3
"""Kills imctl, cuts and reboots hosts, at chosen moments, and holds imctl to its word: after each, one `install` makes
everything right, a second has nothing to do, `verify` is green and nothing is left behind.

Moments are chosen by events: the run's own log under `.imctl/` is followed, and the deed is done at an event, a moment after
it, or after the step's end, so that each kind of step is hit before, while and after it acts. What a case is follows from
the seed and its number; what was done is kept, so that an interrupted soak goes on.

  SEED=7            which run (1)                SECONDS_GIVEN=3600   time for this call (no end before the goals are met)
  STACK=relay|full  one stack only (both)        CASES=20             at most so many cases in this call
  IMCTL=FILE        a program that is built      IMCTL_SOAK=DIR       where everything is kept (/var/lib/imctl-soak)
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHASES = ("before", "during", "after")
KINDS = {
    "relay": ["user", "directory", "file", "service", "command", "restart", "reload", "join", "drain", "health", "undrain",
              "gate", "remove"],
    "full": ["package", "sysctl", "firewall", "artifact"],
}
# Kills with -9, and cuts, reboots and stops, before a soak is done.
GOALS = {"relay": (100, 20), "full": (20, 4)}
PATIENCE = 900
# The exit code of an installation that is done while a check is not green yet.
UNPROVED = 3


class Wrong(Exception):
    """Something that imctl promised is not so."""


def run(words, patience=PATIENCE, **more):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=patience, errors="replace", **more)
    return done.returncode, done.stdout


def kind_of(step):
    """The kind of a step, from its line in the plan: `+ file /etc/motd 3 lines`."""
    sign, word, *rest = step.split(" ")
    if sign == "^":
        return "reload" if rest[-1] == "reloads" else "restart"
    if sign == "-":
        return "remove"
    return {"packages": "package"}.get(word, word)


class World:
    """A lab with one deployment on it."""

    name = ""
    hosts = ()
    units = {}

    def __init__(self, imctl, folder, seed):
        self.imctl, self.folder, self.lab = imctl, folder / self.name, f"soak-{self.name}-{seed}"
        self.inventory = self.folder / "soak.yml"
        self.version, self.greeting = "1", "first"

    def lab_does(self, verb, *words):
        code, said = run([self.imctl, "lab", verb, "--name", self.lab, *words], 300)
        if code != 0:
            raise RuntimeError(f"lab {verb} {words}: {said}")
        return said

    def inside(self, host, script, patience=60):
        return run([self.imctl, "lab", "exec", "--name", self.lab, host, "--", "sh", "-c", script], patience)

    def words(self, *words):
        return [self.imctl, *words, "-i", self.inventory, "--timeout", "10s"]

    def prepare(self):
        """Hosts, inventory, and everything installed; also after a soak that was interrupted."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _, labs = run([self.imctl, "lab", "list"])
        if self.lab not in labs.split():
            shutil.rmtree(self.folder / ".imctl", ignore_errors=True)
        self.lab_does("up", "--template", self.template(), "--out", self.folder / "fresh.yml")
        for host in self.hosts:
            self.lab_does("heal", host)
        self.wanted()
        self.supplied()
        code, said = run(self.words("install", "-y"))
        if code not in (0, UNPROVED):
            raise RuntimeError(f"the first install ends with {code}:\n{said}")

    def supplied(self):
        pass

    def wanted(self):
        """Writes what the inventory says."""
        self.inventory.write_text((self.folder / "fresh.yml").read_text() + self.more())

    def deployment(self):
        for line in self.inventory.read_text().splitlines():
            if line.startswith("name:"):
                return line.split()[1]
        raise RuntimeError("the inventory has no name")

    def runs(self):
        folder = self.folder / ".imctl" / self.deployment() / "runs"
        return set(folder.iterdir()) if folder.exists() else set()

    def left_over(self, host):
        """What must not be on a host after a run."""
        code, said = self.inside(host, r"""
            find / -xdev \( -path /proc -o -path /sys \) -prune -o \( -name '.*.imctl-*' -o -name '*.imctl-new' -o -name \
                '*.imctl-other' \) -print
            ls /usr/sbin/policy-rc.d /run/imctl/packages /run/imctl/packages.new 2>/dev/null
            systemctl list-units --no-legend --plain --all 'imctl-restore*' 'imctl-packages*'
            systemctl list-units --no-legend --plain --state=failed | grep -vE '^(systemd-|user@)'
            dpkg --audit
            n=0; while pgrep -x imctl >/dev/null && [ $n -lt 24 ]; do sleep 0.5; n=$((n + 1)); done; pgrep -ax imctl
            true""")
        for unit in self.units.get(host, ()):
            code_now, state = self.inside(host, f"systemctl is-active {unit}")
            if code_now != 0:
                said += f"{unit} is {state}"
        return said if code == 0 else f"cannot look at {host}: {said}"


class Relay(World):
    """The tests' own small stack: an installation takes seconds."""

    name = "relay"
    hosts = ("one", "two", "three")
    units = {"one": ["relay-store", "relay"], "two": ["relay"], "three": ["relay"]}

    def template(self):
        path = self.folder / "template.yml"
        text = (ROOT / "tests/stacks/relay.yml").read_text().replace("stack: ./relay", f"stack: {ROOT}/tests/stacks/relay")
        path.write_text(text.rstrip() + "\n  three: { address: 192.0.2.13, roles: [relay] }\n")
        return path

    def more(self):
        return f'version: "{self.version}"\nsettings: {{ relay: {{ greeting: greeting {self.greeting} }} }}\n'

    def situations(self):
        return {
            "fresh": ["user", "directory", "file", "service", "command", "join", "health"],
            "greeting": ["file", "reload", "health"],
            "version": ["file", "gate", "drain", "restart", "health", "undrain"],
            "removal": ["remove"],
            "damage": ["file", "directory", "service", "health"],
            "one host lost": ["user", "directory", "file", "service", "join", "health"],
        }

    def arrange(self, situation, number, dice):
        """Brings about that there is something to do; returns the command that does it."""
        host = dice.choice(self.hosts)
        if situation == "greeting":
            self.greeting = str(number)
        elif situation == "version":
            self.version = "1" if self.version == "2" else "2"
        elif situation == "damage":
            self.inside(host, "rm -f /etc/relay/greeting; systemctl disable --now relay; chmod 0777 /etc/relay; "
                        "echo by hand >>/usr/local/lib/relay/relay.pl")
        elif situation == "removal":
            self.wanted()
            return ["destroy", "--confirm", self.deployment()]
        elif situation == "fresh":
            self.emptied(self.hosts)
        else:
            self.emptied([dice.choice(["two", "three"])])
        self.wanted()
        return ["install", "-y"]

    def emptied(self, hosts):
        """As if nothing had ever stood there, data included."""
        for host in hosts:
            self.inside(host, "systemctl disable --now relay relay-store; rm -rf /etc/relay* /usr/local/lib/relay* "
                        "/usr/local/sbin/relayctl /var/lib/relay* /etc/systemd/system/relay*; userdel relay; "
                        "userdel relay-store; systemctl daemon-reload; systemctl reset-failed")

    def right(self, host):
        code, said = self.inside(host, f"relayctl healthy {self.version} && cat /etc/relay/greeting")
        if code != 0 or said.strip() != f"greeting {self.greeting}":
            raise Wrong(f"{host}: {said}")


class Full(World):
    """The product on three hosts, out of a bundle."""

    name = "full"
    hosts = ("app1", "db1", "file1")
    units = {"app1": ["ejabberd", "haproxy"], "db1": ["postgresql@15-main"], "file1": ["garage", "nginx"]}

    def template(self):
        return "three"

    def words(self, *words):
        return [*super().words(*words), "--bundle", self.folder / "bundle"]

    def supplied(self):
        code, said = run([self.imctl, "bundle", "build", "-i", self.folder / "fresh.yml", "-o", self.folder / "bundle",
                          "--trust"])
        if code != 0:
            raise RuntimeError(f"no bundle:\n{said}")
        self.wanted()

    def more(self):
        return ""

    def situations(self):
        return {
            "packages": ["package", "service"],
            "settings": ["sysctl", "firewall", "artifact", "file", "reload", "restart"],
            "firewall": ["firewall"],
            "artifact": ["artifact"],
            "sysctl": ["sysctl"],
        }

    def arrange(self, situation, number, dice):
        if situation == "packages":
            self.inside("app1", "apt-get -y -q purge haproxy socat", 300)
            self.inside("file1", "apt-get -y -q purge nginx-light nginx-common libnginx-mod-http-perl; "
                        "apt-get -y -q autoremove", 300)
        if situation in ("settings", "firewall"):
            for host in self.hosts:
                self.inside(host, "f=$(grep -ls '^table' /etc/nftables.conf /etc/nftables.d/* | head -n 1); "
                            f"echo '# by hand {number}' >>$f")
        if situation in ("settings", "artifact"):
            self.inside("file1", "f=$(command -v garage || echo /usr/local/bin/garage); cp -p $f $f.x; echo x >>$f.x; mv $f.x $f")
        if situation in ("settings", "sysctl"):
            for host in self.hosts:
                self.inside(host, "for f in /etc/sysctl.d/*imctl*; do echo '# by hand' >>$f; done")
        return ["install", "-y"]

    def right(self, host):
        pass


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


class Soak:
    """The cases of one seed, and what came of them."""

    def __init__(self, imctl, folder, seed):
        self.folder, self.seed, self.file = folder, seed, folder / "state.json"
        self.state = {"next": 1, "kills": {}, "others": {}, "hits": {}, "missed": 0, "wrong": []}
        if self.file.exists():
            self.state = json.loads(self.file.read_text())
        self.worlds = {kind.name: kind(imctl, folder, seed) for kind in (Relay, Full)}
        self.ready = set()

    def keep(self):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1))
        new.replace(self.file)

    def tell(self, text):
        line = f"{time.strftime('%F %T')} {text}"
        print(line, flush=True)
        with open(self.folder / "cases.log", "a") as log:
            log.write(line + "\n")

    def open_cells(self, stack):
        return [(kind, phase) for kind in KINDS[stack] for phase in PHASES
                if f"{kind} {phase}" not in self.state["hits"]]

    def left(self, stack):
        """Kills, other disturbances and cells of the table that are still wanted."""
        kills, others = GOALS[stack]
        return (kills - self.state["kills"].get(stack, 0), others - self.state["others"].get(stack, 0),
                len(self.open_cells(stack)))

    def is_done(self, stack):
        kills, others, cells = self.left(stack)
        # A cell may be out of reach: a reload is over in no time. Twenty tries past the goal are enough.
        return kills <= 0 and others <= 0 and (cells == 0 or kills < -20)

    def choose(self, stack, dice):
        """A situation, a kind of step, a moment, a deed."""
        world = self.worlds[stack]
        situations = world.situations()
        kills, others, _ = self.left(stack)
        deed = "kill -9"
        if others > 0 and (kills <= 0 or dice.random() < others / (others + kills)):
            deed = dice.choice(["cut", "power", "reboot", "stop"])
        cells = [(kind, phase) for kind, phase in self.open_cells(stack)
                 if any(kind in kinds for kinds in situations.values())]
        if deed == "kill -9" and cells:
            kind, phase = dice.choice(cells)
            situation = dice.choice([name for name, kinds in situations.items() if kind in kinds])
        else:
            situation = dice.choice(list(situations))
            kind, phase = dice.choice(situations[situation]), dice.choice(PHASES)
        return situation, kind, phase, deed

    def case(self, stack, number):
        dice = random.Random(f"{self.seed} {number}")
        world = self.worlds[stack]
        situation, kind, phase, deed = self.choose(stack, dice)
        many = situation in ("fresh", "removal", "one host lost", "packages") and kind in ("file", "directory", "remove")
        nth = dice.choice([0, 1, 2, 5] if many else [0])
        what = f"{stack}: {situation}, {deed} {phase} {kind} step {nth + 1}"
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
            self.tell(f"case {number} ok in {time.monotonic() - began:.0f} s (run ended {code}): {what}")
            out.close()
            os.unlink(out.name)
        except (Wrong, subprocess.TimeoutExpired) as wrong:
            self.state["wrong"].append({"case": number, "what": what, "wrong": str(wrong)})
            self.tell(f"case {number} WRONG: {what}: {wrong}   see {out.name}")
            world.prepare()
        finally:
            out.close()
        self.state["next"] = number + 1
        self.keep()

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
        lines = ["", f"{'kind of step':14}" + "".join(f"{phase:>8}" for phase in PHASES)]
        for stack in self.worlds:
            for kind in KINDS[stack]:
                hits = [self.state["hits"].get(f"{kind} {phase}", 0) for phase in PHASES]
                lines.append(f"{kind:14}" + "".join(f"{hit or '-':>8}" for hit in hits))
        for stack in self.worlds:
            kills, others = self.state["kills"].get(stack, 0), self.state["others"].get(stack, 0)
            lines.append(f"{stack}: {kills} kills with -9, {others} cuts, power cuts, reboots and stops")
        lines.append(f"{self.state.get('late', 0)} times a check was not green at once and was 5 s later")
        lines.append(f"{self.state['missed']} cases had no such moment; {len(self.state['wrong'])} cases went wrong")
        return "\n".join(lines + [f"case {it['case']}: {it['what']}: {it['wrong']}" for it in self.state["wrong"]])

    def go(self, stacks, seconds, cases):
        until = time.monotonic() + seconds if seconds else None
        for stack in stacks:
            while not self.is_done(stack) and cases > 0 and (until is None or time.monotonic() < until):
                if stack not in self.ready:
                    self.worlds[stack].prepare()
                    self.ready.add(stack)
                self.case(stack, self.state["next"])
                cases -= 1
        self.tell(self.table())
        return all(self.is_done(stack) for stack in stacks)


def main():
    if os.geteuid() != 0:
        sys.exit("the soak runs on lab hosts: run it as root")
    seed = int(os.environ.get("SEED", "1"))
    folder = pathlib.Path(os.environ.get("IMCTL_SOAK", "/var/lib/imctl-soak")) / str(seed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    soak = Soak(os.environ["IMCTL"], folder, seed)
    stacks = [os.environ["STACK"]] if os.environ.get("STACK") else list(soak.worlds)
    soak.tell(f"seed {seed}, from case {soak.state['next']}; everything is kept in {folder}")
    done = soak.go(stacks, int(os.environ.get("SECONDS_GIVEN", "0")), int(os.environ.get("CASES", "1000000")))
    if done:
        for stack in stacks:
            run([soak.worlds[stack].imctl, "lab", "down", "--name", soak.worlds[stack].lab])
    else:
        print(f"not done yet: SEED={seed} make soak goes on; the lab hosts stay up until then")
    return 1 if soak.state["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
