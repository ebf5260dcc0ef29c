"""The product on three hosts: packages, artifacts, packet filter, kernel settings."""

from world import World, run


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
