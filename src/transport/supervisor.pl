# Runs one program for imctl and outlives neither its deadline nor its connection (docs/ssh.md).
# Standard input: frames of a 32-bit length and bytes; length 0 is a sign of life, 0xffffffff the end of the input.
my ($program, $seconds, $root) = ($2, $3, $4);
sub now { open my $uptime, "<", "/proc/uptime" or return time; (split " ", <$uptime>)[0] }
$0 = "imctl";
$| = 1;
print "\0imctl ready $>\n";
print STDERR "\0imctl ready $>\n";
exit 254 if $root && $>;
alarm 0;
$ENV{PATH} = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
$ENV{LC_ALL} = "C.UTF-8";
chdir "/";
pipe my $source, my $sink or die "pipe: $!\n";
my $child = fork;
defined $child or die "fork: $!\n";
if (!$child) {
    setpgrp 0, 0;
    open STDIN, "<&", $source or die "stdin: $!\n";
    exec "/bin/sh", "-c", "eval \"\$(head -c $program)\"" or exit 127;
}
setpgrp $child, $child;
close $source;
$SIG{PIPE} = "IGNORE";
$SIG{CHLD} = sub { };
fcntl $sink, 4, 2048;
fcntl $sink, 1031, 1 << 20;
sub stop {
    kill -15, $child;
    for (1 .. 20) {
        last if waitpid($child, 1) == $child;
        select undef, undef, undef, .1;
    }
    kill -9, $child;
    exit $_[0];
}
my ($in, $out, $end, $deaf, $heard, $until) = ("", "", 0, 0, now(), now() + $seconds);
for (;;) {
    my ($room, $read, $write) = (length $out < 4 << 20, "", "");
    vec($read, 0, 1) = 1 if $room;
    vec($write, fileno $sink, 1) = 1 if length $out;
    ($read, $write) = ("", "") if select($read, $write, undef, 1) < 1;
    if (waitpid($child, 1) == $child) {
        exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
    }
    if (length $read && vec $read, 0, 1) {
        sysread STDIN, $in, 1 << 18, length $in or stop(255);
        $heard = now();
        while (length $in >= 4) {
            my $size = unpack "N", $in;
            ($end, $size) = (1, 0) if $size == 0xffffffff;
            last if length $in < 4 + $size;
            $out .= substr $in, 4, $size if !$deaf;
            substr($in, 0, 4 + $size) = "";
        }
    }
    if (length $write && vec $write, fileno $sink, 1) {
        my $sent = syswrite $sink, $out;
        if (defined $sent) { substr($out, 0, $sent) = "" }
        elsif ($! != 11) { ($out, $deaf) = ("", 1) }
    }
    if ($end == 1 && !length $out) { close $sink; $end = 2 }
    stop(255) if $room && now() - $heard > 8;
    stop(124) if now() > $until;
}
