# Says once a second, for SECONDS, what a host is busy with: one line of numbers each.
# Columns: processor ticks used, all ticks, memory KiB in use, all of it, milliseconds of the busiest disk, bytes on the network.
no warnings;
my ($seconds) = @ARGV;
$| = 1;
alarm $seconds + 10;
sub text { open my $file, "<", $_[0] or return ""; local $/; <$file> }
for (0 .. $seconds) {
    my (undef, @ticks) = split " ", (text("/proc/stat") =~ /^(cpu .*)/m)[0];
    my $all = 0;
    $all += $_ for @ticks[0 .. 7];
    my %memory = text("/proc/meminfo") =~ /^(\w+):\s+(\d+)/mg;
    my $busiest = 0;
    for (split /\n/, text("/proc/diskstats")) {
        my @words = split " ";
        next if $words[2] =~ /^(loop|ram|zram|dm-|md|sr)/ || $words[2] =~ /^(sd|vd|xvd)[a-z]+\d+$|^nvme.*p\d+$/;
        $busiest = $words[12] if $words[12] > $busiest;
    }
    my $bytes = 0;
    for (split /\n/, text("/proc/net/dev")) {
        my ($name, @words) = /^\s*([^:]+):\s*(.*)/ ? ($1, split " ", $2) : next;
        $bytes += $words[0] + $words[8] if $name ne "lo";
    }
    print join(" ", $all - $ticks[3] - $ticks[4], $all, $memory{MemTotal} - $memory{MemAvailable}, $memory{MemTotal}, $busiest, $bytes), "\n";
    select undef, undef, undef, 1 if $_ < $seconds;
}
