//! The meaning of every key in Chinese, by path.

/// What a key means; none for a path without translation.
pub(super) fn about(path: &str) -> Option<&'static str> {
    // A host's own `ssh` has the keys of the whole file's.
    let path = path.strip_prefix("hosts.NAME.").filter(|rest| rest.starts_with("ssh.")).unwrap_or(path);
    ABOUT.iter().find(|(known, _)| *known == path).map(|(_, about)| *about)
}

const ABOUT: &[(&str, &str)] = &[
    ("name", "部署的名称：状态目录、离线包和计划都以它命名。"),
    ("domain", "服务的域名，即每个账号 `@` 之后的部分。"),
    ("stack", "要安装的产品：`templates/` 下的目录名，或某个这样的目录的路径。"),
    ("version", "产品栈的版本。"),
    ("targets", "服务的规模；资源大小和设置都由它推算。"),
    ("targets.users", "账号数。"),
    ("targets.online", "同时在线的账号数。"),
    ("targets.messages-per-user-day", "每个用户每天发送的消息数。"),
    ("targets.message-bytes", "消息的平均大小。"),
    ("targets.retention", "消息历史保留多久。"),
    ("targets.files-per-user-day", "每个用户每天上传的文件量。"),
    ("targets.file-retention", "上传的文件保留多久。"),
    ("ssh", "如何登录各主机；单个主机可以另行设置。"),
    ("ssh.user", "登录用户。"),
    ("ssh.port", "SSH 服务的端口。"),
    ("ssh.key", "私钥文件；加密的私钥只询问一次口令。"),
    ("ssh.agent", "是否可以使用 SSH 代理（agent）。"),
    ("ssh.password-file", "存放登录密码的文件，只能由所有者读取。"),
    ("ssh.ask-password", "询问一次登录密码。"),
    ("ssh.jump", "连接所经过的跳板机：`[user@]host[:port]`。"),
    (
        "ssh.sudo",
        "如何取得 root 权限：`false` 即用户本身是 root，`true` 即免密 `sudo`，`ask` 即询问一次密码，或给出密码文件。",
    ),
    ("ssh.sudo.password-file", "存放 `sudo` 密码的文件，只能由所有者读取。"),
    ("ssh.known-hosts", "记录主机密钥的文件。"),
    ("ssh.config", "是否采用 `~/.ssh/config`。"),
    ("waivers", "`imctl scan` 中未通过、但有人负责的规则，到期失效。"),
    ("waivers.id", "规则编号，见 `imctl scan --list`。"),
    ("waivers.host", "仅限该主机。"),
    ("waivers.reason", "接受的理由。"),
    ("waivers.owner", "由谁负责。"),
    ("waivers.until", "最后一天；过后该规则重新计入。"),
    ("hosts", "各主机，以名称为键；名称可以用任何文字。"),
    ("hosts.NAME.address", "供 imctl 和其他主机使用的地址：IPv4、IPv6 或 DNS 名称。"),
    ("hosts.NAME.roles", "主机承担的角色；有哪些角色由产品栈决定。"),
    ("hosts.NAME.ssh", "该主机与整体设置不同的登录方式。"),
    ("hosts.NAME.limits", "主机做不到的事，例如不能设置时钟的容器。"),
    ("hosts.NAME.settings", "仅用于该主机的组件设置。"),
    ("hosts.NAME.variables", "仅用于该主机的自定义变量。"),
    ("tls", "客户端所见证书的来源。"),
    ("tls.ca", "由 imctl 建立的私有 CA。"),
    ("tls.certificate", "自备的证书（PEM），用来代替 `ca`。"),
    ("tls.key", "证书的私钥（PEM），只能由所有者读取。"),
    ("tls.chain", "从签发者到根的证书链（PEM）。"),
    ("settings", "用于所有主机的组件设置：组件、键、值。"),
    ("variables", "模板中以 `vars.NAME` 使用的自定义值。"),
    ("bundle", "离线包：在哪里，信任谁的签名。"),
    ("bundle.path", "离线包目录；`--bundle` 优先。"),
    ("bundle.trusted-keys", "minisign 公钥：只安装由其中之一签名的离线包。"),
    ("bundle.mirror", "`bundle build` 取用软件包的 Debian 镜像。"),
    ("secrets", "如何打开 `.imctl/` 中的机密。"),
    ("secrets.ssh-key", "用来打开机密的 SSH 私钥文件（ed25519 或 RSA；不能用代理或 FIDO）。"),
    ("secrets.passphrase-file", "存放机密口令的文件，只能由所有者读取。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_translated_and_no_other() {
        let keys = super::super::reference();
        for key in &keys {
            assert!(about(&key.path).is_some(), "{}", key.path);
        }
        for (path, _) in ABOUT {
            assert!(keys.iter().any(|key| key.path == *path), "{path}");
        }
    }
}
