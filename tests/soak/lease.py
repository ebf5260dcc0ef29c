"""The lease of a deployment, watched from inside one of its hosts while one run dies and the next one comes."""

import subprocess

# Seconds that a lease lasts without being renewed (docs/locks.md).
LASTS = 30

WATCH = r"""
touch /run/soak-watch
cd /run/imctl/lease/NAME 2>/dev/null || { mkdir -p -m 700 /run/imctl/lease/NAME && cd /run/imctl/lease/NAME; } || exit 1
old=
while [ -e /run/soak-watch ]; do
  token= ends=
  if [ -f record ]; then { read -r token ends; } <record; fi 2>/dev/null
  if [ "$token $ends" != "$old" ]; then
    read -r now _ </proc/uptime
    old="$token $ends"
    echo "$now ${token:--} ${ends:-0}"
  fi
  sleep 0.2
done
"""


def uptime():
    """Seconds since this machine started, which lab hosts share."""
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])


class Watch:
    """Every record of the lease on one host, with when it was seen."""

    def __init__(self, world, host):
        self.world, self.host = world, host
        words = [world.imctl, "lab", "exec", "--name", world.lab, host, "--", "sh", "-c",
                 WATCH.replace("NAME", world.deployment())]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def end(self):
        """What was seen: `(when, token, ends)`, a `-` for no record."""
        self.world.inside(self.host, "rm -f /run/soak-watch")
        said, _ = self.process.communicate(timeout=30)
        seen = []
        for line in said.splitlines():
            when, token, ends = line.split()
            seen.append((float(when), token, float(ends)))
        return seen


def judged(seen, killed, began):
    """What the records tell: the orphan's last end, its age when it was taken over, and when the next run had its own lease.

    Ages count from the last renewal; each is none where there was no such record."""
    before = [(when, token, ends) for when, token, ends in seen if when <= killed + 0.5 and token != "-"]
    orphan = before[-1][1] if before else None
    renewals = [ends for _, token, ends in seen if token == orphan]
    taken = [when for when, token, _ in seen if token not in ("-", orphan) and when >= began]
    # A record that goes before anybody takes it was given back.
    back = orphan and [when for when, token, _ in seen if token == "-" and when >= before[-1][0] and when <= killed + 0.5]
    orphan = None if back else orphan
    ends = max(renewals) if orphan and renewals else None
    return {
        "orphan": orphan is not None,
        "beyond": ends - killed if ends else None,
        "age": taken[0] - (ends - LASTS) if ends and taken else None,
        "taken": taken[0] - began if taken else None,
    }
