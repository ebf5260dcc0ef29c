"""The tests' own small stack on three hosts."""

from world import ROOT, World, Wrong


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
