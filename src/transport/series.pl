# Does deeds one after the other, each read whole from standard input, up to the first that fails. On standard output a line
# for each that is done, with the second of its end; on standard error what each said, after a mark.
use IO::Handle;
use Fcntl;
# A program that is begun here gets every descriptor; each is closed where it is not wanted.
$^F = 255;
my $temporary;
sub gone { unlink $temporary if defined $temporary }
sub fail { print STDERR "$_[0]\n"; gone(); exit 1 }
$SIG{$_} = sub { gone(); exit 143 } for qw(HUP INT TERM);
$SIG{PIPE} = "IGNORE";

sub take {
    my ($size, $bytes) = ($_[0], "");
    while (length $bytes < $size) {
        sysread STDIN, $bytes, $size - length $bytes, length $bytes or fail("the content did not arrive whole");
    }
    $bytes;
}
sub field { take(unpack "N", take(4)) }
sub number { my ($name, $find) = @_; $name =~ /^\d+$/ ? $name : $find->($name) // fail("there is no `$name` here") }
sub done { open my $file, "<", "/proc/uptime" or fail("/proc/uptime: $!"); print "done ", (split " ", <$file>)[0], "\n" }

# A script travels through a pipe, never in argv, and has nothing to read.
sub run {
    my $script = field();
    pipe my $source, my $sink or fail("pipe: $!");
    defined(my $child = fork) or fail("fork: $!");
    if (!$child) {
        close $sink;
        $SIG{PIPE} = "DEFAULT";
        open STDIN, "<", "/dev/null" or die "/dev/null: $!\n";
        open STDOUT, ">&", \*STDERR or die "stdout: $!\n";
        exec "/bin/sh", "/dev/fd/" . fileno $source or die "sh: $!\n";
    }
    close $source;
    print $sink $script;
    close $sink;
    waitpid $child, 0;
    return if !$?;
    exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
}

# A file whole: a temporary name in the same folder that only root can read, owner and mode, fsync, rename, fsync of the
# folder. What a run that was cut left of the same file goes first.
sub put {
    my ($path, $mode, $owner, $group) = map field(), 1 .. 4;
    my $content = field();
    my ($folder, $name) = $path =~ m{^(.*/)([^/]+)$}s or fail("`$path` is no path");
    opendir my $list, $folder or fail("`$folder`: $!");
    unlink map "$folder$_", grep /^\.\Q$name\E\.imctl-.{6}$/s, readdir $list;
    my @letters = ("a" .. "z", "A" .. "Z", 0 .. 9);
    my ($file, $next) = (undef, "$folder.$name.imctl-");
    for (1 .. 100) {
        my $try = $next . join "", map $letters[rand @letters], 1 .. 6;
        last if sysopen($file, $try, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) and defined($temporary = $try);
        fail("`$folder`: $!") if !$!{EEXIST};
    }
    my $at = 0;
    while ($at < length $content) {
        $at += syswrite($file, $content, length($content) - $at, $at) || fail("`$temporary`: $!");
    }
    my ($user, $of) = (number($owner, sub { getpwnam $_[0] }), number($group, sub { getgrnam $_[0] }));
    chown $user, $of, $file or fail("owner of `$temporary`: $!");
    chmod oct $mode, $file or fail("mode of `$temporary`: $!");
    $file->sync or fail("`$temporary`: $!");
    close $file or fail("`$temporary`: $!");
    rename $temporary, $path or fail("`$path`: $!");
    undef $temporary;
    sysopen my $above, $folder, O_RDONLY | O_DIRECTORY or fail("`$folder`: $!");
    $above->sync or fail("`$folder`: $!");
}

$| = 1;
done();
for my $deed (1 .. unpack "N", take(4)) {
    print STDERR "\0imctl deed\n";
    take(1) eq "r" ? run() : put();
    done();
}
