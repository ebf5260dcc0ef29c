//! Errors in what was asked: the command line, the inventory, the stack. How each ends the command, what it means and what helps.

use super::errors::{ErrorReference, usage};
use crate::base::Exit;

/// IM1001 to IM1403, by number.
pub(super) const ASKED: &[ErrorReference] = &[
    usage(
        "IM1001",
        "arguments do not fit together",
        "The command line asks for something that cannot be. `imctl COMMAND --help` shows what can.",
    ),
    ErrorReference {
        number: "IM1002",
        exit: Exit::Refused,
        title: "not confirmed",
        about: "The change was not confirmed. Answer yes, or give `--yes`; losing data needs `--confirm NAME`.",
    },
    usage(
        "IM1201",
        "the inventory cannot be read",
        "The file is not there, is a folder, or may not be read. Name it with `-i FILE` or `IMCTL_INVENTORY`.",
    ),
    usage(
        "IM1202",
        "the inventory is not UTF-8",
        "Save the file as UTF-8. Windows editors may write UTF-16 or GBK: `iconv -f GBK -t UTF-8` converts.",
    ),
    usage(
        "IM1203",
        "unknown host or role",
        "`--on` names a host, `@role` or glob that fits no host of the inventory.",
    ),
    usage(
        "IM1204",
        "the inventory is empty",
        "Start from `inventories/single.yml`, `three.yml` or `six.yml`.",
    ),
    usage(
        "IM1205",
        "not YAML",
        "The text breaks the rules of YAML: a tab in the indentation, an open quote or bracket, a missing space after `:`.",
    ),
    usage(
        "IM1206",
        "too large",
        "An inventory has at most 1 MiB and 50,000 parts, repeated ones (`*alias`) counted each time.",
    ),
    usage("IM1207", "unknown key", "There is no such key at this place. `imctl explain` lists all keys."),
    usage(
        "IM1208",
        "the same thing twice",
        "A key or role stands there twice. Which one counts would be a guess: keep one.",
    ),
    usage(
        "IM1209",
        "another kind of value",
        "The value is not what the key asks for: a list instead of a word, a word instead of keys. `imctl explain KEY` shows an example.",
    ),
    usage("IM1210", "something is missing", "A key that must be there is not. The hint shows an example."),
    usage(
        "IM1211",
        "not a name",
        "Names have letters of any script, digits, `-`, `_` and `.`, start with a letter or digit and have at most 63 characters.",
    ),
    usage(
        "IM1212",
        "not an address",
        "An address is IPv4, IPv6 (without brackets and zone) or a DNS name; the port belongs to `ssh.port`.",
    ),
    usage(
        "IM1213",
        "two hosts at one address",
        "Two hosts have the same address and SSH port. One machine with two roles is one host.",
    ),
    usage(
        "IM1214",
        "not a domain",
        "The service's domain is a DNS name with at least one dot; accounts end in it and it cannot change later.",
    ),
    usage(
        "IM1215",
        "not such an amount",
        "Ports are 1 to 65535, counts are whole numbers, data has a unit (`2MB`, `1.5GiB`), durations too (`365d`).",
    ),
    usage("IM1216", "unknown role", "The stack has no such role. The hint lists the stack's roles."),
    usage(
        "IM1217",
        "too few or too many hosts of a role",
        "The stack says how many hosts a role may have, and which counts do not work.",
    ),
    usage(
        "IM1218",
        "settings of an unknown component",
        "The stack has no such component. The hint lists the stack's components.",
    ),
    usage("IM1219", "unknown setting", "The component has no such setting. The hint lists its settings."),
    usage("IM1220", "a setting of another type", "The value must be of the type of the setting's default."),
    usage(
        "IM1221",
        "a file cannot be read",
        "The inventory names a key, password or certificate file that is not there or may not be read.",
    ),
    usage(
        "IM1222",
        "others can read a secret file",
        "A private key or password file must be readable by its owner only: `chmod 600 FILE`.",
    ),
    usage("IM1223", "no hosts", "An inventory needs at least one host under `hosts`."),
    usage(
        "IM1224",
        "keys that exclude each other",
        "Two keys say two different things about the same matter: keep one.",
    ),
    usage(
        "IM1225",
        "more than one document",
        "An inventory is one YAML document; a second one after `---` would be ignored silently.",
    ),
    usage(
        "IM1226",
        "YAML that means nothing here",
        "Tags (`!x`), references to nothing (`*x`) and references to themselves have no meaning in an inventory.",
    ),
    usage("IM1227", "not one of the words", "The key takes one of a few words; the hint names them."),
    usage(
        "IM1228",
        "not a public key",
        "`trusted-keys` takes the base64 line of a minisign public key, such as `bundle build` prints.",
    ),
    usage("IM1229", "unknown version", "The stack does not offer this version. The hint lists its versions."),
    usage(
        "IM1230",
        "the inventory was not changed",
        "imctl changes an inventory only when the result is exactly what was meant, comments and all. Otherwise the message says what to write by hand.",
    ),
    usage(
        "IM1401",
        "the stack is wrong",
        "A file of the stack's folder is missing or breaks its schema; the message names file, line and column.",
    ),
    usage(
        "IM1402",
        "inventory and stack do not fit",
        "A role is on too few or too many hosts, a version is unknown, or components need each other in a circle.",
    ),
    usage(
        "IM1403",
        "a template cannot be rendered",
        "A template of the stack uses a name that is not defined; the message names component, resource and line.",
    ),
];
