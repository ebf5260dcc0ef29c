//! Errors met on the way: the operator's folder, locks, hosts, bundles, backups, labs. How each ends the command, what it means and what helps.

use super::errors::{ErrorReference, usage};
use crate::base::Exit;

const fn unreachable(number: &'static str, title: &'static str, about: &'static str) -> ErrorReference {
    ErrorReference { number, exit: Exit::Unreachable, title, about }
}

/// IM2301 and after, by number.
pub(super) const MET: &[ErrorReference] = &[
    ErrorReference {
        number: "IM2301",
        exit: Exit::Locked,
        title: "the state folder is in use",
        about: "Another imctl works in `.imctl/NAME/`; the message says who and since when. The lock ends with that process. Wait, then run the command again.",
    },
    usage(
        "IM2302",
        "a file cannot be read or written",
        "A file of the state folder, a key or a passphrase file is not there, or may not be read or written.",
    ),
    usage(
        "IM2303",
        "a file of the state folder is damaged",
        "Put it back from a backup. Each host keeps a copy of the encrypted secrets in `/var/lib/imctl/NAME/state.tar`; docs/security.md says how to put it back.",
    ),
    usage(
        "IM2304",
        "the secrets cannot be opened",
        "None of the keys and passphrases at hand is a recipient's. Name one: `secrets: { ssh-key: FILE }`, `secrets: { passphrase-file: FILE }` or `IMCTL_PASSPHRASE_FILE`. An agent or a FIDO key cannot decrypt.",
    ),
    usage(
        "IM2305",
        "nothing to protect new secrets with",
        "New secrets are encrypted to an SSH key file or a passphrase, and neither is at hand: name one in the inventory or in `IMCTL_PASSPHRASE_FILE`, or run at a terminal to be asked.",
    ),
    usage(
        "IM2306",
        "a key that cannot decrypt",
        "Only ed25519 and RSA (2048 bits or more) key files in OpenSSH's format can. ECDSA, FIDO and agent keys cannot: use a passphrase.",
    ),
    usage(
        "IM2307",
        "a private file that others can read",
        "A key or passphrase file must be the operator's alone: `chmod 600 FILE`.",
    ),
    usage(
        "IM2308",
        "a passphrase that would be guessed",
        "Passphrases that protect secrets have 12 characters or more. Four random words do.",
    ),
    usage(
        "IM2309",
        "a secret of another shape",
        "The stack asks for a secret that is kept in another shape, or for one with fewer than 128 bits. It is a mistake of the stack.",
    ),
    usage("IM2310", "unknown secret", "`imctl secret list` shows the names."),
    usage(
        "IM2311",
        "a recipient that cannot be added or removed",
        "The label is taken, not there, not well-formed, or the last one. `imctl secret recipients list` shows them.",
    ),
    usage(
        "IM2312",
        "a certificate that cannot be made or read",
        "The message names the certificate and what is wrong with it.",
    ),
    usage(
        "IM2313",
        "encryption failed",
        "The library that encrypts refused; the message says why. The files stay as they were.",
    ),
    ErrorReference {
        number: "IM2401",
        exit: Exit::Locked,
        title: "somebody else is changing the hosts",
        about: "The message says who, since when and for what. Wait, or give `--lock-wait 10m`. A lease that is not renewed ends after 30 seconds; `imctl lock show` tells.",
    },
    ErrorReference {
        number: "IM2402",
        exit: Exit::Locked,
        title: "a program of the run before still runs",
        about: "A run that was cut off left a program on the host that has not ended yet, such as a long installation of packages. Wait, then run the command again.",
    },
    unreachable(
        "IM2403",
        "no majority of hosts",
        "Changes need a majority of the inventory's hosts, so that two operators never change different halves. Bring hosts back, or name those that are dead for good with `--lost HOST --confirm NAME`.",
    ),
    ErrorReference {
        number: "IM2404",
        exit: Exit::HostFailed,
        title: "the lease could not be taken",
        about: "A host did not answer the lease's program as it should; the message has what it said. `/run/imctl` must be writable, and `flock` there.",
    },
    unreachable(
        "IM3101",
        "no connection",
        "Nothing answers at the address and port, or the name cannot be resolved. A firewall, a switched-off machine, a wrong `address` or `ssh.port`.",
    ),
    unreachable(
        "IM3102",
        "the login is refused",
        "The host accepts none of the keys and passwords that were tried; the message lists them. At most five keys are shown, since servers shut out those who try more. Name the right one with `ssh.key`.",
    ),
    unreachable(
        "IM3103",
        "too slow",
        "The host did not answer, or a program on it did not end, within the limit (`--timeout` for connections). What ran there was ended.",
    ),
    unreachable(
        "IM3104",
        "the connection was lost",
        "It broke while in use. What imctl ran on the host ends by itself within ten seconds. Run the same command again.",
    ),
    ErrorReference {
        number: "IM3105",
        exit: Exit::Unreachable,
        title: "another host key",
        about: "The host shows another key than the recorded one: it was rebuilt, or somebody stands in between. imctl did not log in. Ask who rebuilt it, then `imctl trust forget HOST`.",
    },
    unreachable(
        "IM3106",
        "a revoked host key",
        "A `@revoked` line of a known_hosts file names the key that the host shows. imctl did not log in.",
    ),
    unreachable(
        "IM3107",
        "a host certificate that does not hold",
        "The host shows a certificate, and a `@cert-authority` line is recorded for it, but the certificate is expired, names other hosts, or is signed by somebody else.",
    ),
    unreachable(
        "IM3108",
        "a host that is not known yet",
        "No key is recorded for it. At a terminal imctl shows the fingerprint and asks; else `imctl trust accept HOST --fingerprint SHA256:...`, or `--accept-new-host-keys` where the network is trusted.",
    ),
    usage(
        "IM3109",
        "a key, password or known_hosts file cannot be used",
        "It is not there, cannot be read or understood, or others than its owner may read it: `chmod 600 FILE`.",
    ),
    unreachable(
        "IM3110",
        "no root rights",
        "imctl works as root on the hosts: the login user is root, or `ssh.sudo` says how `sudo` gives all rights. The message has what `sudo` said.",
    ),
    unreachable(
        "IM3111",
        "no program can be run",
        "The login works, but the account's shell runs nothing (`nologin`, a forced command), or perl is missing, which every Debian has.",
    ),
    ErrorReference {
        number: "IM3112",
        exit: Exit::HostFailed,
        title: "a file cannot be written",
        about: "The host said why: a full or read-only disk, an owner that does not exist. The old file is untouched.",
    },
    ErrorReference {
        number: "IM3113",
        exit: Exit::HostFailed,
        title: "endless output",
        about: "A program on the host wrote more than 64 MiB and was ended.",
    },
    unreachable(
        "IM3114",
        "the host does not allow it",
        "sshd refuses sessions, programs or port forwarding to this user. imctl needs sessions; without forwarding it uploads the packages instead.",
    ),
    usage(
        "IM3115",
        "the SSH configuration cannot be followed",
        "`~/.ssh/config` wants something imctl does not do, such as `ProxyCommand`, or has a mistake. `ssh: { config: false }` in the inventory leaves it aside.",
    ),
    ErrorReference {
        number: "IM3116",
        exit: Exit::Locked,
        title: "the lease on a host is no longer ours",
        about: "It ended while imctl could not renew it, or somebody released or took it. What was to begin there did not begin; run the command again.",
    },
    ErrorReference {
        number: "IM3201",
        exit: Exit::CheckFailed,
        title: "a host's system does not fit",
        about: "The stack was made for other systems than this host's. The message names both.",
    },
    unreachable(
        "IM3202",
        "a host could not be seen",
        "The connection came about but the look at the host did not end well. Run the same command again.",
    ),
    ErrorReference {
        number: "IM3203",
        exit: Exit::CheckFailed,
        title: "a host's manifest is damaged",
        about: "`/var/lib/imctl/NAME/manifest.json` on the host says what imctl put there, and cannot be read. Nothing was changed. Put it back, or move it away: then imctl makes it anew, and does not know what stood there before.",
    },
    ErrorReference {
        number: "IM3204",
        exit: Exit::CheckFailed,
        title: "hosts are not good enough",
        about: "`imctl install` judges the hosts before it changes anything, as `imctl check` does, and a check failed. Each finding says what helps. A host that is smaller than its roles need, knowingly, says so with `limits: [size]`; `--skip ID=REASON` leaves one check out, and the reason is recorded.",
    },
    ErrorReference {
        number: "IM4001",
        exit: Exit::Stale,
        title: "the saved plan is stale",
        about: "Inventory, stack, bundle, imctl or a host changed since the plan was made. Make it again and read it.",
    },
    ErrorReference {
        number: "IM5001",
        exit: Exit::Bundle,
        title: "the bundle is missing, corrupt or not trusted",
        about: "No host was touched. The message names the file or the signature; get the bundle again, or trust its key.",
    },
    ErrorReference {
        number: "IM6001",
        exit: Exit::HostFailed,
        title: "accounts could not be seen or changed",
        about: "The stack's script for accounts failed on the host that keeps them, and the message holds what it said. `imctl verify` tells whether the database is well. A list can be imported again: what exists stays as it is.",
    },
    usage(
        "IM7001",
        "nothing is recorded yet",
        "A report is made of what `check`, `verify`, `load`, `scan` and `install` recorded in `.imctl/NAME`, and there is nothing. Is it the right inventory, and the folder in which those commands ran?",
    ),
    usage(
        "IM7002",
        "the service is not installed",
        "A scan judges an installed service. On the hosts that the message names imctl has installed nothing, or it was taken away: `imctl plan` shows what is missing, `--on` leaves hosts out.",
    ),
    usage(
        "IM8301",
        "no such lab, or no place for one",
        "A lab needs Linux, root rights and a few programs; the hint has the line that installs them. `imctl lab list` shows the labs.",
    ),
    ErrorReference {
        number: "IM8302",
        exit: Exit::HostFailed,
        title: "a lab host could not be made",
        about: "A program of this machine failed; its last words are shown. `imctl lab down` removes what was made.",
    },
    ErrorReference {
        number: "IM8303",
        exit: Exit::Locked,
        title: "another imctl works on this lab",
        about: "Wait until it is done; a killed imctl holds nothing.",
    },
    usage(
        "IM9001",
        "no host makes backups",
        "Backups are made and kept by a host of their own: give one the role `backup` in the inventory, build the bundle again and run `imctl install`. docs/backup.md says what it needs.",
    ),
    ErrorReference {
        number: "IM9002",
        exit: Exit::HostFailed,
        title: "the backup host could not do it",
        about: "The message holds what happened there; no half set counts as one. What was whole before is whole still: `imctl backup list`.",
    },
    ErrorReference {
        number: "IM9003",
        exit: Exit::Locked,
        title: "a backup is being made",
        about: "One at a time: wait until it is done, `imctl backup list` shows its set then.",
    },
    usage(
        "IM9004",
        "no such set",
        "`imctl backup list` names the sets there are; `last` is the newest that is to be used.",
    ),
];
