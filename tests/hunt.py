#!/usr/bin/env python3
"""Hunts for generated secrets during and after an installation on lab hosts.

usage: hunt.py IMCTL INVENTORY LAB -- COMMAND...

Runs COMMAND while every process of this machine (the lab's hosts are containers here) is sampled, then looks for each secret of
the deployment, plain, in base64, hex and percent-encoded, in the samples, the runs' logs, saved plans and every file on the hosts
that others than root and its group may read. A leak planted on purpose must be found, or the hunt itself is broken.
Ends with 1 when a secret was found.
"""
import base64, glob, json, os, stat, subprocess, sys, threading, time, urllib.parse


def secrets(imctl, inventory):
    listed = subprocess.run([imctl, "secret", "list", "--output", "json", "-i", inventory], capture_output=True, check=True)
    found = {}
    for it in json.loads(listed.stdout)["secrets"]:
        shown = subprocess.run([imctl, "secret", "show", it["name"], "--reveal", "-i", inventory], capture_output=True)
        value = shown.stdout.strip()
        if shown.returncode == 0 and len(value) >= 16:
            found[it["name"]] = value
    return found


def shapes(value):
    shaped = {value, value.hex().encode(), urllib.parse.quote(value.decode("latin-1")).encode()}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + value)
        first, last = -(-before * 8 // 6), (len(value) + before) * 8 // 6
        shaped.add(text[first:last])
    return {it for it in shaped if len(it) >= 16}


class Sampler(threading.Thread):
    """Reads the arguments and environments of all processes, over and over."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.rounds, self.longest, self.done = {}, 0, 0.0, False

    def run(self):
        known = {}
        while not self.done:
            begun = time.monotonic()
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if known.get(pid, 0) > 40:
                    continue
                known[pid] = known.get(pid, 0) + 1
                for part in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{pid}/{part}", "rb") as file:
                            self.seen.setdefault(file.read(), f"{part} of process {pid}")
                    except OSError:
                        pass
            self.rounds += 1
            self.longest = max(self.longest, time.monotonic() - begun)
            if self.rounds % 2000 == 0:
                known.clear()
            time.sleep(0.001)


def open_files(lab):
    for root in glob.glob(f"/var/lib/imctl-lab/{lab}/hosts/*/*"):
        if os.path.basename(root) != "upper":
            continue
        for folder, folders, names in os.walk(root):
            closed = not os.stat(folder).st_mode & stat.S_IXOTH
            if closed and folder != root:
                folders.clear()
                continue
            for name in names:
                path = os.path.join(folder, name)
                state = os.lstat(path)
                if stat.S_ISREG(state.st_mode) and state.st_mode & stat.S_IROTH and state.st_size < 8 << 20:
                    yield path


def own_files(inventory):
    folder = os.path.join(os.path.dirname(os.path.abspath(inventory)), ".imctl")
    yield from glob.glob(f"{folder}/*/runs/**/*", recursive=True)
    yield from glob.glob(os.path.dirname(os.path.abspath(inventory)) + "/*.plan")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def main():
    imctl, inventory, lab, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[5:]
    sampler = Sampler()
    sampler.start()
    code = subprocess.run(command).returncode
    patterns = {name: shapes(value) for name, value in secrets(imctl, inventory).items()}
    planted = next(iter(secrets(imctl, inventory).values())).decode()
    subprocess.run(["sh", "-c", "sleep 0.3", planted])
    sampler.done = True
    sampler.join()
    places = [(f"{where}", text) for text, where in sampler.seen.items()]
    files = list(open_files(lab)) + [path for path in own_files(inventory) if os.path.isfile(path)]
    places += [(path, read(path)) for path in files]
    hits = [
        (name, where, text) for where, text in places for name, shaped in patterns.items() if any(it in text for it in shaped)
    ]
    leaks = [(name, where) for name, where, text in hits if b"sleep 0.3" not in text]
    planted_found = len(leaks) < len(hits)
    print(f"command ended with {code}; {len(patterns)} secrets; {sampler.rounds} rounds over all processes, longest {sampler.longest * 1000:.1f} ms, {len(sampler.seen)} different arguments and environments; {len(files)} files")
    print("the planted leak was found" if planted_found else "THE PLANTED LEAK WAS NOT FOUND: the hunt is broken")
    for name, where in leaks:
        print(f"LEAK: {name} in {where}")
    sys.exit(0 if planted_found and not leaks and code == 0 else 1)


main()
