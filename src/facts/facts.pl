# Says what the host is, one `key value` a line. It changes nothing, and what is not there is left unsaid.
# One process reads what files tell; others are begun only for what no file tells.
no warnings;
open STDERR, ">", "/dev/null";
sub say_ { my ($key, $value) = @_; print "$key $value\n" if defined $value && length $value }
sub text { open my $file, "<", $_[0] or return; local $/; my $text = <$file>; $text }
sub first { my ($text) = (text($_[0]) // "") =~ /^(.*)/; $text }
sub ask { my ($answer) = `$_[0]` =~ /^(.*)/; $answer }
# The value of a setting in a file of shell assignments.
sub set {
    my ($value) = (text($_[0]) // "") =~ /^\s*(?:export\s+)?$_[1]=(.*?)\s*$/m or return;
    $value =~ /^"(.*)"$/ || $value =~ /^'(.*)'$/ ? $1 : $value;
}

my $arch = ask("dpkg --print-architecture");
# The numbers of clock_gettime and adjtimex.
my ($clock, $adjust) = @{{ amd64 => [228, 159], arm64 => [113, 171] }->{$arch // ""} // []};
if ($clock && syscall($clock, 0, my $now = "\0" x 16) == 0) { say_("time", sprintf "%d.%09d", unpack "qq", $now) }
else { say_("time", ask("date +%s.%N")) }
my ($release) = grep -r, "/etc/os-release", "/usr/lib/os-release";
say_("os-id", set($release, "ID"));
say_("os-version", set($release, "VERSION_ID"));
say_("os-name", set($release, "PRETTY_NAME"));
say_("arch", $arch);
say_("cpus", ask("nproc"));
my %files = (
    "kernel" => "/proc/sys/kernel/osrelease", "init" => "/proc/1/comm", "hostname" => "/proc/sys/kernel/hostname",
    "machine-id" => "/etc/machine-id", "boot-id" => "/proc/sys/kernel/random/boot_id", "uptime" => "/proc/uptime",
    "load" => "/proc/loadavg", "memory-limit" => "/sys/fs/cgroup/memory.max",
);
say_($_, first($files{$_})) for sort keys %files;
my $memory = text("/proc/meminfo");
for my $key (qw(MemTotal: MemAvailable: SwapTotal:)) { say_($key, $1) if $memory =~ /^$key\s+(\d+)/m }
say_("systemd", ask("systemctl --version"));
say_("virtualization", ask("systemd-detect-virt"));
say_("time-zone", readlink("/etc/localtime") // first("/etc/timezone"));
say_("locale", (grep length, map set($_, "LANG") // "", "/etc/default/locale", "/etc/locale.conf")[0]);
if ($adjust) {
    my $state = syscall($adjust, my $buffer = "\0" x 208);
    say_("clock", $state < 0 ? "" : $state == 5 ? "no" : "yes");
}
say_("addresses", ask("hostname -I"));
my (undef, @mounts) = split /\n/,
    `df -B1 -l --output=fstype,size,avail,iavail,target -x tmpfs -x devtmpfs -x squashfs -x efivarfs`;
for (@mounts) { my ($kind, $size, $free, $inodes, $path) = split " ", $_, 5; say_("mount", "$kind $size $free $inodes $path") }
for my $folder (glob "/sys/class/net/*") {
    my ($name) = $folder =~ m{([^/]+)$};
    next if $name eq "lo" || !-r "$folder/mtu";
    my @words = map { my $word = first("$folder/$_"); length $word ? $word : "-" } qw(mtu speed operstate);
    say_("interface", "$name @words");
}
# sudo hides the variable: then it is looked for in the processes above.
my ($ends, $process) = ($ENV{SSH_CONNECTION}, $$);
while (!length $ends && $process > 1) {
    ($ends) = (text("/proc/$process/environ") // "") =~ /(?:^|\0)SSH_CONNECTION=([^\0]*)/;
    ($process) = (text("/proc/$process/status") // "") =~ /^PPid:\s+(\d+)/m or last;
}
say_("ssh", $ends);
