# Says how a host is guarded, one `key value` a line. It changes nothing, and what could not be found out is left unsaid.
# Standard words after it: FOLDERS (where data stands), separated by spaces; "quick" leaves out checksums of packages.
use strict;
no warnings;
open STDERR, ">", "/dev/null";
$ENV{LC_ALL} = "C";
sub say_ { my ($key, $value) = @_; $value =~ s/\s+/ /g; print "$key $value\n" if defined $value && length $value }
sub text { open my $file, "<", $_[0] or return; local $/; my $text = <$file>; $text }
sub first { my ($text) = (text($_[0]) // "") =~ /^(.*)/; $text }
sub lines { split /\n/, `$_[0]` }
# A list that is empty says something only when the question was answered.
sub asked {
    my ($what, $command, $most) = @_;
    my @lines = lines($command);
    print "answered $what\n" if $? >= 0 && !($? & 127) && $? >> 8 <= ($most // 0);
    @lines;
}
my ($folders, $quick) = @ARGV;

# The packet filter as it is now, and whether it comes back.
say_("nft", join " ", asked("nft", "nft -j list ruleset"));
say_("nft-enabled", (lines("systemctl is-enabled nftables.service"))[0]);

# The kernel's settings; those of interfaces too.
for my $name (qw(net/ipv4/ip_forward net/ipv6/conf/all/forwarding net/ipv4/tcp_syncookies kernel/randomize_va_space kernel/kptr_restrict
    kernel/dmesg_restrict kernel/yama/ptrace_scope fs/protected_hardlinks fs/protected_symlinks fs/suid_dumpable)) {
    say_("sysctl", "$name " . first("/proc/sys/$name"));
}
for my $path (glob "/proc/sys/net/ipv[46]/conf/*") {
    my ($place) = $path =~ m{^/proc/sys/(.*)};
    for my $name (qw(accept_redirects send_redirects secure_redirects accept_source_route rp_filter)) {
        my $value = first("$path/$name");
        say_("sysctl", "$place/$name $value") if length $value;
    }
}

# SSH, sudo.
for (asked("sshd", "sshd -T")) {
    say_("sshd", $_) if /^(?:permitrootlogin|passwordauthentication|permitemptypasswords|maxauthtries|logingracetime|ciphers|macs|kexalgorithms|allowusers|allowgroups|clientaliveinterval|clientalivecountmax) /;
}
my ($tmout) = map { (text($_) // "") =~ /^\s*(?:readonly\s+|export\s+|declare\s+-\w+\s+)*TMOUT=(\d+)/m } "/etc/profile", glob("/etc/profile.d/*.sh"), "/etc/bash.bashrc";
say_("tmout", $tmout);
if (-e "/etc/sudoers") {
    my @files = ("/etc/sudoers", grep { !m{[.~]|~$}s || !m{/[^/]*[.~][^/]*$} } glob "/etc/sudoers.d/*");
    print "answered sudo\n" if defined text("/etc/sudoers");
    for my $file (@files) {
        my $text = text($file) // next;
        $text =~ s/\\\n//g;
        for (split /\n/, $text) {
            next if /^\s*#/;
            say_("sudo-free", "$1 $file") if /^\s*(\S+)\s.*NOPASSWD\s*:\s*(?:[A-Z]+\s*:\s*)*ALL\b/;
            say_("sudo-set", $_) for /^\s*Defaults\S*\s.*?\b(use_pty|logfile|log_output|!syslog)\b/;
        }
    }
}

# Accounts of the host.
my (%shells, %homes);
for (split /\n/, text("/etc/passwd") // "") {
    my ($name, undef, $id, undef, undef, $home, $shell) = split /:/;
    print "answered accounts\n" if $name eq "root";
    say_("root-like", $name) if $id eq "0" && $name ne "root";
    next if $shell =~ m{/(?:nologin|false|sync|shutdown|halt)$};
    ($shells{$name}, $homes{$name}) = ($shell, $home);
    say_("service-shell", "$name $shell") if $id > 0 && $id < 1000 && $name !~ /^(?:postgres|backup)$/;
}
for (split /\n/, text("/etc/shadow") // "") {
    my ($name, $hash) = split /:/;
    print "answered passwords\n" if $name eq "root";
    say_("empty-password", $name) if $hash eq "";
    my $strong = $hash =~ /^\$(?:y|gy|7|6|5|2[aby])\$/;
    say_("weak-hash", $name) if $hash !~ /^[!*]/ && length $hash && !$strong;
}
for my $home (values %homes) {
    for my $path ($home, "$home/.ssh", glob("$home/.ssh/authorized_keys*")) {
        my @stat = stat $path or next;
        say_("key-file", sprintf "%04o %s", $stat[2] & 07777, $path) if $stat[2] & 022;
    }
}

# Files: setuid ones that no package brought, files that everybody may write, private keys that everybody may read.
my @setuid = asked("setuid", "find /usr /opt /srv /home /root /etc /tmp /var/tmp /dev/shm -xdev -type f -perm -4000", 1);
if (@setuid) {
    my %owned;
    # Packages name files as they were before /bin and /lib moved below /usr.
    my @names = map { my $short = $_; $short =~ s{^/usr/(s?bin|lib\w*)/}{/$1/} ? ($_, $short) : ($_) } @setuid;
    for (lines("dpkg-query -S " . join(" ", map { my $q = $_; $q =~ s/'/'\\''/g; "'$q'" } @names))) { $owned{$2} = 1 if /^([^:]+(?::\w+)?(?:, [^:]+(?::\w+)?)*): (.*)$/ }
    for my $file (@setuid) {
        (my $short = $file) =~ s{^/usr/(s?bin|lib\w*)/}{/$1/};
        say_("setuid", $file) if !$owned{$file} && !$owned{$short};
    }
}
say_("writable", $_) for asked("writable", "find /etc /usr /opt /boot /root /var/spool/cron /var/lib/imctl -xdev ! -type l -perm -0002 ! -perm -1000", 1);
sub reachable { my ($path) = @_; while ($path =~ s{/[^/]+$}{} && length $path) { return 0 if !((stat $path)[2] & 001) } 1 }
for my $path (asked("keys", "find /etc /root /home /opt /srv /tmp /var/tmp /usr/local -xdev -type f -perm -0004 -size -64k", 1)) {
    open my $file, "<", $path or next;
    read $file, my $head, 8192;
    say_("open-key", $path) if $head =~ /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/ && reachable($path);
}

# Packages: all there are, those whose files were changed, those that apt knows a security update for, unsigned sources.
say_("package", $_) for asked("packages", "dpkg-query -W -f '\${db:Status-Abbrev} \${Package} \${Version} \${source:Package}\\n' | sed -n 's/^ii  *//p'");
say_("changed", $_) for map { /^..5\S*\s+(?!c )(\/.*)/ ? $1 : () } $quick ? () : asked("changed", "dpkg --verify", 2);
my @lists = glob "/var/lib/apt/lists/*_Packages*";
if (@lists) {
    for (asked("pending", "apt-get -s -o Debug::NoLocking=1 dist-upgrade")) { say_("pending", "$1 $2") if /^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) [^)]*-[Ss]ecurity/ }
}
for my $path ("/etc/apt/sources.list", glob("/etc/apt/sources.list.d/*")) {
    say_("unsigned", $path) if (text($path) // "") =~ /^\s*deb\S*\s+\[[^\]]*(?:trusted|allow-insecure)\s*=\s*yes|^\s*(?:Trusted|Allow-Insecure)\s*:\s*yes/mi;
}
for my $path ("/etc/apt/apt.conf", glob("/etc/apt/apt.conf.d/*")) {
    say_("unsigned", $path) if (text($path) // "") =~ /^\s*[^#\/\n]*(?:AllowInsecureRepositories|AllowUnauthenticated|AllowWeakRepositories)"?\s+"?(?:true|yes|1)/mi;
}
print "answered sources\n";

# Who writes down what happens, and who locks out.
say_("pam", "faillock") if grep /^\s*auth\s.*pam_(?:faillock|tally2)\.so/m, map { text($_) // "" } glob "/etc/pam.d/common-auth*";
say_("pam", "pwquality") if grep /^\s*password\s.*pam_(?:pwquality|passwdqc|cracklib)\.so/m, map { text($_) // "" } glob "/etc/pam.d/common-password*";
print "answered pam\n" if -r "/etc/pam.d/common-auth";
my @watch = qw(auditd.service systemd-journal-upload.service rsyslog.service syslog-ng.service fluent-bit.service filebeat.service vector.service promtail.service);
my @active = lines("systemctl is-active @watch");
if (@active == @watch) {
    print "answered watch\n";
    for (@watch) { say_("active", $_) if shift(@active) eq "active" }
}
say_("audit-rules", scalar grep /^-[aw]/, lines("auditctl -l"));
say_("remote-log", $_) for grep { (text($_) // "") =~ /^\s*[^#\n]*(?:\s@@?[\w\[]|omfwd|omrelp)/m } "/etc/rsyslog.conf", glob "/etc/rsyslog.d/*.conf";
for (asked("journal", "systemd-analyze cat-config systemd/journald.conf")) { say_("journal", "$1 $2") if /^\s*(Storage|MaxRetentionSec|ForwardToSyslog)\s*=\s*(.*?)\s*$/ }
say_("journal-kept", "yes") if -d "/var/log/journal";
for (asked("exposure", "systemd-analyze security --no-pager")) { say_("exposure", "$1 $2") if /^(\S+\.service)\s+([\d.]+)\s/ }
say_("selinux", first("/sys/fs/selinux/enforce"));
say_("apparmor", first("/sys/module/apparmor/parameters/enabled"));

# Where everybody may write, and what lies under the data.
for (split /\n/, text("/proc/mounts") // "") { my (undef, $path, undef, $options) = split " "; say_("tmp", $options) if $path eq "/tmp" }
for my $folder (split " ", $folders) {
    my ($source) = lines("findmnt -no SOURCE --target '$folder'");
    $source =~ s/\[.*//;
    my @kinds = $source =~ m{^/dev/} ? lines("lsblk -nso TYPE '$source'") : ();
    say_("under", "$folder " . (@kinds ? join ",", map { s/\s//gr } @kinds : "unknown"));
}
