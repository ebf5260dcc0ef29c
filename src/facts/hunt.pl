# Looks for texts that must not be readable: in arguments of processes, in files that everybody may read, in logs, in histories.
# The texts come on standard input, a line each; what is found is told by place, never by text. It changes nothing.
use strict;
no warnings;
open STDERR, ">", "/dev/null";
$ENV{LC_ALL} = "C";
my @texts = map { chomp; length >= 16 ? quotemeta : () } <STDIN>;
if (!@texts) { print "answered\n"; exit }
my $any = join "|", @texts;
$any = qr/$any/;
my $left = 1 << 30;
sub found { my ($kind, $path) = @_; $path =~ s/\s+/ /g; print "$kind $path\n" }
# Reads a file in pieces that overlap by more than the longest text; no more than 256 MiB of it, from its end.
sub holds {
    my ($path) = @_;
    open my $file, "<", $path or return;
    my $size = -s $file;
    seek $file, $size - (1 << 28), 0 if $size > 1 << 28;
    my $kept = "";
    while ($left > 0 && (my $count = read $file, my $piece, 1 << 20)) {
        $left -= $count;
        $kept .= $piece;
        return 1 if $kept =~ $any;
        $kept = substr $kept, -256 if length $kept > 256;
    }
    0;
}
my %seen;
sub reachable { my ($path) = @_; while ($path =~ s{/[^/]+$}{} && length $path) { return 0 if !((stat $path)[2] & 001) } 1 }
for my $process (grep { /^\d+$/ && $_ != $$ } map { m{([^/]+)$} } glob "/proc/[0-9]*") {
    open my $file, "<", "/proc/$process/cmdline" or next;
    local $/;
    my $words = <$file>;
    next if $words !~ $any;
    open my $comm, "<", "/proc/$process/comm" or next;
    chomp(my $name = <$comm>);
    found("argument", "$name ($process)");
}
for my $path (map { my $home = (split /:/)[5]; glob "$home/.*history" } do { open my $file, "<", "/etc/passwd"; <$file> }) {
    found("history", $path) if !$seen{$path}++ && holds($path);
}
for my $path (split /\n/, `find /var/log -xdev -type f -size -1048576k`) { found("log", $path) if holds($path) }
for my $path (split /\n/, `find /etc /opt /srv /usr/local /tmp /var/tmp /home /root -xdev -type f -perm -0004 -size -4M`) {
    found("readable", $path) if reachable($path) && holds($path);
}
print "answered\n" if $left > 0;
