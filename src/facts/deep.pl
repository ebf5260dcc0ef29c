# Says what preflight wants to know beyond the facts, one `key value` a line. It changes nothing.
# Standard words after it: COMMANDS (wanted programs) and PATHS (where data will go), each separated by spaces.
no warnings;
open STDERR, ">", "/dev/null";
sub say_ { my ($key, $value) = @_; print "$key $value\n" if defined $value && length $value }
sub text { open my $file, "<", $_[0] or return; local $/; my $text = <$file>; $text }
sub first { my ($text) = (text($_[0]) // "") =~ /^(.*)/; $text }
sub lines { split /\n/, `$_[0]` }
# A list that is empty says something only when the question was answered: a program that ended with 0, or with MOST at the most.
sub asked {
    my ($what, $command, $most) = @_;
    my @lines = lines($command);
    say_("answered", $what) if $? >= 0 && !($? & 127) && $? >> 8 <= ($most // 0);
    @lines;
}
my ($commands, $paths) = @ARGV;

say_("page-size", (lines("getconf PAGESIZE"))[0]);
my ($flags) = (text("/proc/cpuinfo") // "") =~ /^(?:flags|Features)\s*:\s*(.*)$/m;
say_("cpu-flags", $flags);
my ($huge) = (text("/sys/kernel/mm/transparent_hugepage/enabled") // "") =~ /\[(\w+)\]/;
say_("huge-pages", $huge);
say_("pid-max", first("/proc/sys/kernel/pid_max"));
my ($files) = (lines("systemctl show -p DefaultLimitNOFILE --value"))[0];
say_("open-files", $files eq "infinity" ? 1 << 30 : $files);
say_("swappiness", first("/proc/sys/vm/swappiness"));

# File systems with their options, and the room under each path that matters.
for (split /\n/, text("/proc/mounts") // "") {
    my (undef, $path, $kind, $options) = split " ";
    $path =~ s/\\(\d{3})/chr oct $1/ge;
    say_("mounted", "$kind $options $path") if $path =~ m{^/($|tmp|var|usr|etc|srv|home|boot|opt|data)};
}
for my $path (split " ", $paths) {
    opendir my $folder, $path or next;
    say_("filled", $path) if grep !/^\.\.?$|^lost\+found$/, readdir $folder;
}
say_("nr-open", first("/proc/sys/fs/nr_open"));
for my $path (split(" ", $paths), "/tmp", "/var/tmp", "/var/lib/dpkg", "/var/cache/apt", "/etc", "/run") {
    my $here = $path;
    $here =~ s{/[^/]*$}{} while length $here && !-e $here;
    my (undef, $line) = lines("df -B1 --output=avail,itotal,iavail,target '" . ($here || "/") . "'");
    my ($free, $inodes, $left, $target) = split " ", $line, 4;
    say_("room", "$free $inodes $left $target $path");
}

# Packages: what dpkg finds wrong, what is held back, who holds the locks.
my $audit = join " ", map { /^ (\S+)/ ? $1 : () } asked("broken", "dpkg --audit", 1);
say_("dpkg-broken", $audit);
say_("dpkg-held", join " ", map { /^hold (\S+)/ ? $1 : () } asked("held", "dpkg-query -W -f '\${db:Status-Want} \${Package}\\n'"));
my %inodes = map { my @stat = stat $_; @stat ? ($stat[1] => $_) : () }
    "/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock";
my $locks = text("/proc/locks");
say_("answered", "locks") if defined $locks;
for (split /\n/, $locks // "") {
    my ($process, $inode) = /\s(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/ or next;
    say_("dpkg-locked", "$process " . first("/proc/$process/comm")) if $inodes{$inode};
}
say_("reboot-required", first("/run/reboot-required.pkgs") || "yes") if -e "/run/reboot-required";

# Programs, units, and others who filter packets.
my @folders = qw(/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin);
for my $command (split " ", $commands) { say_("missing", $command) if !grep -x "$_/$command", @folders }
say_("unit-failed", $_) for map { /^(?:\S\s+)?(\S+\.\w+)\s/ ? $1 : () } asked("units", "systemctl list-units --failed --plain --no-legend");
my @filters = qw(ufw firewalld iptables-persistent netfilter-persistent);
my @upgrades = qw(apt-daily-upgrade.timer unattended-upgrades.service);
# A line for each, whatever it is; the status tells of one that is not active.
my @active = lines("systemctl is-active " . join(" ", map("$_.service", @filters), @upgrades));
say_("answered", "active") if @active == @filters + @upgrades;
for (@filters) { say_("filter", $_) if shift(@active) eq "active" }
for (@upgrades) { say_("timer", $_) if shift(@active) eq "active" }
say_("selinux", first("/sys/fs/selinux/enforce"));
say_("apparmor", first("/sys/module/apparmor/parameters/enabled"));

# Names: the own one, and what a question to a dead resolver costs.
my $name = first("/proc/sys/kernel/hostname");
my ($own) = map { (split " ")[0] } lines("getent ahosts '$name'");
say_("own-address", $own);
say_("resolver", join " ", (text("/etc/resolv.conf") // "") =~ /^nameserver\s+(\S+)/mg);
my ($before) = split " ", first("/proc/uptime");
lines("timeout 12 getent hosts imctl-preflight.invalid");
my ($after) = split " ", first("/proc/uptime");
say_("lookup-ms", sprintf "%d", ($after - $before) * 1000);

# What sshd lets us do.
my %sshd = map { /^(\S+) (.*)/ } asked("sshd", "sshd -T");
for my $key (qw(maxsessions allowtcpforwarding permitrootlogin passwordauthentication maxstartups)) { say_("sshd-$key", $sshd{$key}) }

# Kernel settings that a file of the host's own gives, the last file wins as systemd reads them.
my %files;
for my $folder ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d") {
    for my $file (glob "$folder/*.conf") { my ($name) = $file =~ m{([^/]+)$}; $files{$name} //= $file }
}
for my $name (sort keys %files) {
    for (split /\n/, text($files{$name}) // "") {
        say_("sysctl", "$1 $files{$name} $2") if /^\s*-?([a-z][\w.\/*-]*)\s*=\s*(.*?)\s*$/;
    }
}
for (split /\n/, text("/etc/sysctl.conf") // "") { say_("sysctl", "$1 /etc/sysctl.conf $2") if /^\s*-?([a-z][\w.\/*-]*)\s*=\s*(.*?)\s*$/ }
