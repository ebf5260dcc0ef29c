"""tests/stacks/forty for pyinfra: the same forty resources with its own operations."""

from os import environ

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import files, server, systemd

stack = environ["STACK"]
names = "abcd"

for name in names:
    server.user(user=f"bench-{name}", system=True, create_home=False, home="/nonexistent", shell="/usr/sbin/nologin")
files.directory(path="/etc/bench")
for name in names:
    files.directory(path=f"/etc/bench/{name}", mode="750", user=f"bench-{name}", group=f"bench-{name}")
files.directory(path="/var/lib/bench")
for name in names[:2]:
    files.directory(path=f"/var/lib/bench/{name}", mode="700", user=f"bench-{name}", group=f"bench-{name}")
for name in names:
    for part in range(1, 5):
        files.put(
            src=f"{stack}/part.conf",
            dest=f"/etc/bench/{name}/{part}.conf",
            mode="640",
            user="root",
            group=f"bench-{name}",
            create_remote_dir=False,
        )
files.put(src=f"{stack}/part.conf", dest="/etc/bench/whole.conf", mode="644", create_remote_dir=False)
for name in names[:2]:
    files.put(src=f"{stack}/tool.sh", dest=f"/usr/local/sbin/bench-{name}", mode="755", create_remote_dir=False)
units = [
    files.put(
        src=f"{stack}/bench.service",
        dest=f"/etc/systemd/system/bench-{number}.service",
        mode="644",
        create_remote_dir=False,
    )
    for number in range(1, 4)
]
limits = files.put(src=environ["SYSCTL"], dest="/etc/sysctl.d/60-bench.conf", mode="644", create_remote_dir=False)
server.shell(
    commands="echo 900 >/proc/sys/net/ipv4/tcp_keepalive_time; echo 8192 >/proc/sys/net/core/somaxconn",
    _if=limits.did_change,
)
systemd.daemon_reload(_if=lambda: any(unit.did_change() for unit in units))
for number in range(1, 4):
    systemd.service(service=f"bench-{number}.service", running=True, enabled=True)
for name in names[:2]:
    if host.get_fact(File, f"/var/lib/bench/{name}/layout") is None:
        server.shell(commands=f"echo 1 >/var/lib/bench/{name}/layout")
