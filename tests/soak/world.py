"""A lab with one deployment on it, and what must not be left on its hosts."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 900
# The exit code of an installation that is done while a check is not green yet.
UNPROVED = 3


class Wrong(Exception):
    """Something that imctl promised is not so."""


def run(words, patience=PATIENCE, **more):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=patience, errors="replace", **more)
    return done.returncode, done.stdout


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
