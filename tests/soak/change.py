"""The product on app hosts with balancers, a database and files, and a spare host: versions, hosts and secrets change."""

import shutil
import time

from world import ROOT, UNPROVED, World, Wrong, run

OLD, NEW, SPARE = "23.01", "24.12", "app3"
LIMITS = "clock,sysctl,nofile,apparmor,size"
ROLES = "app,balancer"
PRODUCTS = "ejabberd haproxy postgresql-15 nginx-light"
OURS = {"app": ("ejabberd", "haproxy"), "db": ("postgresql-15",), "file": ("nginx-light",)}
SECRETS = ("cluster-cookie", "store-key", "upload-slot", "store-admin", "store-rpc")
CERTIFICATES = ("node", "client", "database")
# Upgrades that close the way back: each costs an installation from nothing.
CONTRACTS = 2

TEMPLATE = f"""name: change
domain: im.change.example
stack: ejabberd
version: "{OLD}"
targets: {{ users: 500, online: 200, retention: 30d, file-retention: 10d }}
ssh: {{ user: root }}
hosts:
  app1: {{ address: 192.0.2.1, roles: [app, balancer] }}
  app2: {{ address: 192.0.2.2, roles: [app, balancer] }}
  db1: {{ address: 192.0.2.3, roles: [database] }}
  file1: {{ address: 192.0.2.4, roles: [files] }}
  {SPARE}: {{ address: 192.0.2.5, roles: [app, balancer] }}
"""


class Deed:
    """One kind of change: the command, what it leads to, and the command that shows that nothing is left to do."""

    def __init__(self, name, group, command, version, spare, again=None, secrets=()):
        self.name, self.group, self.command = name, group, command
        self.version, self.spare, self.secrets = version, spare, secrets
        self.again = again or ["plan", "--detailed-exitcode"]


class Change(World):
    """The deployment, and what can be done to it as it stands."""

    name = "change"
    everyone = ("app1", "app2", "db1", "file1", SPARE)

    @property
    def hosts(self):
        return self.everyone if self.standing()[1] else self.everyone[:-1]

    @property
    def units(self):
        app = {host: ["ejabberd", "haproxy"] for host in self.apps()}
        return app | {"db1": ["postgresql@15-main"], "file1": ["garage", "nginx"]}

    def apps(self):
        return [host for host in self.hosts if host.startswith("app")]

    def words(self, *words):
        more = ["--bundle", self.folder / "bundle"] if words[0] not in ("secret", "history", "lock") or "rotate" in words else []
        return [*super().words(*words), *more]

    def prepare(self, pending=None):
        """Lab, bundle, and the service as the inventory says; `pending` is the command of a case that was not finished."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _, labs = run([self.imctl, "lab", "list"])
        stood = self.lab in labs.split()
        if not stood:
            for name in (".imctl", "bundle"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for name in ("fresh.yml", "soak.yml"):
                (self.folder / name).unlink(missing_ok=True)
        template, lab = self.folder / "template.yml", self.folder / "lab.yml"
        template.write_text(TEMPLATE)
        self.lab_does("up", "--template", template, "--out", lab)
        for host in self.everyone:
            self.lab_does("heal", host)
        if not (self.folder / "fresh.yml").exists():
            shutil.copy(lab, self.folder / "fresh.yml")
            self.supplied()
        if not self.inventory.exists():
            self.inventory.write_text(self.text(OLD, False))
        try:
            self.installed(pending if stood else None)
        except RuntimeError:
            if not stood:
                raise
            self.rebuilt()

    def supplied(self):
        code, said = run([self.imctl, "bundle", "build", "-i", self.folder / "fresh.yml", "-o", self.folder / "bundle",
                          "--trust", "--versions", f"{OLD},{NEW}"])
        if code != 0:
            raise RuntimeError(f"no bundle:\n{said}")

    def installed(self, pending=None):
        """The service as the inventory says. What is under way is brought to its end."""
        code, said = run(self.words(*(pending or ["install", "-y"])))
        if code in (0, UNPROVED) and (self.folder / ".imctl").exists():
            under_way = "under way" in run(self.words("secret", "list"))[1]
            if under_way:
                code, said = run(self.words("secret", "rotate", "-y"))
        if code not in (0, UNPROVED) or "nothing was changed" in said:
            raise RuntimeError(f"`{' '.join(pending or ['install'])}` ends with {code}:\n{said}")

    def anew(self):
        """Everything from the beginning, with the old version: hosts, secrets, database."""
        code, said = run(self.words("destroy", "--confirm", self.deployment(), "-y"))
        left = [host + ": " + found for host in self.everyone if (found := self.bare(host).strip())]
        if code != 0 or left:
            raise Wrong(f"`destroy` ends with {code}, and there is still {left}:\n{said}")
        shutil.rmtree(self.folder / ".imctl", ignore_errors=True)
        self.inventory.write_text(self.text(OLD, False))
        self.installed()

    def rebuilt(self):
        """After a case that went wrong: nothing of it is kept."""
        run([self.imctl, "lab", "down", "--name", self.lab], 300)
        self.prepare()

    def text(self, version, spare):
        """The inventory as it is to be."""
        lines = (self.folder / "fresh.yml").read_text().replace(f'version: "{OLD}"', f'version: "{version}"').splitlines(True)
        return "".join(line for line in lines if spare or not line.startswith(f"  {SPARE}:"))

    def standing(self):
        """Version and whether the spare host is in it, as the inventory says."""
        text = self.inventory.read_text()
        return (NEW if f'version: "{NEW}"' in text else OLD), f"  {SPARE}:" in text

    def address(self):
        for line in (self.folder / "fresh.yml").read_text().splitlines():
            if line.startswith(f"  {SPARE}:"):
                return line.split("address: ")[1].split(",")[0]
        raise RuntimeError("the lab has no spare host")

    def deeds(self, done, dice):
        """What can be done now. `done` counts cases by the deed's name."""
        version, spare = self.standing()
        secret, certificate = dice.choice(SECRETS), dice.choice(CERTIFICATES)
        up = ["upgrade", "--to", NEW]
        comes = ["scale", "out", f"{SPARE}={self.address()}", "--role", ROLES, "--limit", LIMITS]
        rotate, renew = ["secret", "rotate"], ["cert", "renew"]
        all_of = [
            (version == NEW, Deed("rollback", "upgrade and rollback", ["rollback"], OLD, spare)),
            (version == OLD, Deed("upgrade", "upgrade and rollback", [*up, "--pause"], NEW, spare, [*up, "--pause", "-y"])),
            (version == OLD and not spare and 2 <= done.get("upgrade", 0) and done.get("upgrade to the end", 0) < CONTRACTS,
             Deed("upgrade to the end", "upgrade and rollback", up, NEW, spare, [*up, "-y"])),
            # A release with other hosts is no way back, so hosts come and go with the old version.
            (version == OLD and not spare, Deed("scale out", "scale out", comes, version, True, [*comes, "-y"])),
            (version == OLD and spare, Deed("scale in", "scale in", ["scale", "in", SPARE], version, False,
                                            ["scale", "in", SPARE, "-y"])),
            (True, Deed("rotate all", "rotate and renew", rotate, version, spare, secrets=SECRETS)),
            (True, Deed("rotate one", "rotate and renew", [*rotate, secret], version, spare, secrets=(secret,))),
            (True, Deed("renew all", "rotate and renew", renew, version, spare)),
            (True, Deed("renew one", "rotate and renew", [*renew, certificate], version, spare)),
        ]
        return [deed for fits, deed in all_of if fits]

    def secret(self, name):
        """A value as the vault has it."""
        code, said = run(self.words("secret", "show", name, "--reveal"))
        if code != 0:
            raise Wrong(f"`secret show {name}` ends with {code}: {said}")
        return said

    def judge(self, deed, before):
        """What must be so besides exit codes."""
        text = self.inventory.read_text()
        if text != self.text(deed.version, deed.spare):
            raise Wrong(f"the inventory is not what was asked for:\n{text}")
        beside = [path.name for path in self.folder.iterdir() if path.name.endswith(".new")]
        if beside:
            raise Wrong(f"left beside the inventory: {beside}")
        beside = [str(path) for path in (self.folder / ".imctl").rglob(".*.tmp")]
        if beside:
            raise Wrong(f"left in the operator's folder: {beside}")
        listed = run(self.words("secret", "list"))
        if listed[0] != 0 or "being changed" in listed[1] or "under way" in listed[1]:
            raise Wrong(f"`secret list` ends with {listed[0]}: {listed[1]}")
        kept = [name for name, value in before.items() if self.secret(name) == value]
        if kept:
            raise Wrong(f"still with the old value: {kept}")
        apps = self.apps()
        for host in apps:
            self.right(host, deed.version, len(apps))
        for host in self.hosts:
            kept = self.inside(host, f"cat /var/lib/imctl/{self.deployment()}/manifest.json")[1]
            forgotten = [name for name in OURS[host.rstrip("0123456789")] if f'"{name}' not in kept]
            if forgotten:
                raise Wrong(f"{host} does not know any more that these came with imctl: {forgotten}")
        for host in self.everyone:
            left = self.inside(host, "ls /run/imctl/lease/*/record 2>/dev/null")[1] + \
                (self.left_over(host) if host in self.hosts else self.bare(host))
            if left.strip():
                raise Wrong(f"left on {host}: {left.strip()}")

    def right(self, host, version, members):
        """The version that runs is the one that is installed, and the node sees all the others."""
        script = "dpkg-query -W -f '${Version}\\n' ejabberd; ejabberdctl status | sed -n 's/^ejabberd \\(.*\\) is running.*/\\1/p'; " \
            "ejabberdctl list_cluster | grep -c @"
        for patience in (5, 0):
            _, said = self.inside(host, script)
            lines = said.split("\n")
            if len(lines) >= 3 and lines[0].startswith(version) and lines[1].startswith(version) and lines[2] == str(members):
                return
            time.sleep(patience)
        raise Wrong(f"{host} is not {version} in a cluster of {members}: {said}")

    def bare(self, host):
        """What is left on a host that has left the service."""
        name = self.deployment()
        return self.inside(host, f"ls -d /var/lib/imctl/{name} /etc/ejabberd /etc/haproxy/haproxy.cfg 2>/dev/null; "
                           "systemctl list-units --no-legend --plain --state=active ejabberd.service haproxy.service; "
                           "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' ejabberd haproxy 2>/dev/null | grep ' installed'")[1]
