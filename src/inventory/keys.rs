//! Every key of the inventory, in one table: its shape, default, example and meaning.
//! Checking, `imctl explain`, the JSON schema and `docs/inventory.md` are all made from it.

use super::shape::{Key, Shape};

/// The whole file.
pub(super) const FILE: Shape = Shape::Keys(&[
    Key::must(
        "name",
        Shape::Name,
        "acme-im",
        "Name of the deployment: its state folder, its bundle and its plans are called so.",
    ),
    Key::must(
        "domain",
        Shape::Domain,
        "im.acme.example",
        "Domain of the service; the part after `@` of every account.",
    ),
    Key::must(
        "stack",
        Shape::Text,
        "im-server",
        "Which product is installed: a folder under `templates/`, or a path to such a folder.",
    ),
    Key::may("version", Shape::Text, "the stack's default", "\"24.12\"", "Version of the stack."),
    Key::may(
        "targets",
        Shape::Keys(TARGETS),
        "none",
        "{ users: 5000, online: 1500 }",
        "How big the service is to be; sizes and settings follow from it.",
    ),
    Key::may(
        "ssh",
        Shape::Keys(SSH),
        "what `~/.ssh/config` says",
        "{ user: ops, sudo: true }",
        "How to reach the hosts; a host may have its own.",
    ),
    Key::must(
        "hosts",
        Shape::Named(&Shape::Keys(HOST)),
        "{ app1: { address: 10.20.0.11, roles: [app] } }",
        "The hosts, by name. Names may be in any script.",
    ),
    Key::may(
        "tls",
        Shape::Keys(TLS),
        "{ ca: private }",
        "{ ca: private }",
        "Where the certificates come from that clients see.",
    ),
    Key::may(
        "settings",
        SETTINGS,
        "what the stack says",
        "{ database: { max-connections: 300 } }",
        "Settings of components on all hosts: component, key, value.",
    ),
    Key::may(
        "variables",
        Shape::Named(&Shape::Any),
        "none",
        "{ site: berlin }",
        "Free values that templates see as `vars.NAME`.",
    ),
    Key::may(
        "bundle",
        Shape::Keys(BUNDLE),
        "none",
        "{ trusted-keys: [RWQ...] }",
        "The offline bundle: where it is and whose signature is trusted.",
    ),
    Key::may(
        "secrets",
        Shape::Keys(SECRETS),
        "asked for",
        "{ ssh-key: ~/.ssh/id_ed25519 }",
        "How the secrets in `.imctl/` are opened.",
    ),
    Key::may(
        "waivers",
        Shape::List(&Shape::Keys(WAIVER)),
        "[]",
        "[{ id: HOST-25, reason: the log server comes in May, owner: Li Wei, until: 2027-05-31 }]",
        "Rules of `imctl scan` that fail and that somebody answers for, until a day.",
    ),
]);

const SETTINGS: Shape = Shape::Named(&Shape::Named(&Shape::Any));

const TARGETS: &[Key] = &[
    Key::may("users", Shape::Count, "none", "5000", "Accounts."),
    Key::may("online", Shape::Count, "none", "1500", "Accounts online at the same time."),
    Key::may("messages-per-user-day", Shape::Count, "none", "60", "Messages a user sends on a day."),
    Key::may("message-bytes", Shape::Bytes, "none", "400", "Mean size of a message."),
    Key::may("retention", Shape::Days, "none", "365d", "How long message history is kept."),
    Key::may("files-per-user-day", Shape::Bytes, "none", "2MB", "Amount of files a user uploads on a day."),
    Key::may("file-retention", Shape::Days, "none", "180d", "How long uploaded files are kept."),
];

const SSH: &[Key] = &[
    Key::may("user", Shape::Text, "`~/.ssh/config`, then the local user", "ops", "Login user."),
    Key::may("port", Shape::Port, "`~/.ssh/config`, then 22", "2222", "Port of the SSH server."),
    Key::may(
        "key",
        Shape::File,
        "`~/.ssh/config`, the agent, then the usual files in `~/.ssh`",
        "~/.ssh/id_ed25519",
        "Private key file; an encrypted one is asked for once.",
    ),
    Key::may("agent", Shape::Bool, "true", "false", "Whether the SSH agent may be asked."),
    Key::may(
        "password-file",
        Shape::File,
        "none",
        "ops.password",
        "File with the login password, readable by its owner only.",
    ),
    Key::may("ask-password", Shape::Bool, "false", "true", "Ask for the login password once."),
    Key::may(
        "jump",
        Shape::Text,
        "`~/.ssh/config`",
        "ops@bastion.acme.example:2222",
        "Host that the connection goes through: `[user@]host[:port]`.",
    ),
    Key::may(
        "sudo",
        Shape::Either(&Shape::Word(&["true", "false", "ask"]), &Shape::Keys(SUDO)),
        "false",
        "true",
        "How root rights are had: `false` = the user is root, `true` = `sudo` without a password, `ask` = asked for once, or a password file.",
    ),
    Key::may(
        "known-hosts",
        Shape::File,
        "`~/.ssh/known_hosts` and `.imctl/NAME/known_hosts`",
        "known_hosts",
        "File with the hosts' keys.",
    ),
    Key::may("config", Shape::Bool, "true", "false", "Whether `~/.ssh/config` counts."),
];

const SUDO: &[Key] = &[Key::must(
    "password-file",
    Shape::File,
    "sudo.password",
    "File with the password for `sudo`, readable by its owner only.",
)];

const HOST: &[Key] = &[
    Key::must(
        "address",
        Shape::Address,
        "10.20.0.11",
        "Address for imctl and the other hosts: IPv4, IPv6 or a DNS name.",
    ),
    Key::must(
        "roles",
        Shape::List(&Shape::Name),
        "[app, balancer]",
        "What the host does; the stack says which roles there are.",
    ),
    Key::may(
        "ssh",
        Shape::Keys(SSH),
        "`ssh` of the whole file",
        "{ port: 2222 }",
        "How to reach this host where it differs.",
    ),
    Key::may(
        "limits",
        Shape::List(&Shape::Word(LIMITS)),
        "[]",
        "[clock]",
        "What the host cannot do, such as a container that cannot set its clock.",
    ),
    Key::may(
        "settings",
        SETTINGS,
        "`settings` of the whole file",
        "{ database: { max-connections: 500 } }",
        "Settings of components on this host only.",
    ),
    Key::may(
        "variables",
        Shape::Named(&Shape::Any),
        "`variables` of the whole file",
        "{ rack: b4 }",
        "Free values for this host only.",
    ),
];

/// What a host can be unable to do.
const LIMITS: &[&str] = &["clock", "sysctl", "nofile", "apparmor", "firewall", "sandbox", "size"];

const WAIVER: &[Key] = &[
    Key::must("id", Shape::Text, "HOST-25", "The rule, as `imctl scan --list` names it."),
    Key::may("host", Shape::Name, "all hosts", "db1", "Only on this host."),
    Key::must("reason", Shape::Text, "the log server comes in May", "Why it is accepted."),
    Key::must("owner", Shape::Text, "Li Wei", "Who answers for it."),
    Key::must("until", Shape::Date, "2027-05-31", "The last day; after it the rule counts again."),
];

const TLS: &[Key] = &[
    Key::may("ca", Shape::Word(&["private"]), "private", "private", "A private CA made by imctl."),
    Key::may(
        "certificate",
        Shape::File,
        "none",
        "tls/im.crt",
        "Your own certificate (PEM), in place of `ca`.",
    ),
    Key::may("key", Shape::File, "none", "tls/im.key", "Its private key (PEM), readable by its owner only."),
    Key::may(
        "chain",
        Shape::File,
        "none",
        "tls/chain.crt",
        "The certificates from its issuer up to the root (PEM).",
    ),
];

const BUNDLE: &[Key] = &[
    Key::may(
        "path",
        Shape::File,
        "`--bundle`",
        "bundles/acme-2026-11",
        "Folder of the bundle; `--bundle` wins.",
    ),
    Key::may(
        "trusted-keys",
        Shape::List(&Shape::TrustedKey),
        "[]",
        "[RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3]",
        "Minisign public keys: only a bundle signed by one of them is installed.",
    ),
    Key::may(
        "mirror",
        Shape::Url,
        "the building machine's own apt sources",
        "http://deb.example.org/debian",
        "Debian mirror that `bundle build` takes packages from.",
    ),
];

const SECRETS: &[Key] = &[
    Key::may(
        "ssh-key",
        Shape::File,
        "asked for",
        "~/.ssh/id_ed25519",
        "SSH key file that opens the secrets (ed25519 or RSA; not an agent, not FIDO).",
    ),
    Key::may(
        "passphrase-file",
        Shape::File,
        "asked for",
        "secrets.passphrase",
        "File with the passphrase that opens the secrets, readable by its owner only.",
    ),
];
