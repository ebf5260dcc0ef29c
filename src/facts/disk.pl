# Tries how fast the disk under each PATH is: small writes that must reach it, and random ones. The file has no name while it
# is used, so nothing is left of it whatever happens; every process of it ends after SECONDS.
use Fcntl qw(O_RDWR O_CREAT O_EXCL O_NOFOLLOW);
no warnings;
my ($seconds, $size) = (9, 32 << 20);
$| = 1;
alarm $seconds;
chomp(my $arch = `dpkg --print-architecture`);
# The numbers of clock_gettime, fdatasync, pread64, pwrite64, and the flags O_DIRECT and O_DSYNC.
my %numbers = (amd64 => [228, 75, 17, 18, 040000], arm64 => [113, 83, 67, 68, 0200000]);
my ($clock, $sync, $read, $write, $direct) = @{$numbers{$arch} // die "the processor $arch is not known\n"};
my $through = 010000;
sub now { syscall $clock, 1, my $now = "\0" x 16; my ($s, $ns) = unpack "qq", $now; $s + $ns / 1e9 }

# A file of random bytes in the folder where data will be, or the nearest that is there.
sub file {
    my ($folder) = @_;
    $folder =~ s{/[^/]*$}{} while length $folder && !-d $folder;
    $folder ||= "/";
    my $free = (split /\n/, `df -B1 --output=avail '$folder'`)[1];
    die "less than 256 MiB are free\n" if $free < 256 << 20;
    my $name = "$folder/.imctl-check-$$";
    sysopen my $file, $name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600 or die "$name: $!\n";
    unlink $name or die "$name: $!\n";
    $file;
}

sub fill {
    my ($file) = @_;
    open my $random, "<", "/dev/urandom" or die "/dev/urandom: $!\n";
    read $random, my $block, 1 << 20;
    for (1 .. $size >> 20) { syswrite $file, $block or die "writing: $!\n" }
    syscall($sync, fileno $file) == 0 or die "fdatasync: $!\n";
}

# What a write that must reach the disk takes: microseconds, at the middle and at 99 of 100.
sub syncs {
    my ($file) = @_;
    my ($until, @took) = (now() + 2);
    my $block = "w" x 8192;
    while (@took < 400 && now() < $until) {
        my $begun = now();
        syscall $write, fileno $file, $block, 8192, (@took % 1024) * 8192;
        syscall($sync, fileno $file) == 0 or die "fdatasync: $!\n";
        push @took, now() - $begun;
    }
    @took = sort { $a <=> $b } @took;
    (scalar @took, map int(1e6 * $took[int($#took * $_)]), .5, .99);
}

# Random reads or writes of 8 KiB past the kernel's cache, by four processes for a second: how many a second.
sub random {
    my ($file, $number, $flags) = @_;
    pipe my $in, my $out;
    my @children;
    for my $seed (1 .. 4) {
        my $child = fork // die "fork: $!\n";
        push(@children, $child), next if $child;
        alarm $seconds;
        sysopen my $own, "/proc/self/fd/" . fileno($file), O_RDWR | $flags or exit 1;
        srand $seed;
        my $room = "r" x 16384;
        # Past the cache the buffer must begin at a multiple of the block size.
        my $address = unpack "J", pack "p", $room;
        $address += 4096 - $address % 4096;
        my ($count, $begun) = (0, now());
        my $until = $begun + 1;
        while (now() < $until) {
            syscall($number, fileno $own, $address, 8192, int(rand $size / 8192) * 8192) == 8192 or exit 1;
            $count++;
        }
        syswrite $out, $count / (now() - $begun) . "\n";
        exit 0;
    }
    close $out;
    my ($sum, $answers) = (0, 0);
    while (<$in>) { $sum += $_; $answers++ }
    waitpid $_, 0 for @children;
    $answers == 4 ? int $sum : "-";
}

my %seen;
for my $path (@ARGV) {
    my $file = eval { file($path) };
    if (!$file) { print "failed $path $@"; next }
    my ($device) = stat $file;
    if (!defined $seen{$device}) {
        $seen{$device} = eval {
            fill($file);
            join " ", syncs($file), random($file, $read, $direct), random($file, $write, $direct | $through);
        } // "failed $@";
    }
    my $said = $seen{$device};
    print $said =~ /^failed (.*)/ ? "failed $path $1\n" : "disk $path $said\n";
}
print "end\n";
