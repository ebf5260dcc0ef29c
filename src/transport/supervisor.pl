# Runs imctl's programs one after the other; none outlives its deadline or the connection (docs/ssh.md).
# Reads frames of a 32-bit length and bytes: length 0 is a sign of life, 0xffffffff the end of a program's input, and the
# first frame of a program says what is to run. Writes frames of a letter, a 32-bit length and bytes.
my ($in, $say, $more, $state, $second, $now, $heard) = ("", "", 0, "idle", 0, 0, 0);
my ($program, $until, $record, $gate, $token, $door, $patience, $nap);
my ($child, $sink, $out, $err, $input, $taken, $status, $ended);

sub uptime { open my $file, "<", "/proc/uptime" or die "/proc/uptime: $!\n"; (split " ", <$file>)[0] }
sub now { ($second, $now) = (time, uptime()) if $second != time; $now }
sub frame { pack("aN", $_[0], length $_[1]) . $_[1] }
sub later { $! == 4 || $! == 11 }

# Ends the program with its group, and this process after it.
sub leave {
    if ($child) {
        kill -15, $child;
        for (1 .. 20) { last if waitpid $child, 1; select undef, undef, undef, .1 }
        kill -9, $child;
        for (1 .. 600) { waitpid $child, 1; last if !kill 0, -$child; select undef, undef, undef, .1 }
    }
    exit $_[0];
}

# Why the lease does not hold; nothing when it does; undef while somebody else has the gate.
sub broken {
    if (!$door && !sysopen $door, $gate, 66, 0600) {
        return $! == 2 ? "it was released" : "its gate cannot be opened: $!";
    }
    flock $door, 5 or return now() > $patience ? "somebody else holds it" : undef;
    if ((stat $door)[1] != (stat $gate)[1]) { undef $door; return now() > $patience ? "its gate changes" : undef }
    open my $file, "<", $record or return $! == 2 ? "it was released" : "its record cannot be read: $!";
    my $line = <$file>;
    my ($holder, $expires) = split " ", defined $line ? $line : "";
    return "it was released" if !defined $holder;
    return "somebody else holds it" if $holder ne $token;
    return $expires =~ /^[\d.]+$/ && uptime() < $expires ? "" : "it ended";
}

sub start {
    pipe my $source, $sink and pipe $out, my $stdout and pipe $err, my $stderr or die "pipe: $!\n";
    defined syswrite STDOUT, frame("b", "") or exit 255;
    defined($child = fork) or die "fork: $!\n";
    if (!$child) {
        $SIG{$_} = "DEFAULT" for qw(PIPE CHLD HUP INT TERM);
        setpgrp 0, 0;
        open STDIN, "<&", $source or die "stdin: $!\n";
        open STDOUT, ">&", $stdout or die "stdout: $!\n";
        open STDERR, ">&", $stderr or exit 127;
        exec "/bin/sh", "-c", "eval \"\$(head -c $program)\"" or exit 127;
    }
    setpgrp $child, $child;
    fcntl $sink, 4, 2048;
    fcntl $sink, 1031, 1 << 20;
    ($state, $ended, $nap) = ("running", undef, .001);
}

sub begin {
    my ($word, $seconds, $root);
    ($word, $program, $seconds, $root, $record, $gate, $token) = unpack "a5 N N C (N/a*)3", $_[0];
    leave(254) if $state ne "idle" || $word ne "imctl" || $root && $>;
    ($input, $taken, $more, $until, $patience) = ("", 0, 1, now() + $seconds, now() + 5);
    if (length $gate) { $state = "waiting" }
    else { start() }
}

sub hear {
    my $got = sysread STDIN, $in, 1 << 18, length $in;
    leave(255) if defined $got ? !$got : !later();
    $heard = now();
    while (length $in >= 4) {
        my $size = unpack "N", $in;
        if ($size == 0xffffffff) {
            leave(254) if !$more;
            ($more, $size) = (0, 0);
        }
        leave(254) if $size > 1 << 20;
        last if length $in < 4 + $size;
        my $bytes = substr $in, 4, $size;
        substr($in, 0, 4 + $size) = "";
        if (!$size) { next }
        elsif (!$more) { begin($bytes) }
        elsif ($state ne "idle") { $input .= $bytes }
    }
}

# Gives the program what it takes, and tells imctl that there is room for more.
sub feed {
    my $sent = syswrite $sink, $input;
    return if !defined $sent && later();
    # A program that closed its input gets nothing and delays nobody.
    $sent = length $input if !defined $sent;
    substr($input, 0, $sent) = "";
    $taken += $sent;
    if ($taken >= 1 << 18) { $say .= frame("t", $taken); $taken = 0 }
}

sub relay {
    my $got = sysread $_[1], my $bytes, 1 << 16;
    if ($got) { $say .= frame($_[0], $bytes) }
    elsif (defined $got || !later()) { undef $_[1] }
}

# A process that the program left behind may hold its outputs: it delays the answer by two seconds and no more. What the
# program itself wrote stands in the pipes by then, and is read while there is room.
sub finish {
    if (!defined $ended && waitpid($child, 1) == $child) {
        ($ended, $status) = (now(), $? & 127 ? 128 + ($? & 127) : $? >> 8);
    }
    return if !defined $ended;
    my $left = $out || $err || $door && kill 0, -$child;
    return if $left && (now() - $ended < 2 || length $say >= 1 << 20);
    $say .= frame("s", $status);
    ($state, $child, $sink, $out, $err, $door, $input) = ("idle");
}

$0 = "imctl";
$| = 1;
print "\0imctl ready $>\n";
alarm 0;
$ENV{PATH} = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
$ENV{LC_ALL} = "C.UTF-8";
chdir "/";
fcntl STDOUT, 4, 2048;
$SIG{PIPE} = "IGNORE";
$SIG{CHLD} = sub { };
$SIG{$_} = sub { leave(143) } for qw(HUP INT TERM);
$heard = now();
for (;;) {
    my ($read, $write, $wait) = ("", "", 1);
    vec($read, 0, 1) = 1;
    if (length $say < 1 << 20) { vec($read, fileno $_, 1) = 1 for grep $_, $out, $err }
    vec($write, 1, 1) = 1 if length $say;
    vec($write, fileno $sink, 1) = 1 if $sink && length $input;
    if ($state eq "waiting" || defined $ended && $state eq "running") { $wait = .02 }
    elsif ($state eq "running" && !$out && !$err) { $wait = $nap; $nap *= 2 if $nap < .5 }
    ($read, $write) = ("", "") if select($read, $write, undef, $wait) < 1;
    hear() if vec $read, 0, 1;
    if ($state eq "waiting" && defined(my $why = broken())) {
        if (length $why) { $say .= frame("f", $why); ($state, $door) = ("idle") }
        else { start() }
    }
    relay("o", $out) if $out && vec $read, fileno $out, 1;
    relay("e", $err) if $err && vec $read, fileno $err, 1;
    feed() if $sink && length $input;
    undef $sink if $sink && !$more && !length $input;
    finish() if $state eq "running";
    if (length $say) {
        my $sent = syswrite STDOUT, $say;
        leave(255) if !defined $sent && !later();
        substr($say, 0, $sent || 0) = "";
    }
    leave(255) if now() - $heard > 8;
    leave(124) if $state ne "idle" && now() > $until;
}
